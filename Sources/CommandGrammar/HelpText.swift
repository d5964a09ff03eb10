/// Help, completion and reference texts, all made from the same table that drives parsing.
package struct HelpText {
    /// Name of the program.
    package let program: String
    /// One sentence about the program.
    package let summary: String
    /// Options that come before the verb.
    package let globals: [CommandOption]

    /// Texts for a program.
    package init(program: String, summary: String, globals: [CommandOption]) {
        self.program = program
        self.summary = summary
        self.globals = globals
    }

    /// What `PROGRAM help` prints.
    package func overview(of verbs: [CommandVerb]) -> String {
        var text = "\(program) - \(summary)\n\nUsage: \(program) [OPTIONS] COMMAND [ARGUMENTS]\n"
        for group in CommandVerb.Group.allCases {
            let members = verbs.filter { $0.group == group && !$0.isHidden }
            guard !members.isEmpty else { continue }
            text += "\n\(group.rawValue):\n"
            text += Self.columns(members.map { ($0.name, $0.summary) })
        }
        text += "\nOptions before the command:\n" + Self.table(globals)
        text += "\nRun '\(program) COMMAND --help' for the options of a command.\n"
        return text
    }

    /// What `PROGRAM VERB --help` prints.
    package func page(for verb: CommandVerb) -> String {
        var text = "Usage: \(usage(of: verb))\n\n\(verb.summary).\n"
        if !verb.details.isEmpty { text += "\n\(verb.details)\n" }
        if verb.options.contains(where: { !$0.isHidden }) {
            text += "\nOptions:\n" + Self.table(verb.options)
        }
        return text
    }

    /// The usage line of a verb, without `Usage:`.
    package func usage(of verb: CommandVerb) -> String {
        var words = [program, verb.name]
        if verb.options.contains(where: { !$0.isHidden }) { words.append("[OPTIONS]") }
        if !verb.operands.usage.isEmpty { words.append(verb.operands.usage) }
        return words.joined(separator: " ")
    }

    /// The reference of all verbs in Markdown.
    package func markdown(of verbs: [CommandVerb]) -> String {
        var text = "# Command line of \(program)\n\n"
        text += "Made by `\(program) debug cli-reference` from the table that parses the command line.\n\n"
        text += "Options before the command:\n\n" + Self.markdownTable(globals)
        for group in CommandVerb.Group.allCases {
            let members = verbs.filter { $0.group == group && !$0.isHidden }
            guard !members.isEmpty else { continue }
            text += "\n## \(group.rawValue)\n"
            for verb in members {
                text += "\n### \(verb.name)\n\n    \(usage(of: verb))\n\n\(verb.summary).\n"
                if !verb.details.isEmpty { text += "\n\(verb.details)\n" }
                if verb.options.contains(where: { !$0.isHidden }) {
                    text += "\n" + Self.markdownTable(verb.options)
                }
            }
        }
        return text
    }

    /// A completion script for bash.
    package func bashCompletion(of verbs: [CommandVerb]) -> String {
        let shown = verbs.filter { !$0.isHidden }
        let names = shown.map(\.name).joined(separator: " ")
        var text = """
            # bash completion for \(program); load with: source <(\(program) completion bash)
            _\(program)() {
                local current=${COMP_WORDS[COMP_CWORD]} verb= word i
                for ((i = 1; i < COMP_CWORD; i++)); do
                    word=${COMP_WORDS[i]}
                    case $word in
                    \(Self.valued(globals)) ((i++)) ;;
                    -*) ;;
                    *) verb=$word; break ;;
                    esac
                done
                case $verb in
                '') COMPREPLY=($(compgen -W "\(names) \(Self.long(globals))" -- "$current")) ;;

            """
        for verb in shown {
            let options = Self.long(verb.options)
            text += "    \(verb.name)) COMPREPLY=($(compgen -W \"\(options)--help\" -- \"$current\")) ;;\n"
        }
        text += "    esac\n}\ncomplete -o default -F _\(program) \(program)\n"
        return text
    }

    private static func long(_ options: [CommandOption]) -> String {
        options.filter { !$0.isHidden }.reduce(into: "") { $0 += "--\($1.name) " }
    }

    private static func valued(_ options: [CommandOption]) -> String {
        let names = options.filter { $0.argument != .none }.map { "--\($0.name)" }
        return (names.isEmpty ? ["--"] : names).joined(separator: " | ") + ")"
    }

    private static func table(_ options: [CommandOption]) -> String {
        columns(
            options.filter { !$0.isHidden }.map { option in
                (option.short == nil ? "    \(option.spelling)" : option.spelling, option.summary)
            })
    }

    private static func columns(_ rows: [(String, String)]) -> String {
        let width = min(rows.map(\.0.count).max() ?? 0, 30)
        return rows.reduce(into: "") { text, row in
            let padding = max(0, width - row.0.count)
            text += "  \(row.0)\(String(repeating: " ", count: padding + 2))\(row.1)\n"
        }
    }

    private static func markdownTable(_ options: [CommandOption]) -> String {
        options.filter { !$0.isHidden }.reduce(into: "| option | meaning |\n|---|---|\n") { text, option in
            text += "| `\(option.spelling)` | \(escaped(option.summary)) |\n"
        }
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { $0 += $1 == "|" ? "\\|" : String($1) }
    }
}
