import CommandGrammar

/// Options that several runtime verbs share.
enum RuntimeOptions {
    static let bundle = CommandOption(
        "bundle", "b", value: "DIR", "Directory of config.json (default: this one)")
    static let pidFile = CommandOption("pid-file", value: "FILE", "Write the process id to this file")
    static let consoleSocket = CommandOption(
        "console-socket", value: "SOCKET", "Send the terminal to this unix socket")
    static let pidfdSocket = CommandOption(
        "pidfd-socket", value: "SOCKET", "Send a pidfd of the process to this unix socket")
    static let configuration = CommandOption(
        "config", "f", value: "FILE", "The configuration, instead of the bundle's config.json")
    static let preserveFDs = CommandOption(
        "preserve-fds", value: "N", "Keep N descriptors from 3 on open for the program")
    static let detach = CommandOption("detach", "d", "Do not wait for the program")
    static let noPivot = CommandOption("no-pivot", "Do not use pivot_root, for hosts that run from a ramdisk")
    static let noNewKeyring = CommandOption("no-new-keyring", "Keep the session keyring of the caller")

    static let noSubreaper = CommandOption(
        "no-subreaper", "Accepted; orphans of the container are its own init's", hidden: true)
    static let trace = CommandOption(
        "trace", value: "FILE", "Write a timeline of every step to this file, for ui.perfetto.dev")
    static let receipt = CommandOption(
        "receipt", value: "FILE", "Add an account of what was used to this file, at the end, as a JSON line")
    static let keep = CommandOption("keep", "Keep the state of a bundle's container after its end")

    static let regex = CommandOption(
        "regex", "r", "The name is a regular expression for several containers made from bundles")

    /// Options of `create`, also taken by `run`.
    static let create = [
        bundle, configuration, pidFile, consoleSocket, pidfdSocket, preserveFDs, noPivot, noNewKeyring,
        noSubreaper, trace, receipt,
    ]
    /// Further options of `run` with a bundle.
    static let run = [detach, keep]
}
