import ContainerInit
import LinuxSystem
import Testing

private let failure = LaunchFailure(
    StepError(
        "mount /proc", SyscallError(.fsmount, on: "nosuid,nodev", .EPERM), hint: "try that",
        code: .mountFailed),
    exitCode: 126)

@Suite struct SyncRecordTests {
    @Test(
        arguments: [
            .needMappings, .proceed, .rootfsReady, .hooksDone, .console, .listener(7), .listenerTaken,
            .created, .start,
            .failed(failure), .warning("CAP_FOO is unknown"),
            .failed(
                LaunchFailure(
                    StepError(
                        "find program", refused: "executable file not found in $PATH",
                        code: .programNotFound, operand: "nope"), exitCode: 127)),
            .failed(LaunchFailure(StepError("x", SyscallError(.mount, .EINVAL)))),
        ] as [SyncRecord])
    func `every record survives the wire`(record: SyncRecord) {
        #expect(SyncRecord(decoding: record.encoded) == record)
    }

    @Test func `texts that are too long are cut and the record stays readable`() {
        let long = String(repeating: "x", count: 10_000)
        let record = SyncRecord.failed(
            LaunchFailure(StepError(Step(long), SyscallError(.openat2, on: long, .ENOENT), hint: long)))
        #expect(record.encoded.count <= SyncRecord.sizeLimit)
        guard case .failed(let decoded) = SyncRecord(decoding: record.encoded) else {
            Issue.record("not a failure")
            return
        }
        #expect(decoded.error.errno == .ENOENT)
    }

    @Test func `bytes that are no record are refused`() {
        let good = SyncRecord.failed(failure).encoded
        #expect(SyncRecord(decoding: []) == nil)
        #expect(SyncRecord(decoding: Array(good.dropLast())) == nil)
        #expect(SyncRecord(decoding: good + [0]) == nil)
        for index in [0, 4, 16, 18, 20] {
            var bad = good
            bad[index] = 0xEE
            #expect(SyncRecord(decoding: bad) == nil)
        }
    }
}

@Suite struct SyncProtocolTests {
    @Test func `records are answered in the order of the picture`() throws {
        var machine = SyncProtocol(mappings: true, hooks: true, console: true, listener: true)
        #expect(try machine.next(.needMappings) == .writeMappings)
        #expect(try machine.next(.rootfsReady) == .runHooks)
        #expect(try machine.next(.console) == .takeConsole)
        #expect(try machine.next(.listener(5)) == .takeListener(5))
        #expect(!machine.isFinished)
        #expect(try machine.next(.created) == .commit)
        #expect(machine.isFinished)
    }

    @Test func `a plain container only says created`() throws {
        var machine = SyncProtocol(mappings: false, hooks: false, console: false, listener: false)
        #expect(try machine.next(.created) == .commit)
    }

    @Test func `failures and warnings may come at any time`() throws {
        var machine = SyncProtocol(mappings: true, hooks: false, console: false, listener: false)
        #expect(try machine.next(.warning("w")) == .warn("w"))
        #expect(try machine.next(.failed(failure)) == .fail(failure))
        #expect(try machine.next(.needMappings) == .writeMappings)
    }

    @Test(arguments: [.console, .rootfsReady, .listener(3), .proceed, .start, .needMappings] as [SyncRecord])
    func `a record out of order is refused by name`(record: SyncRecord) {
        var machine = SyncProtocol(mappings: false, hooks: false, console: false, listener: false)
        let error = #expect(throws: StepError.self) { try machine.next(record) }
        #expect(error?.description.contains("unexpected record \(record.kind), awaited created") == true)
    }
}
