package import LinuxSystem
package import RuntimeSpec
import SeccompBinding

/// Compiles the seccomp section of a configuration by libseccomp. Takes milliseconds: see ``SeccompCache``.
/// - SeeAlso: runtime-spec config-linux.md §Seccomp, seccomp_rule_add(3)
package enum SeccompCompiler {
    /// The program of `spec`; throws when the section contradicts itself or asks for what is not there.
    package static func compile(_ spec: SeccompSpec) throws(StepError) -> SeccompProgram {
        let architectures = try architectures(of: spec)
        let fallback = try SeccompRule.action(spec.defaultAction, errno: spec.defaultErrnoRet)
        guard fallback != .notify else {
            throw refusal("SCMP_ACT_NOTIFY cannot be the default action")
        }
        let rules = try SeccompRule.rules(of: spec, skipping: fallback)
        let complete =
            prelude(of: spec, architectures) + (try filter(rules, default: fallback, architectures))
        let program = SeccompMinimizer.shorten(complete) ?? complete
        guard program.count <= SeccompInstruction.limit else {
            throw refusal("the filter has more than \(SeccompInstruction.limit) instructions")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(program.count * SeccompInstruction.size)
        for instruction in program { instruction.encode(to: &bytes) }
        let notifies = rules.contains { $0.action == .notify }
        return SeccompProgram(instructions: bytes, flags: flags(of: spec, notifies: notifies))
    }

    /// The architectures named in `spec`, the native one always first: its calls can never go around the filter.
    static func architectures(of spec: SeccompSpec) throws(StepError) -> [SeccompArchitecture] {
        var result = [SeccompArchitecture.native]
        for named in spec.architectures where named != .native {
            guard let architecture = token(of: named) else {
                throw refusal("architecture \(named.rawValue) is not known to the linked libseccomp")
            }
            if !result.contains(architecture) { result.append(architecture) }
        }
        return result
    }

    /// What libseccomp calls it; nil when the linked version does not know it.
    static func token(of named: SeccompSpec.Architecture) -> SeccompArchitecture? {
        if named == .native { return .native }
        return SeccompArchitecture(name: named.rawValue.dropFirst("SCMP_ARCH_".count).lowercased())
    }

    /// The ENOSYS part, which only a default of ERRNO (and not ENOSYS itself) needs.
    static func prelude(
        of spec: SeccompSpec, _ architectures: [SeccompArchitecture]
    ) -> [SeccompInstruction] {
        guard spec.defaultAction == .errno, spec.defaultErrnoRet != UInt32(Errno.ENOSYS.rawValue) else {
            return []
        }
        let names = spec.syscalls.lazy.flatMap(\.names)
        return SeccompPrelude.instructions(for: SeccompPrelude.newest(names, in: architectures))
    }

    /// The program that libseccomp makes of `rules`.
    static func filter(
        _ rules: [SeccompRule], default fallback: SeccompAction, _ architectures: [SeccompArchitecture]
    ) throws(StepError) -> [SeccompInstruction] {
        let file = try during("make a memory file for the seccomp filter") { () throws(SyscallError) in
            try memoryFile(named: "skiff-seccomp", executable: false, sealable: false)
        }
        do throws(SeccompError) {
            let context = try SeccompContext(defaultAction: fallback)
            try context.set(.badArchitectureAction, SeccompAction.killProcess.rawValue)
            // A tree over the numbers: quicker in the kernel, which also runs the filter for each number at load.
            try context.set(.optimization, 2)
            for architecture in architectures { try context.add(architecture) }
            for rule in rules {
                try context.addRule(rule.action, call: rule.number, conditions: rule.conditions)
            }
            try context.export(to: file.rawValue)
        } catch {
            throw refusal("\(error.function)(3) \(error.operand): \(Errno(rawValue: error.errno))")
        }
        let bytes = try during("read the seccomp filter back") { () throws(SyscallError) in
            try file.borrowed.seek(to: 0)
            return try file.borrowed.readAll(limit: 1 << 22)
        }
        return SeccompInstruction.decode(bytes)
    }

    /// `flags` as bits. SECCOMP_FILTER_FLAG_TSYNC together with a listener needs a third flag.
    private static func flags(of spec: SeccompSpec, notifies: Bool) -> UInt32 {
        var bits: UInt32 = notifies ? SeccompFlag.newListener : 0
        for flag in spec.flags {
            switch flag {
            case .synchronizeThreads: bits |= SeccompFlag.tsync
            case .log: bits |= SeccompFlag.log
            case .allowSpeculation: bits |= SeccompFlag.specAllow
            // The kernel takes it only together with a listener; without one there is nothing to wait for.
            case .waitKillable: bits |= notifies ? SeccompFlag.waitKillableReceive : 0
            }
        }
        if notifies, bits & SeccompFlag.tsync != 0 { bits |= SeccompFlag.tsyncESRCH }
        return bits
    }
}

/// A refusal of ours while compiling.
func refusal(_ reason: String) -> StepError {
    StepError("compile the seccomp filter", refused: reason, code: .seccompFailed)
}
