package import LinuxSystem
package import RuntimeSpec

/// The program to execute and its surroundings, as init needs them.
package struct ProcessPlan: Sendable, Equatable {
    /// The whole argument vector.
    package var arguments: [String]
    /// The environment, before HOME is added.
    package var environment: [String]
    /// Absolute working directory.
    package var workingDirectory: String
    /// User id, for HOME.
    package var userID: UInt32
    /// Whether it gets a terminal of the container.
    package var hasTerminal: Bool
    /// Whether newlines leave the terminal without carriage returns: the caller's own terminal adds them.
    package var keepsNewlines = false
    /// Size of the terminal.
    package var windowSize: WindowSize?
    /// Number of descriptors from 3 on that stay open.
    package var preservedDescriptors: Int32
    /// Number of descriptors from 3 on that the caller passes by socket activation; these stay open too.
    package var activationDescriptors: Int32
    /// The names that go with these descriptors.
    private let activationNames: String?

    /// From a configuration; LISTEN_FDS of the runtime's own environment hands descriptors on.
    /// - SeeAlso: sd_listen_fds(3)
    package init(
        _ process: ProcessSpec, preservedDescriptors: Int32 = 0, activationDescriptors: Int32 = 0,
        activationNames: String? = nil, windowSize: WindowSize? = nil
    ) {
        arguments = process.args
        environment = process.env
        workingDirectory = process.cwd
        userID = process.user.uid
        hasTerminal = process.terminal
        self.preservedDescriptors = preservedDescriptors
        self.activationDescriptors = activationDescriptors
        self.activationNames = activationNames
        self.windowSize = windowSize
        if let size = process.consoleSize, size.height > 0, size.width > 0 {
            self.windowSize = WindowSize(
                rows: UInt16(clamping: size.height), columns: UInt16(clamping: size.width))
        }
        guard activationDescriptors > 0 else { return }
        // Those of the configuration would come first, and getenv(3) takes the first.
        environment.removeAll { $0.hasPrefix("LISTEN_") }
        environment.append("LISTEN_FDS=\(activationDescriptors)")
        if let activationNames { environment.append("LISTEN_FDNAMES=\(activationNames)") }
    }

    /// First descriptor that must not reach the program.
    package var firstPrivateDescriptor: Int32 {
        3 + max(0, preservedDescriptors) + max(0, activationDescriptors)
    }

    /// The environment in its final form: of a variable that is there twice the last counts (PRC-6), and LISTEN_PID
    /// is the number that the program has in its own pid namespace.
    package func finalEnvironment(processID: ProcessID) -> [String] {
        var list = HomeDirectory.complete(Self.withoutRepetitions(environment), userID: userID)
        if activationDescriptors > 0 { list.append("LISTEN_PID=\(processID)") }
        return list
    }

    /// Each variable once, with its last value and at the place of it.
    static func withoutRepetitions(_ list: [String]) -> [String] {
        var names: [Int] = []
        names.reserveCapacity(list.count)
        var isRepeated = false
        for entry in list {
            // FNV-1a: equal names have equal sums; the rare sum that two names share is sorted out below.
            var sum = 0x811c_9dc5
            for byte in entry.utf8 {
                if byte == UInt8(ascii: "=") { break }
                sum = ((sum ^ Int(byte)) &* 0x0100_0193) & 0xffff_ffff
            }
            if names.contains(sum) { isRepeated = true }
            names.append(sum)
        }
        guard isRepeated else { return list }
        var kept: [String] = []
        for (index, entry) in list.enumerated() {
            let name = entry.prefix { $0 != "=" } + "="
            if !list[(index + 1)...].contains(where: { $0.hasPrefix(name) }) { kept.append(entry) }
        }
        return kept
    }
}
