/// What the manual page has besides the table of commands.
package struct ManualPage: Sendable {
    /// A section in prose. A line that starts with four spaces is an example and stays as it is.
    package struct Section: Sendable {
        /// Heading, in capitals as usual.
        package let title: String
        /// Paragraphs with empty lines between them; `TERM<tab>TEXT` is an entry of a list.
        package let text: String

        /// A section.
        package init(_ title: String, _ text: String) {
            self.title = title
            self.text = text
        }
    }

    /// Version of the program, for the page's foot.
    package let version: String
    /// Day of that version, `2026-11-21`.
    package let date: String
    /// Sections before the commands.
    package let before: [Section]
    /// Sections after them.
    package let after: [Section]

    /// A page.
    package init(version: String, date: String, before: [Section], after: [Section]) {
        self.version = version
        self.date = date
        self.before = before
        self.after = after
    }
}

extension HelpText {
    /// The manual page of all verbs.
    /// - SeeAlso: man(7)
    package func manual(of verbs: [CommandVerb], _ page: ManualPage) -> String {
        var text = ".\\\" Made by `\(program) debug manual` from the table that parses the command line.\n"
        text += ".TH \(program.uppercased()) 1 \(page.date) \"\(program) \(page.version)\"\n"
        text += ".SH NAME\n\(program) \\- \(Self.roff(summary))\n"
        text += ".SH SYNOPSIS\n.B \(program)\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
        text += page.before.map(Self.section).joined()
        text += ".SH OPTIONS\nThese come before the command.\n" + Self.entries(globals)
        for group in CommandVerb.Group.allCases {
            let members = verbs.filter { $0.group == group && !$0.isHidden }
            guard !members.isEmpty else { continue }
            text += ".SH COMMANDS: \(Self.roff(group.rawValue.uppercased()))\n"
            text += members.map(entry).joined()
        }
        return text + page.after.map(Self.section).joined()
    }

    private func entry(of verb: CommandVerb) -> String {
        var text = ".SS \(Self.roff(usage(of: verb)))\n\(Self.line(verb.summary + "."))\n"
        if !verb.details.isEmpty {
            let lines = verb.details.split(separator: "\n").map { Self.line(String($0)) }
            text += ".PP\n\(lines.joined(separator: "\n"))\n"
        }
        return text + Self.entries(verb.options)
    }

    private static func entries(_ options: [CommandOption]) -> String {
        options.filter { !$0.isHidden }.map { option in
            let name = (option.short.map { "-\($0), " } ?? "") + "--\(option.name)"
            var tag = "\\fB\(roff(name))\\fR"
            if case .value(let placeholder) = option.argument { tag += " \\fI\(roff(placeholder))\\fR" }
            return ".TP\n\(tag)\n\(line(option.summary + "."))\n"
        }.joined()
    }

    private static func section(_ section: ManualPage.Section) -> String {
        var text = ".SH \(roff(section.title))\n"
        var startsParagraph = false
        var isExample = false
        for line in section.text.split(separator: "\n", omittingEmptySubsequences: false) {
            if isExample, !line.hasPrefix("    ") {
                text += ".EE\n"
                isExample = false
            }
            if line.isEmpty {
                startsParagraph = true
                continue
            }
            if let tab = line.firstIndex(of: "\t") {
                text += ".TP\n\\fB\(roff(String(line[..<tab])))\\fR\n"
                text += "\(Self.line(String(line[line.index(after: tab)...])))\n"
            } else {
                if startsParagraph { text += ".PP\n" }
                if !isExample, line.hasPrefix("    ") {
                    text += ".EX\n"
                    isExample = true
                }
                text += isExample ? "\(roff(String(line)))\n" : "\(Self.line(String(line)))\n"
            }
            startsParagraph = false
        }
        return text + (isExample ? ".EE\n" : "")
    }

    /// Text in lines of at most some 78 columns. A line that starts with a dot or an apostrophe would be a request.
    private static func line(_ text: String) -> String {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if line.utf8.count + word.utf8.count >= 76 {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        lines.append(line)
        return lines.map { line in
            line.hasPrefix(".") || line.hasPrefix("'") ? "\\&\(roff(line))" : roff(line)
        }.joined(separator: "\n")
    }

    /// Text with what is special in roff escaped: the dash of options must stay one, for copying.
    private static func roff(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "…": result += "..."
            default: result.append(character)
            }
        }
    }
}
