internal import CapabilityBinding
internal import Cgroups
internal import ContainerRuntime
package import ImageSpec
internal import JSONCoding
package import LinuxSystem
package import RuntimeSpec
internal import Security

/// Turns an image's configuration and a person's options into a runtime configuration. Pure: whatever must be looked
/// up on the host or in the container's files arrives as a value.
/// - SeeAlso: image-spec conversion.md, checklist IMG-40 … IMG-51
package struct ContainerSpecification {
    /// What was looked up before.
    package struct Facts: Sendable {
        /// Ids of the user in the container.
        package var user: ResolvedUser
        /// The container's id; the first twelve digits are the default host name.
        package var id: String
        /// Host paths of the named and anonymous volumes, by destination.
        package var volumeSources: [String: String] = [:]
        /// Numbers of the host's devices, by source path.
        package var devices: [String: (kind: DeviceSpec.Kind, number: DeviceNumber)] = [:]
        /// Whether the cpu controller lives in cgroup v2, where weights are written as they are.
        package var hasUnifiedCPU = false
        /// A seccomp profile read from a file, when one was asked for.
        package var seccomp: SeccompSpec?
        /// Mappings of the container's user namespace; empty for none.
        package var userMappings: [IDMappingSpec] = []
        /// The same for groups.
        package var groupMappings: [IDMappingSpec] = []
        /// TERM of the caller, for containers with a terminal.
        package var terminalType: String?
        /// Path of skiff's own file, for `--init`.
        package var initProgram: String?

        /// Facts that every container needs.
        package init(user: ResolvedUser, id: String) {
            self.user = user
            self.id = id
        }
    }

    private let config: ContainerConfig
    private let options: RunOptions
    private let facts: Facts

    /// A specification from its three sources.
    package init(config: ContainerConfig, options: RunOptions, facts: Facts) {
        self.config = config
        self.options = options
        self.facts = facts
    }

    /// Where skiff's own file appears in containers with `--init`.
    package static let initPath = "/dev/init"

    /// The program with its arguments: Entrypoint and Cmd, each replaced as docker does it (IMG-42).
    package static func command(config: ContainerConfig, options: RunOptions) throws(StepError) -> [String] {
        var entrypoint = config.entrypoint
        var command = config.command
        if let own = options.entrypoint {
            entrypoint = own.isEmpty ? [] : [own]
            command = []
        }
        if !options.arguments.isEmpty { command = options.arguments }
        let whole = entrypoint + command
        guard !whole.isEmpty else {
            throw StepError(
                "choose the program", refused: "the image names none and the command line neither",
                hint: "skiff run IMAGE PROGRAM [ARG…]", code: .usage)
        }
        return whole
    }

    /// The runtime configuration.
    package func make() throws(StepError) -> RuntimeSpec {
        let capabilities = try during(specified: "choose the capabilities") { () throws(SpecError) in
            try DefaultCapabilities.set(
                adding: options.isPrivileged ? ["ALL"] : options.addedCapabilities,
                dropping: options.droppedCapabilities)
        }
        var spec = RuntimeSpec.default
        spec.process = try process(capabilities)
        spec.root = RootSpec(path: "rootfs", readonly: options.isReadOnly)
        spec.hostname = options.network == .host && options.hostname == nil ? hostnameOfHost : hostname
        spec.annotations = annotations()
        spec.mounts = mounts()
        var linux = LinuxSpec()
        linux.namespaces = namespaces()
        linux.uidMappings = facts.userMappings
        linux.gidMappings = facts.groupMappings
        linux.resources = resources()
        linux.devices = try devices()
        linux.sysctl = options.sysctls
        linux.cgroupsPath = cgroupsPath
        if !options.isPrivileged {
            linux.maskedPaths = RuntimeSpec.defaultMaskedPaths
            linux.readonlyPaths = RuntimeSpec.defaultReadonlyPaths
            switch options.seccomp {
            case .standard: linux.seccomp = DefaultSeccomp.profile(capabilities: capabilities)
            case .unconfined: linux.seccomp = nil
            case .file: linux.seccomp = facts.seccomp
            }
        }
        spec.linux = linux
        return spec
    }

    private var cgroupsPath: String {
        let parent = Path(options.cgroupParent ?? "/skiff")
        return Path("/").appending(parent).appending(Path(facts.id)).string
    }

    private var hostname: String { options.hostname ?? String(facts.id.prefix(12)) }
    /// With the host's network and no name of its own, a container keeps the host's name, as with docker: no uts
    /// namespace is needed, but one is made anyway, so the name must be set; nil keeps what the new one inherits.
    private var hostnameOfHost: String? { nil }

    private func process(_ capabilities: CapabilitySet) throws(StepError) -> ProcessSpec {
        var process = ProcessSpec()
        process.terminal = options.wantsTerminal
        process.args = try ContainerSpecification.command(config: config, options: options)
        if options.wantsInit { process.args = [ContainerSpecification.initPath, "--"] + process.args }
        process.env = environment()
        let directory = options.workingDirectory ?? config.workingDirectory
        process.cwd = directory.isEmpty ? "/" : directory
        guard process.cwd.hasPrefix("/") else {
            throw StepError(
                "choose the working directory", refused: "'\(process.cwd)' is not absolute",
                code: .usage)
        }
        process.user = UserSpec(
            uid: facts.user.userID, gid: facts.user.groupID, umask: 0o022,
            additionalGids: facts.user.additionalGroups)
        var sets = DefaultCapabilities.spec(capabilities)
        if facts.user.userID != 0 {
            // As docker: a user other than root holds none, and gains by setuid programs only within the bounds.
            sets.effective = []
            sets.permitted = []
        }
        process.capabilities = sets
        process.noNewPrivileges = options.noNewPrivileges
        process.oomScoreAdj = options.oomScoreAdjustment
        process.rlimits = try limits()
        return process
    }

    private func limits() throws(StepError) -> [RlimitSpec] {
        var result: [RlimitSpec] = []
        for limit in options.resourceLimits {
            guard let kind = RlimitSpec.Kind(rawValue: "RLIMIT_" + limit.name.uppercased()) else {
                throw StepError("read --ulimit", refused: "there is no limit '\(limit.name)'", code: .usage)
            }
            result.removeAll { $0.type == kind }
            result.append(RlimitSpec(type: kind, soft: limit.soft, hard: limit.hard))
        }
        return result
    }

    /// The image's variables, then the caller's; PATH, HOSTNAME, TERM and HOME as docker fills them in (IMG-41).
    private func environment() -> [String] {
        var result = [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=\(hostname)",
        ]
        if options.wantsTerminal { result.append("TERM=\(facts.terminalType ?? "xterm")") }
        if let home = facts.user.home { result.append("HOME=\(home)") }
        for entry in config.environment + options.environment {
            guard let equals = entry.firstIndex(of: "="), equals != entry.startIndex else { continue }
            let prefix = String(entry[...equals])
            result.removeAll { $0.hasPrefix(prefix) }
            result.append(entry)
        }
        return result
    }

    private func namespaces() -> [NamespaceSpec] {
        var kinds: [NamespaceKind] = [.pid, .ipc, .uts, .mount]
        if !options.sharesCgroupNamespace { kinds.append(.cgroup) }
        if options.network == .isolated { kinds.append(.network) }
        if !facts.userMappings.isEmpty { kinds.append(.user) }
        return kinds.map { NamespaceSpec(kind: $0) }
    }

    /// Annotations of the caller and the image's documented ones; labels of the image never become annotations that
    /// change what the runtime does (I-17), so they stay in the engine's record.
    private func annotations() -> StringMap {
        var pairs: [(key: String, value: String)] = []
        if let signal = config.stopSignal {
            pairs.append((key: "org.opencontainers.image.stopSignal", value: signal))
        }
        if !config.exposedPorts.isEmpty {
            let ports = config.exposedPorts.joined(separator: ",")
            pairs.append((key: "org.opencontainers.image.exposedPorts", value: ports))
        }
        for pair in options.annotations {
            pairs.removeAll { $0.key == pair.key }
            pairs.append(pair)
        }
        return StringMap(pairs)
    }
}

