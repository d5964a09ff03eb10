import CommandGrammar
import LinuxSystem

/// The way from the arguments to an exit code: options before the verb, the verb, its options, its action.
struct Program {
    /// Name in usage lines and messages, under its own name.
    static let name = CommandStyle.skiff.name

    private let arguments: [String]
    private let style: CommandStyle

    /// The program for one command line, whose first argument is the name that it was called by.
    init(_ arguments: [String]) {
        self.arguments = arguments
        style = CommandStyle(calledAs: arguments.first)
    }

    /// Runs the command line and returns the exit code of the process.
    func run() -> Int32 {
        if arguments.count == 2, arguments[1] == "--version" || arguments[1] == "-v" {
            return Output.show(Version.text(style, root: style.defaultRoot))
        }
        var output = Output(style)
        do throws(UsageError) {
            let globals = try GlobalOptions(arguments, from: 1, style)
            if let problem = globals.log?.problem(style) {
                return output.report(usage: "--log: \(problem)", exitCode: style.wrongValueCode)
            }
            output = Output(style, log: globals.log, format: globals.logFormat, limit: globals.logLevel)
            if globals.wantsVersion { return Output.show(Version.text(style, root: globals.stateRoot)) }
            guard globals.consumed + 1 < arguments.count, !globals.wantsHelp else {
                return overview(globals)
            }
            return try run(verb: arguments[globals.consumed + 1], globals, output)
        } catch {
            return output.report(usage: error.description, exitCode: style.exitCode(for: error))
        }
    }

    /// The texts of the program under its own name.
    static var help: HelpText { help(.skiff) }

    /// The texts of the program under a name.
    static func help(_ style: CommandStyle) -> HelpText {
        HelpText(program: style.name, summary: style.summary, globals: GlobalOptions.options(style))
    }

    private func overview(_ globals: GlobalOptions) -> Int32 {
        let verbs = CommandTable.verbs(style)
        let isAsked = globals.wantsHelp || style == .runc
        let text = style.heading(for: nil) + Self.help(style).overview(of: verbs)
        return Output.show(text, toError: !isAsked, exitCode: isAsked ? 0 : style.wrongValueCode)
    }

    private func run(
        verb name: String, _ globals: GlobalOptions, _ output: Output
    ) throws(UsageError) -> Int32 {
        guard let command = CommandTable.command(named: name, style) else { throw style.unknown(name) }
        let verb = command.verb
        let start = globals.consumed + 2
        if asksForHelp(from: start, verb) {
            return Output.show(style.heading(for: verb) + Self.help(style).page(for: verb))
        }
        let parsed: ParsedArguments
        do throws(UsageError) {
            parsed = try CommandLineParser(verb, spelling: style.spelling).parseAll(arguments, from: start)
        } catch {
            throw error.prefixed(with: "\(name): ")
        }
        output.explain("\(Version.name), called as \(style.name): \(arguments.joined(separator: " "))")
        let invocation = Invocation(globals: globals, arguments: parsed, output: output, verbName: name)
        do throws(CommandError) {
            let exitCode = try command.action(invocation)
            output.explain("\(name) ends with exit code \(exitCode)")
            return exitCode
        } catch {
            let subject = error.subject ?? parsed.words.first
            return output.report(error, verb: name, subject: subject)
        }
    }

    /// `--help` or `-h` before the words that belong to a program in the container.
    private func asksForHelp(from start: Int, _ verb: CommandVerb) -> Bool {
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

    /// Whose command line it is.
    var style: CommandStyle { globals.style }
}

/// A verb with what it does.
struct Command {
    /// How the verb is spelled.
    let verb: CommandVerb
    /// Does it and returns the exit code.
    let action: @Sendable (Invocation) throws(CommandError) -> Int32
}
