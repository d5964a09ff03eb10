/// A configuration that passed every check of `Validation`; what acts on a configuration asks for this type.
package struct ValidSpec: Equatable, Sendable {
    /// The configuration.
    package let spec: RuntimeSpec

    fileprivate init(_ spec: RuntimeSpec) { self.spec = spec }
}

/// Checks of a configuration that need nothing but the configuration.
///
/// They run before anything is changed on the host (runtime-spec checklist BND-5, BND-7). Words of a fixed
/// set, such as the kinds of namespaces, were checked when the document was read; what depends on the host,
/// such as whether a sysctl belongs to a namespace of the container, is checked by whoever plans that step.
package enum Validation {
    /// One check: what it is about, and a function that throws for the first fault it finds.
    package struct Check: Sendable {
        /// What the check is about.
        package let name: String
        /// The check itself.
        package let run: @Sendable (RuntimeSpec) throws(SpecError) -> Void
    }

    /// All checks, in the order in which faults are reported.
    package static let checks: [Check] = [
        Check(name: "version", run: version(of:)),
        Check(name: "root", run: root(of:)),
        Check(name: "mounts", run: mounts(of:)),
        Check(name: "id-mapped mounts", run: mappedMounts(of:)),
        Check(name: "process", run: process(of:)),
        Check(name: "hooks", run: hooks(of:)),
        Check(name: "annotations", run: annotations(of:)),
        Check(name: "namespaces", run: namespaces(of:)),
        Check(name: "host name", run: hostNames(of:)),
        Check(name: "id mappings", run: idMappings(of:)),
        Check(name: "time offsets", run: timeOffsets(of:)),
        Check(name: "devices", run: devices(of:)),
        Check(name: "network devices", run: netDevices(of:)),
        Check(name: "cgroup path", run: cgroupsPath(of:)),
        Check(name: "device rules", run: deviceRules(of:)),
        Check(name: "memory", run: memory(of:)),
        Check(name: "CPU", run: cpu(of:)),
        Check(name: "other limits", run: otherLimits(of:)),
        Check(name: "block I/O", run: blockIO(of:)),
        Check(name: "unified limits", run: unified(of:)),
        Check(name: "sysctl", run: sysctl(of:)),
        Check(name: "seccomp", run: seccomp(of:)),
        Check(name: "masked and read-only paths", run: restrictedPaths(of:)),
        Check(name: "intelRdt", run: intelRdt(of:)),
        Check(name: "memory policy", run: memoryPolicy(of:)),
        Check(name: "personality", run: personality(of:)),
    ]

    /// Checks a configuration.
    /// - Throws: the first fault.
    package static func validate(_ spec: RuntimeSpec) throws(SpecError) -> ValidSpec {
        for check in checks { try check.run(spec) }
        return ValidSpec(spec)
    }

    /// Checks the process document of `exec`; fields are named from that document's root.
    package static func validate(process: ProcessSpec) throws(SpecError) {
        try check(process, at: "")
    }
}

// MARK: Shared rules

extension Validation {
    static func requireAbsolute(
        _ path: String, _ field: @autoclosure () -> String
    ) throws(SpecError) {
        if path.isEmpty { throw SpecError(field: field(), reason: "is required") }
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw SpecError(field: field(), reason: "must be an absolute path", value: path)
        }
    }

    static func requireNonEmpty(_ text: String, _ field: @autoclosure () -> String) throws(SpecError) {
        if text.isEmpty { throw SpecError(field: field(), reason: "is required") }
    }

    static func require<Value: Comparable & Sendable>(
        _ value: Value?, in range: ClosedRange<Value>, _ field: @autoclosure () -> String
    ) throws(SpecError) {
        guard let value, !range.contains(value) else { return }
        throw SpecError(
            field: field(), reason: "must be between \(range.lowerBound) and \(range.upperBound)",
            value: "\(value)")
    }

    /// Text that goes into a line of a kernel file must not bring further lines.
    static func requireOneLine(_ text: String, _ field: @autoclosure () -> String) throws(SpecError) {
        if text.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
            throw SpecError(field: field(), reason: "must not contain control characters", value: text)
        }
    }

    /// A list of CPUs or memory nodes as the kernel reads it: `0-3,7`.
    static func requireNumberList(_ text: String?, _ field: @autoclosure () -> String) throws(SpecError) {
        guard let text else { return }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            let numbers = ends.compactMap { UInt32($0) }
            let isDigits = part.utf8.allSatisfy { $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }
            guard isDigits, numbers.count == ends.count, numbers.count <= 2,
                numbers.count < 2 || numbers[0] <= numbers[1]
            else { throw SpecError(field: field(), reason: "must be a list such as 0-3,7", value: text) }
        }
    }
}