/// Runs a check of a configuration as a step: its finding becomes a `StepError`.
func during<Result>(
    specified step: Step, _ body: () throws(SpecError) -> Result
) throws(StepError) -> Result {
    do throws(SpecError) {
        return try body()
    } catch {
        throw StepError(step, error)
    }
}

extension ContainerSpecification {
    /// Default mounts, the caller's binds and volumes, memory-backed directories; by destination the last one wins.
    private func mounts() -> [MountSpec] {
        var result = RuntimeSpec.defaultMounts
        for index in result.indices {
            if result[index].destination == "/dev/shm", let size = options.sharedMemoryBytes {
                result[index].options.removeAll { $0.hasPrefix("size=") }
                result[index].options.append("size=\(size)")
            }
            if options.isPrivileged { result[index].options.removeAll { $0 == "ro" } }
            // Only who owns the network namespace may mount its sysfs.
            if result[index].type == "sysfs", options.network == .host, !facts.userMappings.isEmpty {
                result[index].type = "bind"
                result[index].source = "/sys"
                result[index].options = ["rbind", "rprivate", "nosuid", "noexec", "nodev", "ro"]
            }
        }
        func put(_ mount: MountSpec) {
            result.removeAll { $0.destination == mount.destination }
            result.append(mount)
        }
        for (destination, source) in facts.volumeSources.sorted(by: { $0.key < $1.key }) {
            put(
                MountSpec(
                    destination: destination, type: "bind", source: source, options: ["rbind", "rprivate"]))
        }
        for bind in options.binds {
            put(
                MountSpec(
                    destination: bind.destination, type: "bind",
                    source: facts.volumeSources[bind.destination] ?? bind.source, options: bind.options))
        }
        for directory in options.temporary {
            put(
                MountSpec(
                    destination: directory.path, type: "tmpfs", source: "tmpfs", options: directory.options))
        }
        if options.wantsInit, let program = facts.initProgram {
            put(
                MountSpec(
                    destination: ContainerSpecification.initPath, type: "bind", source: program,
                    options: ["bind", "ro", "nosuid", "nodev"]))
        }
        return result
    }

