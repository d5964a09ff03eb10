package import LinuxSystem

/// Ids that a user text of an image or command line stands for.
package struct ResolvedUser: Sendable, Equatable {
    package var userID: UInt32
    package var groupID: UInt32
    package var additionalGroups: [UInt32]
    /// Home directory from the container's passwd file, when it has the user.
    package var home: String?

    /// A user by its ids.
    package init(userID: UInt32, groupID: UInt32, additionalGroups: [UInt32] = [], home: String? = nil) {
        self.userID = userID
        self.groupID = groupID
        self.additionalGroups = additionalGroups
        self.home = home
    }
}

/// Looks up users and groups in a container's own /etc/passwd and /etc/group, by a descriptor of its root.
///
/// Digits are always numbers, never names (CVE-2016-3697, CVE-2024-40635); the files are read with a bound and only
/// when they are regular files inside the root.
/// - SeeAlso: image-spec conversion.md, security invariant I-18
package struct ImageUser {
    /// More than any real file; larger ones are refused.
    private static let fileLimit = 4 << 20
    private static let largestID: UInt64 = 2_147_483_647

    private let root: BorrowedFD

    /// For the root directory of a container.
    package init(root: BorrowedFD) { self.root = root }

    /// Reads `user`, `uid`, `user:group`, `uid:gid` or a mixture; empty is root. `additional` are groups by name or
    /// number that come on top.
    package func resolve(_ text: String, additional: [String] = []) throws(StepError) -> ResolvedUser {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, !(parts.count == 2 && (parts[0].isEmpty || parts[1].isEmpty)) else {
            throw StepError(
                "find user '\(text)'", refused: "is not USER[:GROUP]", code: .usage, operand: text)
        }
        let users = try lines("etc/passwd")
        let groups = try lines("etc/group")
        var result = try user(parts.first ?? "", users)
        if parts.count == 2 {
            result.groupID = try group(parts[1], groups, in: text)
            result.additionalGroups = []
        } else if let name = accountName(of: result.userID, parts.first ?? "", users) {
            result.additionalGroups = memberships(of: name, groups, besides: result.groupID)
        }
        for name in additional {
            let number = try group(name, groups, in: "--group-add \(name)")
            if !result.additionalGroups.contains(number) { result.additionalGroups.append(number) }
        }
        return result
    }

    private func user(_ text: String, _ users: [[Substring]]) throws(StepError) -> ResolvedUser {
        if text.isEmpty || isNumber(text) {
            let number = text.isEmpty ? 0 : try id(text, in: text)
            let line = users.first { $0.count >= 6 && UInt32($0[2]) == number }
            let group = line.flatMap { UInt32($0[3]) } ?? 0
            return ResolvedUser(
                userID: number, groupID: group, additionalGroups: [], home: line.map { String($0[5]) })
        }
        guard let line = users.first(where: { $0.count >= 6 && $0[0] == text }) else {
            throw StepError(
                "find user '\(text)'", refused: "no such user in the container's /etc/passwd",
                code: .notFound, operand: text)
        }
        return ResolvedUser(
            userID: try id(String(line[2]), in: text), groupID: try id(String(line[3]), in: text),
            additionalGroups: [], home: String(line[5]))
    }

    private func group(
        _ text: String, _ groups: [[Substring]], in whole: String
    ) throws(StepError) -> UInt32 {
        if isNumber(text) { return try id(text, in: whole) }
        guard let line = groups.first(where: { $0.count >= 3 && $0[0] == text }) else {
            throw StepError(
                "find group '\(text)'", refused: "no such group in the container's /etc/group",
                code: .notFound, operand: text)
        }
        return try id(String(line[2]), in: whole)
    }

    private func accountName(of number: UInt32, _ text: String, _ users: [[Substring]]) -> Substring? {
        if !text.isEmpty && !isNumber(text) { return Substring(text) }
        return users.first { $0.count >= 6 && UInt32($0[2]) == number }?[0]
    }

    private func memberships(of name: Substring, _ groups: [[Substring]], besides main: UInt32) -> [UInt32] {
        var result: [UInt32] = []
        for line in groups where line.count >= 4 {
            guard line[3].split(separator: ",").contains(name), let number = UInt32(line[2]) else { continue }
            if number != main && !result.contains(number) { result.append(number) }
        }
        return result
    }

    private func isNumber(_ text: String) -> Bool { text.utf8.allSatisfy { (48...57).contains($0) } }

    private func id(_ text: String, in whole: String) throws(StepError) -> UInt32 {
        guard isNumber(text), let number = UInt64(text), number <= ImageUser.largestID else {
            throw StepError(
                "find user '\(whole)'", refused: "id '\(text)' is not a number from 0 to 2147483647",
                code: .usage, operand: text)
        }
        return UInt32(number)
    }

    /// The lines of a file split at colons; none when the file is missing.
    private func lines(_ path: Path) throws(StepError) -> [[Substring]] {
        let text: [UInt8]
        do throws(SyscallError) {
            let file = try open(path, [.readOnly, .nonBlocking], in: root, resolving: .inRoot)
            guard try file.borrowed.status().kind == .regular else {
                throw SyscallError(.openat2, on: path.string, .EINVAL)
            }
            text = try file.borrowed.readAll(limit: ImageUser.fileLimit)
        } catch {
            if error.errno == .ENOENT || error.errno == .ENOTDIR { return [] }
            throw StepError("read the container's /\(path)", error)
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false)
        }
    }
}
