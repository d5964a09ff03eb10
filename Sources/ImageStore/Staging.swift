internal import ImageSpec
package import LinuxSystem

/// A place for one load to build what is not visible yet. It goes away with this value; if the process is
/// killed, its lock goes, and the next load sweeps the place away.
package struct Staging: ~Copyable {
    private let parent: OwnedFD
    private let name: Path
    private let own: OwnedFD
    private let lock: FileLock
    private let loads: FileLock

    /// The directory to build in, on the same file system as the store.
    package var directory: BorrowedFD { own.borrowed }

    fileprivate init(
        parent: consuming OwnedFD, name: Path, own: consuming OwnedFD, lock: consuming FileLock,
        loads: consuming FileLock
    ) {
        self.parent = parent
        self.name = name
        self.own = own
        self.lock = lock
        self.loads = loads
    }

    deinit {
        bestEffort("the next load sweeps what stays") { () throws(SyscallError) in
            try removeTree(name, in: parent.borrowed)
        }
    }

    /// Makes a directory in it, mode 0700.
    package borrowing func makeDirectory(_ name: Path) throws(SyscallError) -> OwnedFD {
        try LinuxSystem.makeDirectory(name, in: directory, mode: 0o700)
        return try open(name, [.readOnly, .directory, .noFollow], in: directory)
    }
}

extension ImageStore {
    /// Begins a load: sweeps what killed loads left, and makes a place to build in. Until it goes away no
    /// layer is removed from the store.
    package func beginLoad() throws(StepError) -> Staging {
        let held = try exclusiveLock()
        defer { _ = held.borrowed }
        let loads = try lock("loads.lock", exclusive: false)
        _ = try during("sweep the image store \(path)") { () throws(SyscallError) in try sweep() }
        let name: Path = "load-\(currentProcessID().rawValue)-\(Clock.monotonicNanoseconds())"
        do throws(SyscallError) {
            let parent = try LinuxSystem.open("tmp", [.readOnly, .directory], in: root.borrowed)
            try makeDirectory(name, in: parent.borrowed, mode: 0o700)
            let own = try LinuxSystem.open(name, [.readOnly, .directory], in: parent.borrowed)
            let lock = try FileLock(at: "lock", in: own.borrowed)
            return Staging(parent: parent, name: name, own: own, lock: lock, loads: loads)
        } catch {
            throw StepError("prepare a load in \(path)", error)
        }
    }

    /// Removes everything in `tmp` that no living process has locked. The caller holds the exclusive lock.
    /// - Returns: what was removed.
    @discardableResult
    func sweep() throws(SyscallError) -> [Path] {
        let rubbish = try unlockedTemporaries()
        for name in rubbish { try removeTree("tmp/\(name)", in: root.borrowed) }
        return rubbish
    }

    /// The entries of `tmp` that no living process has locked. The caller holds a lock of the store.
    func unlockedTemporaries() throws(SyscallError) -> [Path] {
        let parent = try LinuxSystem.open("tmp", [.readOnly, .directory], in: root.borrowed)
        var names: [Path] = []
        for entry in try parent.borrowed.list() {
            if try !isLocked("\(entry.name)/lock", in: parent.borrowed) { names.append(entry.name) }
        }
        return names
    }

    private func isLocked(_ file: Path, in directory: BorrowedFD) throws(SyscallError) -> Bool {
        do throws(SyscallError) {
            _ = try FileLock(
                LinuxSystem.open(file, [.readOnly, .noFollow], in: directory), exclusive: true,
                blocking: false)
            return false
        } catch {
            if error.errno == .EAGAIN { return true }
            if error.errno == .ENOENT || error.errno == .ENOTDIR { return false }
            throw error
        }
    }
}
