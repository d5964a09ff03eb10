import LinuxSystem
package import RuntimeSpec

/// What the `features` document says about seccomp.
/// - SeeAlso: runtime-spec features-linux.md §Seccomp
package enum SeccompFeatures {
    /// The architectures that the linked libseccomp can make filters for.
    package static var architectures: [SeccompSpec.Architecture] {
        SeccompSpec.Architecture.allCases.filter { SeccompCompiler.token(of: $0) != nil }
    }

    /// The flags that a configuration may name and that this kernel takes.
    package static var supportedFlags: [SeccompSpec.Flag] {
        let candidates: [(SeccompSpec.Flag, UInt32)] = [
            (.synchronizeThreads, SeccompFlag.tsync), (.log, SeccompFlag.log),
            (.allowSpeculation, SeccompFlag.specAllow),
            (.waitKillable, SeccompFlag.waitKillableReceive | SeccompFlag.newListener),
        ]
        return candidates.filter { kernelKnowsFilterFlags($0.1) }.map(\.0)
    }
}
