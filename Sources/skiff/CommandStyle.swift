import CommandGrammar
import ContainerRuntime
import LinuxSystem

/// Whose command line is spoken: skiff's own, or that of the runtime by whose name the program was called (through a
/// link named `runc` or `crun`).
enum CommandStyle: String, Sendable {
    case skiff, runc, crun

    /// The style for the name that the program was called by, the first argument.
    init(calledAs name: String?) {
        let bytes = (name ?? "").utf8
        let start = bytes.lastIndex(of: UInt8(ascii: "/")).map { bytes.index(after: $0) } ?? bytes.startIndex
        let last = String(bytes[start...])
        self = last.flatMap { CommandStyle(rawValue: $0) } ?? .skiff
    }

    /// Name in messages and usage lines.
    var name: String { rawValue }

    /// How options may be spelled beyond `--name`.
    var spelling: CommandLineParser.Spelling {
        switch self {
        // Not []: for a type of another module that is a generic initializer, which looks for conformances at run time.
        case .skiff: CommandLineParser.Spelling(rawValue: 0)
        case .runc: .oneDash
        case .crun: .abbreviations
        }
    }

    /// Whether a word can mean a container that was made from an image.
    var knowsImages: Bool { self == .skiff }

    /// Exit code for a command line that cannot be used.
    func exitCode(for error: UsageError) -> Int32 {
        switch self {
        case .skiff: 2
        case .runc: error.isUnknownCommand ? 3 : 1
        case .crun: error.isAboutOption ? 64 : 1
        }
    }

    /// Exit code for a wrong value of an option or operand, found by the verb itself.
    var wrongValueCode: Int32 { self == .skiff ? 2 : 1 }

    /// Exit code of `run` when the program did not run: as shells have it, or 1 as the runtimes have it.
    func runFailureCode(_ code: Int32) -> Int32 {
        guard self == .skiff else { return 1 }
        return code == 1 ? 125 : code
    }

    /// Exit code of `exec` when the program could not be started.
    var execFailureCode: Int32 { self == .crun ? 1 : 255 }

    /// Where the state of containers is by default: `/run/NAME`, or NAME in the directory XDG_RUNTIME_DIR. runc and
    /// skiff look there for users without privileges only, crun always.
    var defaultRoot: Path {
        StateStore.defaultRoot(named: Path(name), prefersUserDirectory: self == .crun)
    }

    /// What the program is, in a few words.
    var summary: String {
        self == .skiff ? "run OCI containers" : "Open Container Initiative runtime"
    }

    /// What stands before a help text: nothing, or what programs that read runc's look for.
    func heading(for verb: CommandVerb?) -> String {
        guard self == .runc else { return "" }
        let subject = verb.map { "runc \($0.name) - \($0.summary)" } ?? "runc - \(summary)"
        return "NAME:\n   \(subject)\n\nThis is \(Version.name), called as runc.\n\n"
    }

    /// The error for a verb that is not known.
    func unknown(_ verb: String) -> UsageError {
        var error: UsageError
        switch self {
        case .skiff: error = UsageError("unknown command '\(verb)' (see '\(name) help')")
        case .runc: error = UsageError("No help topic for '\(verb)'")
        case .crun: error = UsageError("unknown command \(verb)")
        }
        error.isUnknownCommand = true
        return error
    }
}
