import CommandGrammar
import LinuxSystem

/// The way from the arguments to an exit code: options before the verb, the verb, its options, its action.
enum Program {
    /// Name in usage lines and messages.
    static let name = "skiff"

    /// Runs one command line and returns the exit code of the process.
    static func run(_ arguments: [String]) -> Int32 {
        if arguments.count == 2, arguments[1] == "--version" || arguments[1] == "-v" {
            return Output.show(Version.text)
        }
        var output = Output()
        do throws(UsageError) {
            let globals = try GlobalOptions(arguments, from: 1)
            output = Output(log: globals.log, format: globals.logFormat)
            if globals.wantsVersion { return Output.show(Version.text) }
            guard globals.consumed + 1 < arguments.count, !globals.wantsHelp else {
                let isAsked = globals.wantsHelp
                return Output.show(
                    help.overview(of: CommandTable.verbs), toError: !isAsked, exitCode: isAsked ? 0 : 2)
            }
            return try run(verb: arguments[globals.consumed + 1], arguments, globals, output)
        } catch {
            return output.report(usage: error.description)
        }
    }

    /// The texts of the program.
    static var help: HelpText {
        HelpText(program: name, summary: "run OCI containers", globals: GlobalOptions.options)
    }

    private static func run(
        verb name: String, _ arguments: [String], _ globals: GlobalOptions, _ output: Output
    ) throws(UsageError) -> Int32 {
        guard let command = CommandTable.command(named: name) else {
            throw UsageError("unknown command '\(name)' (see '\(Program.name) help')")
        }
        let verb = command.verb
        let start = globals.consumed + 2
        if asksForHelp(arguments, from: start, verb) { return Output.show(help.page(for: verb)) }
        let parsed: ParsedArguments
        do throws(UsageError) {
            parsed = try CommandLineParser(verb).parseAll(arguments, from: start)
        } catch {
            throw UsageError("\(name): \(error.description)")
        }
        let invocation = Invocation(globals: globals, arguments: parsed, output: output, verbName: name)
        do throws(CommandError) {
            return try command.action(invocation)
        } catch {
            let subject = error.subject ?? parsed.words.first
            return output.report(error, verb: name, subject: subject)
        }
    }

    /// `--help` or `-h` before the words that belong to a program in the container.
    private static func asksForHelp(_ arguments: [String], from start: Int, _ verb: CommandVerb) -> Bool {
        guard start < arguments.count else { return false }
        let ownsShortH = verb.options.contains { $0.short == "h" }
        let first = arguments[start]
        if first == "--help" || (first == "-h" && !ownsShortH) { return true }
        guard verb.operands.commandStartsAfter == nil else { return false }
        return arguments[start...].prefix { $0 != "--" }.contains("--help")
    }
}

/// What an action gets.
struct Invocation {
    /// Options before the verb.
    let globals: GlobalOptions
    /// The verb's options and words.
    let arguments: ParsedArguments
    /// Where warnings go.
    let output: Output
    /// Name of the verb.
    let verbName: String
}

/// A verb with what it does.
struct Command {
    /// How the verb is spelled.
    let verb: CommandVerb
    /// Does it and returns the exit code.
    let action: @Sendable (Invocation) throws(CommandError) -> Int32
}
