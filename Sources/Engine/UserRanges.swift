package import LinuxSystem
package import RuntimeSpec

/// Which user namespace a container gets.
package enum UserNamespaceChoice: Sendable, Equatable {
    /// The caller's own.
    case host
    /// One of so many ids that no other container has.
    case automatic(size: UInt32)
    /// One with these mappings.
    case mapped(users: [IDMappingSpec], groups: [IDMappingSpec])

    /// The usual number of ids.
    package static let usualSize: UInt32 = 65536

    /// Reads `host`, `auto`, `auto:size=N` or `UID:GID:SIZE`, where UID and GID are what root is outside.
    package init(_ text: String) throws(StepError) {
        let refused = StepError(
            "read --userns", refused: "'\(text)' is not known",
            hint: "host, auto, auto:size=N or UID:GID:SIZE",
            code: .usage, operand: text)
        switch text {
        case "host", "": self = .host
        case "auto": self = .automatic(size: Self.usualSize)
        case let text where text.hasPrefix("auto:size="):
            guard let size = UInt32(text.dropFirst(10)), size > 0, size <= 1 << 24 else { throw refused }
            self = .automatic(size: size)
        default:
            let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
            guard numbers.count == 3, let user = numbers[0], let group = numbers[1], let size = numbers[2]
            else { throw refused }
            self = .mapped(
                users: [try Self.mapping(0, user, size, text)],
                groups: [try Self.mapping(0, group, size, text)])
        }
    }

    /// Reads `INSIDE:OUTSIDE:SIZE` of `--uidmap` and `--gidmap`; one list stands for both when the other is empty.
    package init(users: [String], groups: [String]) throws(StepError) {
        func read(_ texts: [String]) throws(StepError) -> [IDMappingSpec] {
            var list: [IDMappingSpec] = []
            for text in texts {
                let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
                guard numbers.count == 3, let inside = numbers[0], let outside = numbers[1],
                    let size = numbers[2]
                else {
                    throw StepError(
                        "read the id mapping '\(text)'", refused: "it is not INSIDE:OUTSIDE:SIZE",
                        code: .usage,
                        operand: text)
                }
                list.append(try Self.mapping(inside, outside, size, text))
            }
            guard list.contains(where: { $0.containerID == 0 }) else {
                throw StepError(
                    "read the id mappings", refused: "none of them maps 0, to which the image's files belong",
                    code: .usage)
            }
            return list
        }
        self = .mapped(
            users: try read(users.isEmpty ? groups : users), groups: try read(groups.isEmpty ? users : groups)
        )
    }

    private static func mapping(
        _ inside: UInt32, _ outside: UInt32, _ size: UInt32, _ text: String
    ) throws(StepError) -> IDMappingSpec {
        let ends = [inside, outside].map { UInt64($0) + UInt64(size) }
        guard size > 0, ends.allSatisfy({ $0 <= UInt64(UInt32.max) }) else {
            throw StepError(
                "read the id mapping '\(text)'", refused: "there are no such ids", code: .usage, operand: text
            )
        }
        return IDMappingSpec(containerID: inside, hostID: outside, size: size)
    }
}

/// Finds ids for `--userns auto`: from those that /etc/subuid and /etc/subgid give to the user `containers`, else from
/// 2147483648 on, where no distribution puts any. A range belongs to its container until that is removed.
struct UserRanges {
    /// The user whose ids in /etc/subuid are for containers.
    static let owner = "containers"
    private static let usual: Range<UInt64> = 2_147_483_648..<4_294_901_760

    let home: EngineHome

    /// The mappings for a choice; the caller holds the lock until the container's record is written.
    func mappings(
        _ choice: UserNamespaceChoice
    ) throws(StepError) -> (users: [IDMappingSpec], groups: [IDMappingSpec]) {
        switch choice {
        case .host: return ([], [])
        case .mapped(let users, let groups): return (users, groups)
        case .automatic(let size):
            let records = try home.records().list().records
            let users = try free(size, Path("/etc/subuid"), records.flatMap(\.userMappings))
            let groups = try free(size, Path("/etc/subgid"), records.flatMap(\.groupMappings))
            return ([users], [groups])
        }
    }

    private func free(
        _ size: UInt32, _ file: Path, _ taken: [IDMappingSpec]
    ) throws(StepError) -> IDMappingSpec {
        let used = taken.map { UInt64($0.hostID)..<UInt64($0.hostID) + UInt64($0.size) }
            .sorted { $0.lowerBound < $1.lowerBound }
        let pools = try pools(file)
        for pool in pools {
            var start = pool.lowerBound
            for range in used where range.upperBound > start && range.lowerBound < start + UInt64(size) {
                start = range.upperBound
            }
            if start + UInt64(size) <= pool.upperBound, let first = UInt32(exactly: start) {
                return IDMappingSpec(containerID: 0, hostID: first, size: size)
            }
        }
        throw StepError(
            "choose ids for the container",
            refused: "no \(size) ids in a row are free in what \(file) gives to '\(Self.owner)'",
            hint: "--userns auto:size=N, or a longer range in \(file)", code: .hostExhausted)
    }

    private func pools(_ file: Path) throws(StepError) -> [Range<UInt64>] {
        let text = try during("read \(file)") { () throws(SyscallError) -> String in
            guard try statusIfPresent(of: file, following: true) != nil else { return "" }
            return String(decoding: try readFile(file, limit: 1 << 20), as: UTF8.self)
        }
        var pools: [Range<UInt64>] = []
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == Self.owner, let start = UInt64(parts[1]),
                let count = UInt64(parts[2]), start > 0, count > 0, start < 1 << 32,
                count <= (1 << 32) - start
            else { continue }
            pools.append(start..<start + count)
        }
        return pools.isEmpty ? [Self.usual] : pools
    }

    /// Held while a range is chosen; nobody else chooses one meanwhile.
    final class Lock {
        private let lock: FileLock

        init(_ home: EngineHome) throws(StepError) {
            lock = try during("lock the choice of ids") { () throws(SyscallError) in
                try FileLock(at: home.store.appending("ids.lock"), in: .currentDirectory)
            }
        }
    }
}

extension ContainerRecord {
    /// Who is root in the container, as ids outside.
    package var rootOwner: (userID: UInt32, groupID: UInt32) {
        (Self.outside(0, userMappings), Self.outside(0, groupMappings))
    }

    /// The id outside that an id inside is; itself without mappings.
    static func outside(_ id: UInt32, _ mappings: [IDMappingSpec]) -> UInt32 {
        for mapping in mappings where id >= mapping.containerID && id - mapping.containerID < mapping.size {
            return mapping.hostID + (id - mapping.containerID)
        }
        return id
    }
}
