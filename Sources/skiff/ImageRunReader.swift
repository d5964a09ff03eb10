import CommandGrammar
import Engine
import JSONCoding
import LinuxSystem
import RuntimeSpec

/// Turns the options of a command line into what the engine is asked for.
struct ImageRunReader {
    private let arguments: ParsedArguments
    private let environment: [String]

    /// A reader; `environment` is the caller's.
    init(_ arguments: ParsedArguments, environment: [String]) {
        self.arguments = arguments
        self.environment = environment
    }

    /// Everything that is asked; a value that cannot be used is named in the error.
    func read() throws(StepError) -> RunOptions {
        var options = RunOptions()
        options.arguments = Array(arguments.words.dropFirst())
        readIdentity(&options)
        try readLabels(&options)
        try readProgram(&options)
        try readFiles(&options)
        try readLimits(&options)
        try readRights(&options)
        try readBehaviour(&options)
        return options
    }

    private func readIdentity(_ options: inout RunOptions) {
        options.name = arguments.value("name")
        options.hostname = arguments.value("hostname")
        options.wantsTerminal = arguments.isSet("tty")
        options.keepsInputOpen = arguments.isSet("interactive")
        options.wantsInit = arguments.isSet("init")
        options.isReadOnly = arguments.isSet("read-only")
        options.isPrivileged = arguments.isSet("privileged")
        options.removesItself = arguments.isSet("rm")
        options.entrypoint = arguments.value("entrypoint")
        options.workingDirectory = arguments.value("workdir")
        options.user = arguments.value("user")
        options.additionalGroups = arguments.values("group-add")
        options.addedCapabilities = arguments.values("cap-add")
        options.droppedCapabilities = arguments.values("cap-drop")
    }

    private func readLabels(_ options: inout RunOptions) throws(StepError) {
        var labels: [(key: String, value: String)] = []
        for text in arguments.values("label") {
            labels.append(
                text.contains("=") ? try OptionText.pair(text, of: "label") : (key: text, value: ""))
        }
        options.labels = StringMap(labels)
        options.annotations = try pairs("annotation")
        options.sysctls = try pairs("sysctl")
        if let name = options.hostname { try checkHostname(name) }
    }

    private func pairs(_ option: String) throws(StepError) -> StringMap {
        var list: [(key: String, value: String)] = []
        for text in arguments.values(option) { list.append(try OptionText.pair(text, of: option)) }
        return StringMap(list)
    }

