import CapabilityBinding
import CommandGrammar
import JSONCoding
import Rootfs
import RuntimeSpec
import Security

extension Command {
    /// `skiff features`
    static var features: Command {
        let verb = CommandVerb(
            "features", .runtime, "Print what this runtime can do, as JSON", operands: .none)
        return Command(verb: verb) { (_) throws(CommandError) in
            Output.show(Features.ours.json(.pretty))
        }
    }
}

extension Features {
    /// What this program can do; but for the supported seccomp flags it is the same on every host (FEAT-2).
    static var ours: Features {
        Features(
            ociVersionMin: "1.0.0", ociVersionMax: Version.specification,
            hooks: [
                "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
            ],
            mountOptions: MountOptions.knownWords, linux: linux,
            annotations: ["skiff.version": Version.number],
            potentiallyUnsafeConfigAnnotations: [
                "org.criu.config", "org.systemd.property.", RuntimeSpec.keepGroups,
            ])
    }

    private static var linux: Linux {
        Linux(
            namespaces: NamespaceKind.allCases.map(\.rawValue),
            capabilities: Capability.named.map(\.name),
            cgroup: Cgroup(v1: true, v2: true, systemd: true, systemdUser: true, rdma: true),
            seccomp: seccomp,
            apparmor: Enabled(enabled: true), selinux: Enabled(enabled: true),
            intelRdt: IntelRdt(enabled: true, schemata: true, monitoring: true), memoryPolicy: memoryPolicy,
            mountExtensions: MountExtensions(idmap: Enabled(enabled: true)),
            netDevices: Enabled(enabled: true))
    }

    private static var memoryPolicy: MemoryPolicy {
        MemoryPolicy(
            modes: MemoryPolicySpec.Mode.allCases.map(\.rawValue),
            flags: MemoryPolicySpec.Flag.allCases.map(\.rawValue))
    }

    private static var seccomp: Seccomp {
        Seccomp(
            enabled: true, actions: SeccompSpec.Action.allCases.map(\.rawValue),
            operators: SeccompSpec.Operator.allCases.map(\.rawValue),
            archs: SeccompFeatures.architectures.map(\.rawValue),
            knownFlags: SeccompSpec.Flag.allCases.map(\.rawValue),
            supportedFlags: SeccompFeatures.supportedFlags.map(\.rawValue))
    }
}
