package import ImageSpec
package import LinuxSystem

/// Space that trees take on the disk; a file with several names is counted once.
package struct DiskUsage {
    private struct Inode: Hashable {
        let device: UInt64
        let number: UInt64
    }

    private var seen: Set<Inode> = []
    /// What was added so far, in bytes.
    package private(set) var bytes: Int64 = 0

    /// Nothing yet.
    package init() {}

    /// Bytes of one tree, 0 if there is none.
    package static func of(_ name: Path, in directory: BorrowedFD) throws(SyscallError) -> Int64 {
        var usage = DiskUsage()
        try usage.add(name, in: directory)
        return usage.bytes
    }

    /// Adds a file or a whole tree; what vanishes meanwhile counts as nothing. Links are not followed.
    package mutating func add(_ name: Path, in directory: BorrowedFD) throws(SyscallError) {
        guard let facts = try statusIfPresent(of: name, in: directory) else { return }
        if facts.linkCount > 1, facts.kind != .directory {
            guard seen.insert(Inode(device: facts.device, number: facts.inode)).inserted else { return }
        }
        bytes += facts.blocks * 512
        guard facts.kind == .directory else { return }
        let inner: OwnedFD
        do throws(SyscallError) {
            inner = try open(name, [.readOnly, .directory, .noFollow], in: directory)
        } catch {
            if error.errno == .ENOENT { return }
            throw error
        }
        for entry in try inner.borrowed.list() { try add(entry.name, in: inner.borrowed) }
    }
}

extension ImageStore {
    /// Bytes that each layer takes on the disk, by chain id.
    package func layerUsage() throws(StepError) -> [Digest: Int64] {
        var result: [Digest: Int64] = [:]
        for entry in try entries("layers") {
            guard let digest = Digest(fileName: entry) else { continue }
            result[digest] = try during("measure layer \(digest)") { () throws(SyscallError) in
                try DiskUsage.of("layers/\(entry)", in: root.borrowed)
            }
        }
        return result
    }
}
