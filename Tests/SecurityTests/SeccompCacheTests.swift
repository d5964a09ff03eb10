import LinuxSystem
import RuntimeSpec
import Testing

@testable import Security

@Suite struct `The cache of compiled filters` {
    private let spec = SeccompSpec(
        defaultAction: .errno, architectures: [.x86_64],
        syscalls: [SeccompSpec.SyscallRule(names: ["getpid"], action: .allow)])

    private func isEnabled(at path: Path) -> Bool {
        let cache = SeccompCache(at: path)
        return cache.isEnabled
    }

    private func expect(_ cache: borrowing SeccompCache, gives program: SeccompProgram) throws {
        let found = try cache.program(for: spec)
        #expect(found == program)
    }

    private func onlyFile(in folder: borrowing TemporaryFolder) throws -> Path {
        folder.path.appending(Path(try #require(try folder.names().first)))
    }

    /// The only file of the cache, with other content.
    private func overwrite(_ folder: borrowing TemporaryFolder, _ change: (inout [UInt8]) -> Void) throws {
        let name = try onlyFile(in: folder)
        var bytes = try readFile(name)
        change(&bytes)
        let directory = try folder.directory()
        try replaceFile(try #require(name.lastComponent), in: directory.borrowed, bytes)
    }

    @Test func `gives what was compiled, from one private file`() throws {
        let folder = try TemporaryFolder()
        let cache = SeccompCache(at: folder.path.appending("cache/seccomp"))
        let enabled = cache.isEnabled
        #expect(enabled)
        let compiled = try SeccompCompiler.compile(spec)
        try expect(cache, gives: compiled)
        try expect(cache, gives: compiled)
        let directory = try open(folder.path.appending("cache/seccomp"), [.readOnly, .directory])
        let files = try directory.borrowed.list()
        #expect(files.count == 1)
        for file in files {
            let status = try status(of: file.name, in: directory.borrowed)
            #expect(status.mode & 0o777 == 0o600)
        }
    }

    @Test func `uses the file when it fits, which a marked program shows`() throws {
        let folder = try TemporaryFolder()
        let cache = SeccompCache(at: folder.path)
        _ = try cache.program(for: spec)
        try overwrite(folder) { $0[$0.count - 1] ^= 1 }
        let compiled = try SeccompCompiler.compile(spec)
        let damaged = try cache.program(for: spec)
        #expect(damaged != compiled)
    }

    static let damage: [@Sendable (inout [UInt8]) -> Void] = [
        { $0.removeLast() }, { $0.append(0) }, { $0.removeLast(8) }, { $0[0] ^= 1 }, { $0[20] ^= 1 },
        { $0[40] ^= 1 },
        { $0[8] &+= 8 }, { $0[12] &-= 8 }, { $0.removeAll() }, { $0 = Array($0.prefix(20)) },
        { $0 += [UInt8](repeating: 0, count: 1 << 20) },
    ]

    @Test(arguments: damage.indices)
    func `compiles anew and repairs when the file is not exactly right`(index: Int) throws {
        let folder = try TemporaryFolder()
        let cache = SeccompCache(at: folder.path)
        let program = try cache.program(for: spec)
        let name = try onlyFile(in: folder)
        let good = try readFile(name)
        try overwrite(folder, Self.damage[index])
        try expect(cache, gives: program)
        #expect(try readFile(name) == good)
    }

    @Test func `does not believe files that others may write, links or other kinds`() throws {
        let folder = try TemporaryFolder()
        let cache = SeccompCache(at: folder.path)
        let program = try cache.program(for: spec)
        let name = Path(try #require(try folder.names().first))
        let directory = try folder.directory()
        try overwrite(folder) { $0[$0.count - 1] ^= 1 }
        try changeMode(of: name, in: directory.borrowed, 0o620)
        try expect(cache, gives: program)

        try overwrite(folder) { $0[$0.count - 1] ^= 1 }
        try changeOwner(of: name, in: directory.borrowed, userID: 1000, groupID: 0)
        try expect(cache, gives: program)

        try overwrite(folder) { $0[$0.count - 1] ^= 1 }
        try rename(name, in: directory.borrowed, to: "elsewhere", in: directory.borrowed)
        try symlink(name, to: "elsewhere", in: directory.borrowed)
        try expect(cache, gives: program)

        try unlink(name, in: directory.borrowed)
        try makeNode(name, in: directory.borrowed, kind: .fifo, mode: 0o600)
        try expect(cache, gives: program)
    }

    @Test func `is off in a directory that is not ours alone`() throws {
        let folder = try TemporaryFolder()
        try changeMode(of: folder.path, 0o777)
        #expect(!isEnabled(at: folder.path))
        try changeMode(of: folder.path, 0o700)
        try changeOwner(of: folder.path, userID: 1000, groupID: 0)
        #expect(!isEnabled(at: folder.path))
        #expect(!isEnabled(at: "/proc/no-such"))
        let cache = SeccompCache()
        try expect(cache, gives: try SeccompCompiler.compile(spec))
        #expect(try folder.names().isEmpty)
    }

    @Test func `tells apart everything that changes the program`() throws {
        var specs = [spec]
        func variant(_ change: (inout SeccompSpec) -> Void) {
            var copy = spec
            change(&copy)
            specs.append(copy)
        }
        variant { $0.defaultAction = .kill }
        variant { $0.defaultErrnoRet = 1 }
        variant { $0.defaultErrnoRet = 0 }
        variant { $0.architectures = [] }
        variant { $0.architectures = [.x86_64, .x86] }
        variant { $0.flags = [.log] }
        variant { $0.flags = [.synchronizeThreads] }
        variant { $0.listenerPath = "/x" }
        variant { $0.syscalls[0].names = ["getpid", "getppid"] }
        variant { $0.syscalls[0].names = ["getpidg"] }
        variant { $0.syscalls[0].names = ["getpid\0", "getppid"] }
        variant { $0.syscalls[0].names = ["getpid", "\0getppid"] }
        variant { $0.syscalls[0].action = .log }
        variant { $0.syscalls[0].errnoRet = 5 }
        variant { $0.syscalls[0].args = [.init(index: 0, value: 1, op: .equal)] }
        variant { $0.syscalls[0].args = [.init(index: 1, value: 1, op: .equal)] }
        variant { $0.syscalls[0].args = [.init(index: 0, value: 2, op: .equal)] }
        variant { $0.syscalls[0].args = [.init(index: 0, value: 1, valueTwo: 3, op: .equal)] }
        variant { $0.syscalls[0].args = [.init(index: 0, value: 1, op: .less)] }
        variant { $0.syscalls = [] }
        variant { $0.syscalls += $0.syscalls }
        let keys = specs.map { SeccompKey($0).bytes }
        #expect(Set(keys).count == specs.count)
    }
}
