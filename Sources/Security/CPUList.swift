package import RuntimeSpec

/// A set of CPUs (or of memory nodes) in the kernel's list format, `0-3,7`.
/// - SeeAlso: cpuset(7), runtime-spec config.md §execCPUAffinity
package struct CPUList: Equatable, Sendable {
    /// The numbers, ascending, each once.
    package let processors: [Int]

    /// Reads `text`; `field` names it in the error, `things` what is listed. The kernel is never built for more CPUs
    /// than `limit`.
    package init(
        _ text: String, field: String, of things: String = "CPUs", limit: Int = 8192
    ) throws(SpecError) {
        var processors = Set<Int>()
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            guard (1...2).contains(ends.count), let first = Self.number(ends[0], limit),
                let last = Self.number(ends[ends.count - 1], limit), first <= last
            else {
                throw SpecError(
                    field: field, reason: "must be a list of \(things) below \(limit) such as 0-3,7",
                    value: text)
            }
            processors.formUnion(first...last)
        }
        self.processors = processors.sorted()
    }

    private static func number(_ digits: Substring, _ limit: Int) -> Int? {
        guard !digits.isEmpty, digits.utf8.count <= 4, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(digits), number < limit
        else { return nil }
        return number
    }
}