    private func checkHostname(_ name: String) throws(StepError) {
        let isPlain = name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45
                || byte == 46
        }
        guard isPlain, (1...63).contains(name.utf8.count), !name.hasPrefix("-"), !name.hasPrefix(".") else {
            throw StepError(
                "read --hostname", refused: "'\(name)' is no host name",
                hint: "letters, digits, '-' and '.', at most 63")
        }
    }

    private func readProgram(_ options: inout RunOptions) throws(StepError) {
        let reader = EnvironmentFile(caller: environment)
        for file in arguments.values("env-file") { options.environment += try reader.read(Path(file)) }
        for text in arguments.values("env") {
            if let variable = try reader.variable(text) { options.environment.append(variable) }
        }
    }

    private func readFiles(_ options: inout RunOptions) throws(StepError) {
        for text in arguments.values("volume") {
            let bind = try OptionText.bind(text)
            guard !options.binds.contains(where: { $0.destination == bind.destination }) else {
                throw StepError(
                    "read --volume", refused: "two volumes have the destination \(bind.destination)")
            }
            options.binds.append(bind)
        }
        for text in arguments.values("tmpfs") { options.temporary.append(try OptionText.temporary(text)) }
        for text in arguments.values("device") { options.devices.append(try OptionText.device(text)) }
        if let text = arguments.value("shm-size") {
            options.sharedMemoryBytes = try OptionText.bytes(text, of: "shm-size")
        }
    }

    private func readLimits(_ options: inout RunOptions) throws(StepError) {
        let limits = LimitOption.allCases.filter { !$0.isForUpdate }
        try LimitOption.read(arguments, limits, into: &options.limits)
        try checkSwap(options.limits.resources.memory)
        options.cgroupParent = arguments.value("cgroup-parent")
        options.sharesCgroupNamespace = try sharesCgroupNamespace()
        for text in arguments.values("device-cgroup-rule") {
            options.deviceRules.append(try OptionText.deviceRule(text, of: "device-cgroup-rule"))
        }
        if let text = arguments.value("oom-score-adj") {
            options.oomScoreAdjustment = try OptionText.integer(text, of: "oom-score-adj", in: -1000...1000)
        }
        for text in arguments.values("ulimit") {
            options.resourceLimits.append(try OptionText.resourceLimit(text))
        }
    }

    private func checkSwap(_ memory: ResourcesSpec.Memory?) throws(StepError) {
        guard let memory, let swap = memory.swap, swap != 0 else { return }
        let limit = memory.limit ?? 0
        guard swap == -1 || limit > 0 && swap >= limit else {
            throw StepError(
                "read --memory-swap", refused: "it is the sum of memory and swap, so not below --memory")
        }
    }

    private func sharesCgroupNamespace() throws(StepError) -> Bool {
        switch arguments.value("cgroupns") ?? "private" {
        case "private": return false
        case "host": return true
        case let text:
            throw StepError("read --cgroupns", refused: "'\(text)' is not known", hint: "private or host")
        }
    }

    private func readRights(_ options: inout RunOptions) throws(StepError) {
        for text in arguments.values("security-opt") { try readSecurity(text, &options) }
        try readUserNamespace(&options)
        guard let network = arguments.value("network") ?? arguments.value("net") else { return }
        guard let choice = RunOptions.NetworkChoice(rawValue: network) else {
            throw StepError("read --network", refused: "'\(network)' is not known", hint: "none or host")
        }
        options.network = choice
    }

    private func readUserNamespace(_ options: inout RunOptions) throws(StepError) {
        if let text = arguments.value("userns") { options.userNamespace = try UserNamespaceChoice(text) }
        let (users, groups) = (arguments.values("uidmap"), arguments.values("gidmap"))
        if users.isEmpty, groups.isEmpty { return }
        if arguments.value("userns") != nil {
            throw StepError(
                "read --userns", refused: "--uidmap and --gidmap say it, too; give one", code: .usage)
        }
        options.userNamespace = try UserNamespaceChoice(users: users, groups: groups)
    }

    private func readSecurity(_ text: String, _ options: inout RunOptions) throws(StepError) {
        let separator = text.firstIndex { $0 == "=" || $0 == ":" } ?? text.endIndex
        let value = separator == text.endIndex ? "" : String(text[text.index(after: separator)...])
        switch (text[..<separator], value) {
        case ("seccomp", "unconfined"): options.seccomp = .unconfined
        case ("seccomp", "default"), ("seccomp", "builtin"): options.seccomp = .standard
        case ("seccomp", let file) where !file.isEmpty: options.seccomp = .file(file)
        case ("no-new-privileges", ""), ("no-new-privileges", "true"): options.noNewPrivileges = true
        case ("no-new-privileges", "false"): options.noNewPrivileges = false
        case ("apparmor", "unconfined"), ("label", "disable"): break
        default:
            throw StepError(
                "read --security-opt", refused: "'\(text)' is not known",
                hint: "seccomp=unconfined, seccomp=FILE or no-new-privileges")
        }
    }

    private func readBehaviour(_ options: inout RunOptions) throws(StepError) {
        if let text = arguments.value("stop-signal") {
            guard SignalName.number(text) != nil else {
                throw StepError("read --stop-signal", refused: "there is no signal '\(text)'")
            }
            options.stopSignal = text
        }
        if let text = arguments.value("stop-timeout") {
            options.stopTimeoutSeconds = try OptionText.integer(text, of: "stop-timeout", in: -1...86_400)
        }
    }
}
