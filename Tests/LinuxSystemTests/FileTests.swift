import LinuxSystem
import Testing

/// A directory under /tmp that goes away with the value.
struct TemporaryDirectory: ~Copyable {
    let path: Path
    let fd: OwnedFD

    init() throws {
        path = "/tmp/skiff-test-\(currentProcessID())-\(Clock.monotonicNanoseconds())"
        try makeDirectory(path, mode: 0o700)
        fd = try open(path, [.readOnly, .directory])
    }

    deinit { bestEffort("a left-over of a test") { () throws(SyscallError) in try removeTree(path) } }
}

@Suite struct FileTests {
    @Test func `a replaced file has the new content and no left-over`() throws {
        let directory = try TemporaryDirectory()
        try replaceFile("state", in: directory.fd.borrowed, Array("one".utf8))
        try replaceFile("state", in: directory.fd.borrowed, Array("two".utf8))
        #expect(try readFile("state", in: directory.fd.borrowed) == Array("two".utf8))
        #expect(try directory.fd.borrowed.list().map(\.name.string) == ["state"])
    }

    @Test func `reading stops at the limit`() throws {
        let directory = try TemporaryDirectory()
        try replaceFile("big", in: directory.fd.borrowed, [UInt8](repeating: 1, count: 10_000))
        let error = #expect(throws: SyscallError.self) {
            _ = try readFile("big", in: directory.fd.borrowed, limit: 9_999)
        }
        #expect(error?.errno == .EFBIG)
        #expect(try readFile("big", in: directory.fd.borrowed, limit: 10_000).count == 10_000)
    }

    @Test func `I-1 directories made in a root never leave it`() throws {
        let directory = try TemporaryDirectory()
        let base = directory.fd.borrowed
        try makeDirectory("root", in: base)
        try makeDirectory("outside", in: base)
        let root = try open("root", [.readOnly, .directory], in: base)
        try symlink("up", to: "../../outside", in: root.borrowed)
        try symlink("absolute", to: "\(directory.path)/outside", in: root.borrowed)
        _ = try makeDirectories("a/b/c", inRoot: root.borrowed)
        #expect(try status(of: "a/b/c", in: root.borrowed).kind == .directory)
        // Links lead where they do for the container, and what is missing there is made (MNT-6).
        _ = try makeDirectories("up/x", inRoot: root.borrowed)
        #expect(try status(of: "outside/x", in: root.borrowed).kind == .directory)
        _ = try makeDirectories("absolute/x", inRoot: root.borrowed)
        #expect(try status(of: "root\(directory.path)/outside/x", in: base).kind == .directory)
        let outside = try open("outside", [.readOnly, .directory], in: base)
        #expect(try outside.borrowed.list().isEmpty)
    }

    @Test func `a tree is removed without following links`() throws {
        let directory = try TemporaryDirectory()
        let base = directory.fd.borrowed
        try makeDirectory("keep", in: base)
        let keep = try open("keep", [.readOnly, .directory], in: base)
        try replaceFile("file", in: keep.borrowed, [1])
        try makeDirectory("tree", in: base)
        let tree = try open("tree", [.readOnly, .directory], in: base)
        try symlink("link", to: "../keep", in: tree.borrowed)
        try makeDirectory("inner", in: tree.borrowed)
        try removeTree("tree", in: base)
        #expect(try statusIfPresent(of: "tree", in: base) == nil)
        #expect(try status(of: "keep/file", in: base).size == 1)
    }

    @Test func `names, attributes and times`() throws {
        let directory = try TemporaryDirectory()
        let base = directory.fd.borrowed
        try replaceFile("f", in: base, [1, 2, 3], mode: 0o640)
        try setTimes(of: "f", in: base, modified: FileTime(seconds: -5, nanoseconds: 7))
        try ExtendedAttributes.set("user.colour", to: [1, 0, 2], of: "f", in: base)
        let facts = try status(of: "f", in: base)
        #expect(facts.modified == FileTime(seconds: -5, nanoseconds: 7))
        #expect(facts.mode == 0o640)
        #expect(try ExtendedAttributes.value("user.colour", of: "f", in: base) == [1, 0, 2])
        #expect(try ExtendedAttributes.value("user.none", of: "f", in: base) == nil)
        #expect(try ExtendedAttributes.names(of: "f", in: base) == ["user.colour"])
        try makeNode(
            "null", in: base, kind: .characterDevice, mode: 0o600, device: DeviceNumber(major: 1, minor: 3))
        #expect(try status(of: "null", in: base).deviceNumber == DeviceNumber(major: 1, minor: 3))
    }
}

@Suite struct SocketTests {
    @Test func `a message keeps its boundary and brings a descriptor`() throws {
        let pair = try SequencedSocket.pair()
        let pipe = try Pipe()
        try pair.first.send([1, 2, 3], descriptors: [pipe.writeEnd.borrowed])
        try pair.first.send([4])
        var message = try pair.second.receive()
        #expect(message.bytes == [1, 2, 3])
        let arrived = message.descriptor.take()
        if let arrived { try arrived.borrowed.writeAll([9]) }
        #expect(try pipe.readEnd.borrowed.read(max: 10) == [9])
        #expect(try pair.second.receive().bytes == [4])
    }

    @Test func `a long socket path is reached through its directory`() throws {
        let directory = try TemporaryDirectory()
        let long = Path(String(repeating: "d", count: 120))
        try makeDirectory(long, in: directory.fd.borrowed)
        let path = directory.path.appending(long).appending("socket")
        let listener = try UnixSocket.listen(at: path)
        let client = try UnixSocket.connect(to: path)
        let server = try UnixSocket.accept(on: listener.borrowed)
        try client.borrowed.writeAll([7])
        #expect(try server.borrowed.read(max: 4) == [7])
    }
}

@Suite struct ProcessTests {
    @Test func `this process has a start time and no process has pid 0x7ffffff0`() throws {
        #expect(try processStartTime(currentProcessID()) != nil)
        #expect(try processStartTime(ProcessID(rawValue: 0x7fff_fff0)) == nil)
    }

    @Test func `a pty has two sides and a size`() throws {
        let primary = try Terminal.openPrimary()
        let replica = try Terminal.openReplica(of: primary.borrowed)
        try Terminal.setWindowSize(of: primary.borrowed, to: WindowSize(rows: 12, columns: 34))
        #expect(try Terminal.windowSize(of: replica.borrowed) == WindowSize(rows: 12, columns: 34))
        #expect(Terminal.isTerminal(replica.borrowed))
    }

    @Test func `a lock is held once`() throws {
        let directory = try TemporaryDirectory()
        let first = try FileLock(at: "lock", in: directory.fd.borrowed)
        let error = #expect(throws: SyscallError.self) {
            _ = try FileLock(at: "lock", in: directory.fd.borrowed, blocking: false)
        }
        #expect(error?.errno == .EAGAIN)
        _ = consume first
    }
}
