import LinuxSystem

/// A fresh directory for one test, removed with everything in it when the value goes.
struct TemporaryFolder: ~Copyable {
    let path: Path

    init() throws {
        path = Path("/tmp/skiff-security-\(currentProcessID().rawValue)-\(UInt64.random(in: 0...UInt64.max))")
        try makeDirectory(path, mode: 0o700)
    }

    deinit {
        bestEffort("a leftover in /tmp harms nobody") { () throws(SyscallError) in try removeTree(path) }
    }

    func directory() throws(SyscallError) -> OwnedFD { try open(path, [.readOnly, .directory]) }

    func names() throws -> [String] {
        let directory = try directory()
        return try directory.borrowed.list().map(\.name.string).sorted()
    }
}
