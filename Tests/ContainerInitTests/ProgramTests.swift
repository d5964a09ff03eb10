import ContainerInit
import LinuxSystem
import Testing

/// A directory that goes away with the value.
private struct Scratch: ~Copyable {
    let path: Path

    init() throws {
        path = "/tmp/skiff-init-\(currentProcessID())-\(Clock.monotonicNanoseconds())"
        try makeDirectory(path, mode: 0o700)
    }

    func file(_ name: String, _ text: String, mode: UInt32) throws {
        let file = try open(path.appending(Path(name)), [.writeOnly, .create], mode: mode)
        try file.borrowed.writeAll(text)
        try file.borrowed.changeMode(mode)
    }

    deinit { bestEffort("a leftover in /tmp") { () throws(SyscallError) in try removeTree(path) } }
}

private func failure(_ name: String, path: String) -> LaunchFailure? {
    do throws(LaunchFailure) {
        _ = try ExecProgram.find(name, environment: ["PATH=\(path)"])
        return nil
    } catch {
        return error
    }
}

@Suite struct ExecProgramTests {
    @Test func `a name is searched along PATH and the first executable file wins (PRC-7)`() throws {
        let scratch = try Scratch()
        try makeDirectory(scratch.path.appending("a"))
        try makeDirectory(scratch.path.appending("b"))
        try scratch.file("a/tool", "data", mode: 0o644)
        try scratch.file("b/tool", "#!/bin/sh", mode: 0o755)
        let found = try ExecProgram.find(
            "tool", environment: ["PATH=/nowhere", "PATH=\(scratch.path)/a:\(scratch.path)/b/"])
        #expect(found.path == "\(scratch.path)/b/tool")
    }

    @Test func `engines find the text and the code for a program that is not there`() {
        let missing = failure("no-such-program", path: "/nowhere")
        #expect(missing?.exitCode == 127)
        #expect(
            missing?.error.description == "execute \"no-such-program\": executable file not found in $PATH")
        let path = failure("/no/such/program", path: "")
        #expect(path?.exitCode == 127)
        #expect(path?.error.description.contains("no such file or directory") == true)
    }

    @Test func `what cannot be executed gives 126 and says why`() throws {
        let scratch = try Scratch()
        try scratch.file("data", "x", mode: 0o644)
        let denied = failure("\(scratch.path)/data", path: "")
        #expect(denied?.exitCode == 126)
        #expect(denied?.error.description.contains("permission denied") == true)
        let directory = failure("\(scratch.path)", path: "")
        #expect(directory?.exitCode == 126)
        #expect(directory?.error.description.contains("is a directory") == true)
        #expect(failure("data", path: scratch.path.string)?.exitCode == 126)
    }

    @Test func `an empty name is no program`() {
        #expect(failure("", path: "/bin")?.exitCode == 127)
    }
}

@Suite struct HomeDirectoryTests {
    private let passwd = Array(
        "root:x:0:0::/root:/bin/sh\nbad line\n1000:x:0:0::/evil:/\nuser:x:1000:1000::/home/u:/\n".utf8)

    @Test(arguments: [(0, "/root"), (1000, "/home/u")] as [(UInt32, String)])
    func `HOME is looked up by number, never by name (I-18)`(userID: UInt32, home: String) {
        #expect(HomeDirectory.find(userID, in: passwd) == home)
    }

    @Test func `a user without a line has no home`() {
        #expect(HomeDirectory.find(7, in: passwd) == nil)
        #expect(HomeDirectory.find(0, in: Array("root:x:0:0".utf8)) == nil)
    }

    @Test func `a HOME that is set stays`() {
        #expect(HomeDirectory.complete(["HOME=/x"], userID: 0) == ["HOME=/x"])
    }
}

@Suite struct WorkingDirectoryTests {
    @Test func `a magic link leads nowhere (I-4, I-6)`() throws {
        let leaked = try open("/tmp", [.readOnly, .directory])
        let error = #expect(throws: StepError.self) {
            try WorkingDirectory.enter("/proc/self/fd/\(leaked.rawValue)")
        }
        #expect(error?.errno == .ELOOP)
    }

    @Test func `a directory that is missing is told with its path`() {
        let error = #expect(throws: StepError.self) { try WorkingDirectory.enter("/no/such/place") }
        #expect(error?.description.contains("chdir to the working directory /no/such/place") == true)
    }
}
