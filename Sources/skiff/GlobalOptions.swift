import CommandGrammar
import LinuxSystem

/// The options before the verb.
struct GlobalOptions {
    /// Every option that is accepted there.
    static let options = [
        CommandOption("root", value: "DIR", "Where the state of containers is kept (default /run/skiff)"),
        CommandOption("store", value: "DIR", "Where images are kept (default /var/lib/skiff)"),
        CommandOption("log", value: "FILE", "Append failures to this file too"),
        CommandOption("log-format", value: "FORMAT", "Form of the log: text or json"),
        CommandOption("debug", "Accepted, without effect"),
        CommandOption("systemd-cgroup", "Refused: cgroups are made directly, not through systemd"),
        CommandOption("rootless", value: "MODE", "true, false or auto; accepted, without effect"),
        CommandOption("cgroup-manager", value: "NAME", "cgroupfs or disabled", hidden: true),
        CommandOption("version", "v", "Print the version"),
        CommandOption("help", "h", "Print this text"),
    ]

    /// `--root`.
    let root: String?
    /// `--store`.
    let store: String?
    /// `--log`.
    let log: String?
    /// `--log-format`.
    let logFormat: Output.Format
    /// `--debug`.
    let isDebug: Bool
    /// `--cgroup-manager disabled`.
    let cgroupsAreDisabled: Bool
    /// `--version`.
    let wantsVersion: Bool
    /// `--help`.
    let wantsHelp: Bool
    /// How many arguments they take.
    let consumed: Int

    /// Reads the options at the front of a command line.
    init(_ arguments: [String], from start: Int) throws(UsageError) {
        let parsed = try CommandLineParser(globals: Self.options).parse(arguments, from: start)
        root = parsed.value("root")
        store = parsed.value("store")
        log = parsed.value("log").flatMap { $0.isEmpty ? nil : $0 }
        guard let format = Output.Format(rawValue: parsed.value("log-format") ?? "text") else {
            throw UsageError("--log-format is text or json, not '\(parsed.value("log-format") ?? "")'")
        }
        logFormat = format
        isDebug = parsed.isSet("debug")
        wantsVersion = parsed.isSet("version")
        wantsHelp = parsed.isSet("help")
        consumed = parsed.consumed
        switch parsed.value("cgroup-manager") ?? "cgroupfs" {
        case "cgroupfs": cgroupsAreDisabled = false
        case "disabled": cgroupsAreDisabled = true
        default: throw UsageError("--cgroup-manager is cgroupfs or disabled")
        }
        if parsed.isSet("systemd-cgroup") {
            throw UsageError("--systemd-cgroup is not supported: use the cgroupfs driver of the engine")
        }
        if let mode = parsed.value("rootless"), !["true", "false", "auto"].contains(mode) {
            throw UsageError("--rootless is true, false or auto, not '\(mode)'")
        }
    }
}
