import CommandGrammar
import LinuxSystem

/// The options before the verb.
struct GlobalOptions {
    /// Every option that is accepted there.
    static func options(_ style: CommandStyle) -> [CommandOption] {
        switch style {
        case .skiff: [root("/run/skiff"), store] + logging + [level, manager] + general
        case .runc: [root("/run/runc")] + logging + general + [criu]
        case .crun: [root("/run/crun")] + logging + [level, manager] + general + [capitalVersion]
        }
    }

    private static func root(_ place: String) -> CommandOption {
        CommandOption("root", value: "DIR", "Where the state of containers is kept (default \(place))")
    }
    private static let store = CommandOption(
        "store", value: "DIR", "Where images are kept (default /var/lib/skiff)")
    private static let logging = [
        CommandOption(
            "log", value: "FILE", "Append failures to this file too; also journald:ID, syslog:ID, file:FILE"),
        CommandOption("log-format", value: "FORMAT", "Form of the log: text or json"),
        CommandOption("debug", "Write each step to the log, or to standard error"),
    ]
    private static let level = CommandOption(
        "log-level", value: "LEVEL", "What the log holds: error, warning (as by default) or debug")
    private static let manager = CommandOption(
        "cgroup-manager", value: "NAME", "Who makes cgroups: cgroupfs, systemd or disabled (there are none)")
    private static let criu = CommandOption("criu", value: "PATH", "Program for checkpoints", hidden: true)
    private static let capitalVersion = CommandOption("version", "V", "Print the version", hidden: true)
    private static let general = [
        CommandOption(
            "systemd-cgroup", "Have systemd make cgroups, as scopes (cgroupsPath slice:prefix:name)"),
        CommandOption(
            "rootless", value: "MODE", "Whether a cgroup that may not be made is left out: true, false, auto"),
        CommandOption("version", "v", "Print the version"),
        CommandOption("help", "h", "Print this text"),
    ]

    /// `--rootless`.
    enum Rootless: String { case `true`, `false`, auto }

    /// Whose command line it is.
    let style: CommandStyle
    /// `--root`.
    let root: String?
    /// `--store`.
    let store: String?
    /// `--log`.
    let log: LogDestination?
    /// `--log-format`.
    let logFormat: Output.Format
    /// `--log-level` and `--debug`.
    let logLevel: LogLevel
    /// `--rootless`.
    let rootless: Rootless
    /// `--cgroup-manager disabled`.
    let cgroupsAreDisabled: Bool
    /// `--systemd-cgroup`, `--cgroup-manager systemd`.
    let usesSystemd: Bool
    /// `--version`.
    let wantsVersion: Bool
    /// `--help`.
    let wantsHelp: Bool
    /// How many arguments they take.
    let consumed: Int

    /// Where the state of containers is.
    var stateRoot: Path {
        guard let root, !root.isEmpty else { return style.defaultRoot }
        return Path(root)
    }

    /// Reads the options at the front of a command line.
    init(_ arguments: [String], from start: Int, _ style: CommandStyle) throws(UsageError) {
        let parser = CommandLineParser(globals: Self.options(style), spelling: style.spelling)
        let parsed = try parser.parse(arguments, from: start)
        self.style = style
        root = try Self.root(parsed, style)
        store = parsed.value("store")
        log = parsed.value("log").flatMap {
            LogDestination($0, takesPrefixes: style != .runc, identifier: style.name)
        }
        logFormat = try Self.choice("log-format", parsed) ?? .text
        let level: LogLevel = try Self.choice("log-level", parsed) ?? (style == .crun ? .error : .warning)
        logLevel = parsed.isSet("debug") ? .debug : level
        wantsVersion = parsed.isSet("version")
        wantsHelp = parsed.isSet("help")
        consumed = parsed.consumed
        let manager = parsed.value("cgroup-manager") ?? "cgroupfs"
        guard ["cgroupfs", "systemd", "disabled"].contains(manager) else {
            throw UsageError("--cgroup-manager is cgroupfs, systemd or disabled")
        }
        cgroupsAreDisabled = manager == "disabled"
        usesSystemd = manager == "systemd" || parsed.isSet("systemd-cgroup")
        rootless = try Self.rootless(parsed, style)
    }

    private static func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ parsed: ParsedArguments
    ) throws(UsageError) -> Choice? where Choice.RawValue == String {
        guard let text = parsed.value(name), !text.isEmpty else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        let list = names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
        throw UsageError("--\(name) is \(list), not '\(text)'")
    }

    /// runc takes a path that leads to / for a mistake.
    private static func root(_ parsed: ParsedArguments, _ style: CommandStyle) throws(UsageError) -> String? {
        guard let root = parsed.value("root") else { return nil }
        if style == .runc, root == "/" || root.isEmpty {
            throw UsageError("Option --root argument should not be set to /")
        }
        return root
    }

    private static func rootless(
        _ parsed: ParsedArguments, _ style: CommandStyle
    ) throws(UsageError) -> Rootless {
        switch parsed.value("rootless") ?? "auto" {
        case "", "auto": return .auto
        case "true", "1", "t", "T", "TRUE", "True": return .true
        case "false", "0", "f", "F", "FALSE", "False": return .false
        case let other:
            if style == .crun { return .auto }  // it does not look at it
            throw UsageError("--rootless is true, false or auto, not '\(other)'")
        }
    }
}