    private func devices() throws(StepError) -> [DeviceSpec] {
        var result: [DeviceSpec] = []
        for device in options.devices {
            guard let found = facts.devices[device.source] else {
                throw StepError(
                    "add device \(device.source)", refused: "is no device of this host", code: .notFound)
            }
            result.append(
                DeviceSpec(
                    kind: found.kind, path: device.destination, major: Int64(found.number.major),
                    minor: Int64(found.number.minor), fileMode: 0o660, uid: 0, gid: 0))
        }
        return result
    }

    private func resources() -> ResourcesSpec {
        var resources = options.limits.resources(hasUnifiedCPU: facts.hasUnifiedCPU)
        resources.devices = deviceRules()
        return resources
    }

    /// Nothing but making nodes, the default devices (which the runtime adds itself) and what the caller names.
    private func deviceRules() -> [ResourcesSpec.DeviceRule] {
        if options.isPrivileged { return [ResourcesSpec.DeviceRule(allow: true, access: "rwm")] }
        var rules = [
            ResourcesSpec.DeviceRule(allow: false, access: "rwm"),
            ResourcesSpec.DeviceRule(allow: true, kind: .character, access: "m"),
            ResourcesSpec.DeviceRule(allow: true, kind: .block, access: "m"),
        ]
        for device in options.devices {
            guard let found = facts.devices[device.source] else { continue }
            rules.append(
                ResourcesSpec.DeviceRule(
                    allow: true, kind: found.kind == .block ? .block : .character,
                    major: Int64(found.number.major), minor: Int64(found.number.minor), access: device.access)
            )
        }
        return rules + options.deviceRules
    }
}
