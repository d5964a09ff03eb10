package import ImageSpec
package import LinuxSystem

/// The right to unpack one layer: of all loads that want it one has it, the others wait and then find the layer there.
///
/// It is a lock in a directory `tmp/unpack-ALG-HEX`, which the kernel gives back when its holder is killed. It is
/// tried under the store's shared lock and taken away under the exclusive one, so nobody waits for a file that is
/// gone. Whoever claims the layers of an image does so base first, so that two loads never wait for each other.
package struct LayerClaim: ~Copyable {
    private let name: Path
    private let lock: FileLock

    fileprivate init(name: Path, lock: consuming FileLock) {
        self.name = name
        self.lock = lock
    }

    /// Gives the right back.
    package consuming func release(in store: borrowing ImageStore) throws(StepError) {
        let held = try store.exclusiveLock()
        defer { _ = held.borrowed }
        try during("give \(name) back") { () throws(SyscallError) in
            try removeTree("tmp/\(name)", in: store.root.borrowed)
        }
    }
}

extension ImageStore {
    /// Claims a layer for unpacking, without waiting.
    /// - Returns: nil when another load has it.
    package func claim(_ chainID: Digest) throws(StepError) -> LayerClaim? {
        let held = try sharedLock()
        defer { _ = held.borrowed }
        let name: Path = "unpack-\(chainID.fileName)"
        do throws(SyscallError) {
            try makeDirectoryIfMissing("tmp/\(name)", in: root.borrowed, mode: 0o700)
            return LayerClaim(
                name: name, lock: try FileLock(at: "tmp/\(name)/lock", in: root.borrowed, blocking: false))
        } catch {
            if error.errno == .EAGAIN { return nil }
            throw StepError("claim layer \(chainID)", error)
        }
    }
}
