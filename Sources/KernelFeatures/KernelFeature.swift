internal import LinuxSystem

/// Something of the kernel that skiff uses, and how to find out whether the running kernel has it.
package struct KernelFeature: Sendable {
    /// How much depends on it.
    package enum Need: String, Sendable {
        /// Without it no container starts.
        case required
        /// Without it something that most containers use is slower, weaker or missing.
        case recommended
        /// Without it something that a configuration has to ask for is missing.
        case optional
    }

    /// The part of the kernel that it belongs to.
    package enum Area: String, Sendable, CaseIterable {
        case namespaces, processes, mounts
        case fileSystems = "file systems"
        case overlay, security, network, cgroups, pressure
        case controllersV1 = "controllers of cgroup v1"
    }

    /// The way to find out.
    enum Probe: Sendable {
        /// In a process of its own, which ends afterwards.
        case process(@Sendable () throws(SyscallError) -> Answer)
        /// From what the look at the control groups has found.
        case cgroups(@Sendable (CgroupSurvey) -> Answer)
    }

    /// Short name: `ns.user`, or that of the file that it is: `memory.peak`.
    package let name: String
    package let area: Area
    package let need: Need
    /// The release of Linux that brought it.
    package let since: String
    /// What skiff uses it for.
    package let use: String
    /// What happens without it.
    package let without: String
    let probe: Probe

    init(
        _ name: String, _ area: Area, _ need: Need, since: String, for use: String, without: String,
        _ probe: Probe
    ) {
        self.name = name
        self.area = area
        self.need = need
        self.since = since
        self.use = use
        self.without = without
        self.probe = probe
    }

    /// All, in the order of areas.
    package static var all: [KernelFeature] {
        namespaces + processes + mounts + fileSystems + overlay + security + network + criu + cgroups
            + cgroupFiles
            + pressure + controllersV1
    }
}

/// What the kernel said to a probe.
package enum Answer: Sendable, Equatable {
    /// It works.
    case present
    /// It does not, and why.
    case absent(String)
    /// The caller may not try, and why.
    case denied(String)

    /// A refused call: whoever lacks a right cannot tell whether it would work.
    init(_ error: SyscallError) {
        let text = "\(error.call.name): \(error.errno.name)"
        switch error.errno {
        case .EPERM, .EACCES: self = .denied(text)
        default: self = .absent(text)
        }
    }

    /// `present`, `absent` or `denied`.
    package var state: String {
        switch self {
        case .present: "present"
        case .absent: "absent"
        case .denied: "denied"
        }
    }

    /// Why it is not there.
    package var reason: String? {
        switch self {
        case .present: nil
        case .absent(let text), .denied(let text): text
        }
    }

    /// As it travels from the process that asks.
    init?(line: String) {
        let rest = String(line.dropFirst())
        switch line.first {
        case "+": self = .present
        case "-": self = .absent(rest)
        case "!": self = .denied(rest)
        default: return nil
        }
    }

    var line: String {
        switch self {
        case .present: "+"
        case .absent(let text): "-\(text)"
        case .denied(let text): "!\(text)"
        }
    }
}

/// A feature and what the running kernel said.
package struct FeatureFinding: Sendable {
    package let feature: KernelFeature
    package let answer: Answer

    /// Tries features one after the other. Nothing stays of it: each is tried in a process of its own, in namespaces
    /// of its own, and what that makes goes with it.
    package static func find(_ features: [KernelFeature]) -> [FeatureFinding] {
        var survey: CgroupSurvey?
        let isRoot = effectiveUserID() == 0
        return features.map { feature in
            var answer: Answer
            switch feature.probe {
            case .process(let body): answer = ProbeProcess.ask(body)
            case .cgroups(let body):
                let found = survey ?? ProbeProcess.survey()
                survey = found
                answer = body(found)
            }
            if case .denied(let reason) = answer, !isRoot { answer = .denied("needs root (\(reason))") }
            return FeatureFinding(feature: feature, answer: answer)
        }
    }
}
