import Engine
import LinuxSystem
import Testing

/// A root directory with an /etc that goes away with the value.
private final class Root {
    let path: Path
    let fd: OwnedFD

    init(passwd: String?, group: String?) throws {
        path = "/tmp/skiff-test-user-\(currentProcessID())-\(Clock.monotonicNanoseconds())"
        try makeDirectories(path.appending("etc"))
        fd = try open(path, [.readOnly, .directory])
        let etc = try open("etc", [.readOnly, .directory], in: fd.borrowed)
        if let passwd { try replaceFile("passwd", in: etc.borrowed, Array(passwd.utf8)) }
        if let group { try replaceFile("group", in: etc.borrowed, Array(group.utf8)) }
    }

    deinit { bestEffort("a left-over of a test") { () throws(SyscallError) in try removeTree(path) } }
}

private let passwd = """
    root:x:0:0:root:/root:/bin/sh
    app:x:1000:1001::/home/app:/bin/sh
    1000:x:0:0:trap:/:/bin/sh
    2147483648:x:0:0:trap:/:/bin/sh

    """
private let group = """
    root:x:0:
    app:x:1001:
    data:x:50:app,other
    video:x:44:root
    wheel:x:10:app

    """

@Suite struct ImageUserTests {
    @Test(
        arguments: [
            ("", 0, 0, [44]), ("app", 1000, 1001, [50, 10]), ("1000", 1000, 1001, [50, 10]),
            ("app:video", 1000, 44, []),
            ("1234", 1234, 0, []), ("1234:5678", 1234, 5678, []), ("0:app", 0, 1001, []),
        ] as [(String, UInt32, UInt32, [UInt32])])
    func `IMG-43 IMG-44 users of every form`(text: String, uid: UInt32, gid: UInt32, groups: [UInt32]) throws
    {
        let root = try Root(passwd: passwd, group: group)
        let user = try ImageUser(root: root.fd.borrowed).resolve(text)
        #expect(user.userID == uid && user.groupID == gid && user.additionalGroups == groups)
    }

    @Test(arguments: [
        "nobody", "app:none", "2147483648", "4294967296", "18446744073709551616", "app:", ":app", "a:b:c",
        "-1", "1000x",
    ])
    func `I-18 what is no user is refused by name`(text: String) throws {
        let root = try Root(passwd: passwd, group: group)
        let error = #expect(throws: StepError.self) {
            _ = try ImageUser(root: root.fd.borrowed).resolve(text)
        }
        #expect(error?.description.contains("find ") == true)
    }

    @Test func `numbers work without any passwd file`() throws {
        let root = try Root(passwd: nil, group: nil)
        #expect(try ImageUser(root: root.fd.borrowed).resolve("7:8").groupID == 8)
        #expect(throws: StepError.self) { _ = try ImageUser(root: root.fd.borrowed).resolve("app") }
    }

    @Test func `I-18 a passwd file that is a FIFO or huge is refused at once`() throws {
        let root = try Root(passwd: nil, group: nil)
        try makeNode("etc/passwd", in: root.fd.borrowed, kind: .fifo, mode: 0o644)
        #expect(throws: StepError.self) { _ = try ImageUser(root: root.fd.borrowed).resolve("app") }
        try unlink("etc/passwd", in: root.fd.borrowed)
        let huge = try open("etc/passwd", [.writeOnly, .create], mode: 0o644, in: root.fd.borrowed)
        try huge.borrowed.truncate(to: 1 << 32)
        #expect(throws: StepError.self) { _ = try ImageUser(root: root.fd.borrowed).resolve("app") }
    }

    @Test func `I-1 a passwd link that leads out of the root is not followed`() throws {
        let root = try Root(passwd: nil, group: nil)
        try symlink("etc/passwd", to: "/etc/passwd", in: root.fd.borrowed)
        #expect(throws: (any Error).self) { _ = try ImageUser(root: root.fd.borrowed).resolve("daemon") }
    }
}
