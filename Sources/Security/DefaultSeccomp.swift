package import CapabilityBinding
package import RuntimeSpec

/// The filter of containers that the engine makes: what Docker's default profile allows, no more.
///
/// An allow list; everything else fails with EPERM, and calls newer than the list with ENOSYS. Some calls depend on
/// the capabilities of the container: who may not mount does not need mount(2) either.
/// - SeeAlso: https://docs.docker.com/engine/security/seccomp/
package enum DefaultSeccomp {
    /// The profile for a container whose bounding set is `capabilities`, on the architecture of this process.
    package static func profile(capabilities: CapabilitySet) -> SeccompSpec {
        var rules = [allow(DefaultCalls.always)]
        for (capability, list) in DefaultCalls.conditional
        where capabilities.contains(Capability(rawValue: capability)) {
            rules.append(allow(list))
        }
        rules += socketRules + personalityRules
        if !capabilities.contains(.sysAdmin) { rules += cloneRules }
        #if arch(x86_64)
            rules.append(allow(["arch_prctl", "modify_ldt"]))
            let architectures: [SeccompSpec.Architecture] = [.x86_64, .x86, .x32]
        #elseif arch(arm64)
            rules.append(
                allow([
                    "arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2", "breakpoint", "cacheflush",
                    "set_tls",
                ]))
            let architectures: [SeccompSpec.Architecture] = [.aarch64, .arm]
        #else
            let architectures: [SeccompSpec.Architecture] = []
        #endif
        return SeccompSpec(
            defaultAction: .errno, defaultErrnoRet: 1, architectures: architectures, syscalls: rules)
    }

    /// The address families 0 to 45 that are left out: DECnet, NETBEUI, SECURITY, KEY … that have no business in a
    /// container, AF_ALG (38) and AF_VSOCK (40), which reaches the hypervisor.
    private static let socketRules: [SeccompSpec.SyscallRule] = {
        var rules = [socketRule(.less, 12)]
        for family: UInt64 in [
            13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44,
            45,
        ] {
            rules.append(socketRule(.equal, family))
        }
        return rules
    }()

    private static func socketRule(_ op: SeccompSpec.Operator, _ family: UInt64) -> SeccompSpec.SyscallRule {
        allow(["socket"], [SeccompSpec.Argument(index: 0, value: family, op: op)])
    }

    /// PER_LINUX, PER_LINUX32, each also with UNAME26, and the question what it is now.
    private static let personalityRules = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff].map { (value: UInt64) in
        allow(["personality"], [SeccompSpec.Argument(index: 0, value: value, op: .equal)])
    }

    /// clone(2) without any CLONE_NEW* flag; clone3(2), whose flags are in memory where no filter sees them, is
    /// reported as missing, and C libraries fall back to clone(2).
    private static var cloneRules: [SeccompSpec.SyscallRule] {
        #if arch(s390x)
            let flagsArgument: UInt32 = 1
        #else
            let flagsArgument: UInt32 = 0
        #endif
        let namespaces = SeccompSpec.Argument(
            index: flagsArgument, value: 0x7e02_0000, valueTwo: 0, op: .maskedEqual)
        return [
            allow(["clone"], [namespaces]),
            SeccompSpec.SyscallRule(names: ["clone3"], action: .errno, errnoRet: 38),
        ]
    }

    private static func allow(
        _ names: [String], _ args: [SeccompSpec.Argument] = []
    ) -> SeccompSpec.SyscallRule {
        SeccompSpec.SyscallRule(names: names, action: .allow, args: args)
    }

}
