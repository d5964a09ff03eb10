package import RuntimeSpec

/// Numeric ids as a person or an image writes them: `uid` or `uid:gid`.
package struct UserText: Equatable, Sendable {
    /// The user id.
    package let userID: UInt32
    /// The group id, when one is given.
    package let groupID: UInt32?

    /// Reads digits only. What does not fit an id is refused and never looked up as a name, nor cut to fit: an image
    /// must not become root by a number that wraps, nor by a passwd line whose name is a number.
    package init(_ text: String) throws(SpecError) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = parts.first else {
            throw SpecError(field: "user", reason: "must be uid or uid:gid", value: text)
        }
        userID = try Self.id(first, in: text)
        groupID = parts.count == 2 ? try Self.id(parts[1], in: text) : nil
    }

    /// Whether `part` is meant as a number, and so must never be looked up as a name.
    package static func isNumeric(_ part: String) -> Bool {
        !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func id(_ digits: Substring.UTF8View, in text: String) throws(SpecError) -> UInt32 {
        var value: UInt64 = 0
        guard !digits.isEmpty else {
            throw SpecError(field: "user", reason: "must be uid or uid:gid in digits", value: text)
        }
        for digit in digits {
            guard (0x30...0x39).contains(digit) else {
                throw SpecError(field: "user", reason: "must be uid or uid:gid in digits", value: text)
            }
            value = value * 10 + UInt64(digit - 0x30)
            // The kernel reads 4294967295 as "leave unchanged".
            guard value < UInt64(UInt32.max) else {
                throw SpecError(field: "user", reason: "has an id above 4294967294", value: text)
            }
        }
        return UInt32(value)
    }
}

/// Who the program runs as.
package struct IdentityPlan: Equatable, Sendable {
    /// Real, effective and saved user id, as seen in the container's user namespace.
    package let userID: UInt32
    /// Real, effective and saved group id.
    package let groupID: UInt32
    /// The supplementary groups: exactly these, also when there are none.
    package let groups: [UInt32]
    /// The file mode creation mask; nil leaves the inherited one.
    package let umask: UInt32?
    /// Whether the supplementary groups of the runtime's caller stay, in the place of `groups`.
    package let keepsGroups: Bool

    /// The identity of `user`; ids must be usable as ids.
    package init(_ user: UserSpec, keepsGroups: Bool = false) throws(SpecError) {
        for (field, id) in [("uid", user.uid), ("gid", user.gid)] where id == UInt32.max {
            throw SpecError(field: "process.user.\(field)", reason: "is not an id", value: "\(id)")
        }
        if let index = user.additionalGids.firstIndex(of: UInt32.max) {
            throw SpecError(
                field: "process.user.additionalGids[\(index)]", reason: "is not an id", value: "\(UInt32.max)"
            )
        }
        if let umask = user.umask, umask > 0o777 {
            throw SpecError(field: "process.user.umask", reason: "is above 0777", value: "\(umask)")
        }
        userID = user.uid
        groupID = user.gid
        groups = user.additionalGids
        umask = user.umask
        self.keepsGroups = keepsGroups
    }

    var warnings: [String] {
        guard keepsGroups, !groups.isEmpty else { return [] }
        return [
            "additionalGids are left out: the annotation \(RuntimeSpec.keepGroups) keeps the caller's groups"
        ]
    }
}
