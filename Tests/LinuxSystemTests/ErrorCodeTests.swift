import LinuxSystem
import Testing

@Suite struct `Error codes` {
    @Test func `every code is one short word of its own`() {
        let names = ErrorCode.allCases.map(\.description)
        #expect(Set(names).count == names.count)
        for name in names {
            #expect(
                name.utf8.count <= 24 && name.allSatisfy { $0 == "-" || ("a"..."z").contains($0) }, "\(name)")
        }
    }

    @Test func `docs list every code with its meaning, and no other`() throws {
        let docs = Path(#filePath).parent.parent.parent.appending("docs/errors.md")
        let text = String(decoding: try readFile(docs), as: UTF8.self)
        let lines = text.split(separator: "\n").map(String.init)
        let start = try #require(lines.firstIndex(of: "| code | meaning |"))
        let listed = lines[(start + 2)...].prefix { $0.hasPrefix("| ") }
        #expect(
            Array(listed)
                == ErrorCode.allCases.sorted { $0.rawValue < $1.rawValue }.map {
                    "| `\($0)` | \($0.meaning) |"
                })
    }

    @Test func `a refused call without a code of its own gets one by its reason`() {
        #expect(StepError("x", SyscallError(.openat, .EACCES)).code == .permission)
        #expect(StepError("x", SyscallError(.openat, .ENOENT)).code == .notFound)
        #expect(StepError("x", SyscallError(.openat, .EMFILE)).code == .hostExhausted)
        #expect(StepError("x", SyscallError(.openat, .ENOTDIR)).code == .callFailed)
        #expect(StepError("x", refused: "odd").code == .internalError)
    }

    @Test func `the place decides before the phase, and a missing call before both`() {
        let placed = StepError("x", SyscallError(.openat, .EACCES), code: .bundleUnreadable)
        #expect(placed.coded(.mountFailed).code == .bundleUnreadable)
        #expect(StepError("x", SyscallError(.openat, .EACCES)).coded(.mountFailed).code == .mountFailed)
        #expect(StepError("x", SyscallError(.fsopen, .ENOSYS)).coded(.mountFailed).code == .kernelLacks)
        #expect(StepError("x", refused: "odd").coded(.cgroupFailed).coded(.mountFailed).code == .cgroupFailed)
    }

    @Test func `a failing phase gives its code and a failing call its step`() {
        #expect(throws: StepError("open it", SyscallError(.openat, .ENOENT), code: .hookFailed)) {
            try phase(.hookFailed) { () throws(StepError) in
                try during("open it") { () throws(SyscallError) in throw SyscallError(.openat, .ENOENT) }
            }
        }
    }

    @Test func `the parts of an error can be read one by one`() {
        let call = StepError("open it", SyscallError(.openat2, on: "/x", .ENOENT), hint: "make it")
        #expect(call.operand == "/x" && call.call?.name == "openat2(2)" && call.errno == .ENOENT)
        let refusal = StepError("check it", refused: "is odd", code: .configInvalid, operand: "mounts[0]")
        #expect(refusal.operand == "mounts[0]" && refusal.call == nil && refusal.errno == nil)
    }
}
