internal import JSONCoding
package import LinuxSystem

/// The folder of all containers' records: `containers/ID/…` and `names/NAME`, below the store's root.
///
/// A name is a file that is made exclusively and holds the id, so of two makers of one name exactly one wins. A
/// container exists as soon as its `record.json` does; folders without one are left-overs of a crash and count as
/// nothing.
package struct RecordStore: ~Copyable {
    private let containers: OwnedFD
    private let names: OwnedFD
    /// The folder of containers as a host path.
    package let path: Path

    /// Opens (makes, mode 0700) the folders below the store's root.
    package init(root: Path) throws(StepError) {
        let folders = root.appending("containers")
        let first = try RecordStore.open(folders, of: root)
        let second = try RecordStore.open(root.appending("names"), of: root)
        path = folders
        containers = first
        names = second
    }

    private static func open(_ folder: Path, of root: Path) throws(StepError) -> OwnedFD {
        try during("open the container store \(root)") { () throws(SyscallError) in
            try makeDirectories(folder, mode: 0o700)
            return try LinuxSystem.open(folder, [.readOnly, .directory, .noFollow])
        }
    }

    /// 64 random hexadecimal digits.
    /// - SeeAlso: random(4)
    package static func makeID() throws(StepError) -> String {
        let bytes = try during("make an id") { () throws(SyscallError) in
            let source = try LinuxSystem.open("/dev/urandom", .readOnly)
            return try source.borrowed.read(max: 32)
        }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Takes a name for an id; refused when another container has it.
    package func claim(name: String, for id: String) throws(StepError) {
        do throws(SyscallError) {
            let file = try LinuxSystem.open(
                Path(name), [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600, in: names.borrowed)
            try file.borrowed.writeAll(id)
        } catch {
            guard error.errno == .EEXIST else { throw StepError("take the name '\(name)'", error) }
            let owner = (try idNamed(name)).map { String($0.prefix(12)) } ?? "another container"
            throw StepError(
                "take the name '\(name)'", refused: "already in use by container \(owner)",
                hint: "skiff rm \(name), or choose another --name", code: .containerExists, operand: name)
        }
    }

    /// Gives a name back.
    package func release(name: String) throws(StepError) {
        do throws(SyscallError) {
            try unlink(Path(name), in: names.borrowed)
        } catch {
            if error.errno != .ENOENT { throw StepError("give back the name '\(name)'", error) }
        }
    }

    /// Makes a container's folder.
    package func makeFolder(id: String) throws(StepError) -> OwnedFD {
        try during("make the folder of container \(id)") { () throws(SyscallError) in
            try makeDirectory(Path(id), in: containers.borrowed, mode: 0o700)
            return try LinuxSystem.open(
                Path(id), [.readOnly, .directory, .noFollow], in: containers.borrowed)
        }
    }

    /// Opens a container's folder.
    package func openFolder(id: String) throws(StepError) -> OwnedFD {
        try during("open the folder of container \(id)") { () throws(SyscallError) in
            try LinuxSystem.open(Path(id), [.readOnly, .directory, .noFollow], in: containers.borrowed)
        }
    }

    /// Writes a record; from now on the container exists.
    package func write(_ record: ContainerRecord, in folder: BorrowedFD) throws(StepError) {
        try during("write the record of container \(record.name)") { () throws(SyscallError) in
            try replaceFile("record.json", in: folder, record.json())
        }
    }

    /// Removes a container's folder with all in it.
    package func removeFolder(id: String) throws(StepError) {
        try during("remove the folder of container \(id)") { () throws(SyscallError) in
            try removeTree(Path(id), in: containers.borrowed)
        }
    }

    /// All records, oldest first; folders that hold none are passed over, broken ones are named in `broken`.
    package func list() throws(StepError) -> (records: [ContainerRecord], broken: [String]) {
        let entries = try during("list the containers") { () throws(SyscallError) in
            try containers.borrowed.list()
        }
        var records: [ContainerRecord] = []
        var broken: [String] = []
        for entry in entries {
            do throws(StepError) {
                if let record = try record(id: entry.name.string) { records.append(record) }
            } catch {
                broken.append(error.description)
            }
        }
        return (records.sorted { ($0.created, $0.id) < ($1.created, $1.id) }, broken)
    }

    /// The record of a full id, nil when there is no such container.
    package func record(id: String) throws(StepError) -> ContainerRecord? {
        try ContainerRecord.read(id, in: containers.borrowed)
    }

    /// The container that a name, a full id or an unambiguous beginning of an id means.
    package func find(_ text: String) throws(StepError) -> ContainerRecord {
        let missing = StepError(
            "find container '\(text)'", refused: "no such container", hint: "skiff ps -a lists them",
            code: .containerNotFound, operand: text)
        guard !text.isEmpty, !text.contains("/"), text != ".", text != ".." else { throw missing }
        if let id = try idNamed(text), let record = try record(id: id) { return record }
        if text.utf8.count == 64, let record = try record(id: text) { return record }
        guard text.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else {
            throw missing
        }
        let entries = try during("list the containers") { () throws(SyscallError) in
            try containers.borrowed.list()
        }
        let matches = entries.map(\.name.string).filter { $0.hasPrefix(text) }
        guard let only = matches.first else { throw missing }
        if matches.count > 1 {
            throw StepError(
                "find container '\(text)'", refused: "\(matches.count) ids begin like this",
                code: .containerNotFound, operand: text)
        }
        guard let record = try record(id: only) else { throw missing }
        return record
    }

    private func idNamed(_ name: String) throws(StepError) -> String? {
        do throws(SyscallError) {
            let bytes = try readFile(Path(name), in: names.borrowed, limit: 64)
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            if error.errno == .ENOENT || error.errno == .ENAMETOOLONG { return nil }
            throw StepError("look up the name '\(name)'", error)
        }
    }
}

extension ContainerRecord {
    /// Reads the record of a full id from the folder of all containers; nil when there is none.
    static func read(_ id: String, in containers: BorrowedFD) throws(StepError) -> ContainerRecord? {
        let bytes: [UInt8]
        do throws(SyscallError) {
            bytes = try readFile(Path("\(id)/record.json"), in: containers, limit: 1 << 20)
        } catch {
            if error.errno == .ENOENT || error.errno == .ENOTDIR { return nil }
            throw StepError("read the record of container \(id)", error, code: .stateDamaged)
        }
        do throws(JSONError) {
            return try ContainerRecord(json: bytes)
        } catch {
            throw StepError(
                "read the record of container \(id)", refused: error.description, code: .stateDamaged)
        }
    }
}
