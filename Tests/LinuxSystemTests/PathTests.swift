import LinuxSystem
import Testing

@Suite struct PathTests {
    @Test(arguments: [
        ("/a/b", "/a", "b"), ("a", ".", "a"), ("/a", "/", "a"), ("/a//b/./c/", "/a/b", "c"),
    ])
    func `parent and last component`(path: String, parent: String, last: String) {
        #expect(Path(path).parent.string == parent)
        #expect(Path(path).lastComponent?.string == last)
    }

    @Test func `the root has no last component`() { #expect(Path("/").lastComponent == nil) }

    @Test func `appending keeps one slash`() {
        #expect(Path("/a/").appending("/b").string == "/a/b")
        #expect(Path("").appending("b").string == "b")
    }

    @Test func `a NUL inside a path is no shorter path`() {
        let error = #expect(throws: SyscallError.self) { _ = try open(Path(bytes: [46, 0, 120]), .readOnly) }
        #expect(error?.errno == .ENOENT)
    }
}

@Suite struct ErrorTextTests {
    @Test func `a failed call names call, operand and reason`() {
        let error = #expect(throws: SyscallError.self) { _ = try open("/no/such", .readOnly) }
        #expect(error?.description == "openat(2) /no/such: ENOENT (no such file or directory)")
    }

    @Test func `a step error is one line with its hint`() {
        let cause = SyscallError(.fsmount, on: "proc", .EPERM)
        let error = StepError("mount proc on /proc", cause, hint: "needs a pid namespace")
        #expect(
            error.description
                == "mount proc on /proc: fsmount(2) proc: EPERM (operation not permitted) [hint: needs a pid namespace]"
        )
    }

    @Test func `unknown numbers are printed as numbers`() {
        #expect(Errno(rawValue: 999).description == "errno 999 (unknown error 999)")
    }
}

@Suite struct SignalNameTests {
    @Test(arguments: [
        ("TERM", 15), ("SIGTERM", 15), ("sigkill", 9), ("9", 9), ("RTMIN+3", 37), ("SIGRTMAX-1", 63),
        ("RTMIN", 34),
    ])
    func `LIFE-5 names and numbers of signals`(text: String, number: Int32) {
        #expect(SignalName.number(text) == number)
    }

    @Test(arguments: ["", "FOO", "0", "65", "-1", "RTMIN+40", "RTMIN-1", "SIG", "1x"])
    func `what is no signal is refused`(text: String) { #expect(SignalName.number(text) == nil) }
}

@Suite struct ClockTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
        (1_795_276_799, "2026-11-21T15:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
    ])
    func `RFC 3339 timestamps`(seconds: Int, text: String) {
        #expect(Clock.timestamp(FileTime(seconds: Int64(seconds)), fraction: 0) == text)
    }
}
