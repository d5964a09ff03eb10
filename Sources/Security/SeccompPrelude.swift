import SeccompBinding

/// The first instructions of a filter whose default is an error: calls that are newer than the newest call the
/// profile names fail with ENOSYS, not with the default's errno.
///
/// A C library tries a new call first and falls back to the old one on ENOSYS only; with EPERM it gives up, so a
/// profile written last year would break programs built this year.
///
///     for each AUDIT_ARCH value:   arch differs? → next
///                                  number > newest named? → ENOSYS
///                                  else → the filter that libseccomp made
struct SeccompPrelude {
    /// The highest call number that the profile names, for one architecture.
    struct Newest: Equatable {
        let architecture: SeccompArchitecture
        let number: UInt32
    }

    /// SECCOMP_RET_ERRNO with ENOSYS.
    private static let enosys: UInt32 = 0x0005_0000 | 38
    /// Set in the numbers of x32 calls, which share the AUDIT_ARCH value of x86-64.
    private static let x32Bit: UInt32 = 0x4000_0000
    private static let offsetOfNumber: UInt32 = 0
    private static let offsetOfArchitecture: UInt32 = 4

    /// The highest numbers of `names` in each of `architectures`; none where a name has no number.
    static func newest(_ names: some Sequence<String>, in architectures: [SeccompArchitecture]) -> [Newest] {
        var numbers = [UInt32](repeating: 0, count: architectures.count)
        var known = [Bool](repeating: false, count: architectures.count)
        for name in names {
            for (index, architecture) in architectures.enumerated() {
                guard let number = architecture.number(ofCall: name), number >= 0 else { continue }
                // Arm's private calls (0x0f0000 and up) say nothing about the age of the profile.
                guard UInt32(number) & ~x32Bit < 0x0f_0000 else { continue }
                numbers[index] = max(numbers[index], UInt32(number))
                known[index] = true
            }
        }
        return architectures.indices.filter { known[$0] }.map {
            Newest(architecture: architectures[$0], number: numbers[$0])
        }
    }

    /// The instructions to put before a complete filter.
    static func instructions(for newest: [Newest]) -> [SeccompInstruction] {
        guard !newest.isEmpty else { return [] }
        var sections: [[SeccompInstruction]] = []
        for entry in newest where entry.architecture != .x32 {
            let x32 = newest.first { $0.architecture == .x32 }
            sections.append(section(entry, x32: entry.architecture == .x86_64 ? x32?.number : nil))
        }
        var remaining = sections.reduce(0) { $0 + $1.count }
        var instructions: [SeccompInstruction] = [.load(offsetOfArchitecture)]
        for section in sections {
            remaining -= section.count
            // The last of a section leaves the prelude: over everything that follows it here.
            instructions += section.dropLast() + [.jump(UInt32(remaining))]
        }
        return instructions
    }

    /// One architecture's part; falls to the next section when the architecture differs, so A still holds it there.
    private static func section(_ newest: Newest, x32: UInt32?) -> [SeccompInstruction] {
        let audit = newest.architecture.auditValue
        guard newest.architecture == .x86_64 else {
            return [
                .jumpIfEqual(audit, 0, else: 4), .load(offsetOfNumber),
                .jumpIfGreater(newest.number, 0, else: 1), .verdict(enosys), .jump(0),
            ]
        }
        guard let x32 else {
            // x32 calls that the profile does not provide for are libseccomp's to refuse.
            return [
                .jumpIfEqual(audit, 0, else: 5), .load(offsetOfNumber), .jumpIfAtLeast(x32Bit, 2, else: 0),
                .jumpIfGreater(newest.number, 0, else: 1), .verdict(enosys), .jump(0),
            ]
        }
        return [
            .jumpIfEqual(audit, 0, else: 6), .load(offsetOfNumber), .jumpIfAtLeast(x32Bit, 1, else: 0),
            .jumpIfGreater(newest.number, 1, else: 2), .jumpIfGreater(x32, 0, else: 1), .verdict(enosys),
            .jump(0),
        ]
    }
}
