import ContainerInit
import LinuxSystem
import Testing

@testable import Engine

private var failed: StepError {
    var error = StepError("find ü", refused: "no ü", hint: "ü", code: .programNotFound, operand: "ü")
    error.notes = ["remove the cgroup: EBUSY", "unlink"]
    return error
}

@Suite struct `Messages between monitor and clients` {
    @Test(arguments: [
        MonitorMessage.input([1, 2, 255]), .input([]), .inputEnd, .resize(WindowSize(rows: 24, columns: 80)),
        .resize(WindowSize(rows: 65535, columns: 0)), .signal(15), .outputClosed,
        .started(ProcessID(rawValue: 4_194_303)), .failed(LaunchFailure(failed, exitCode: 127)),
        .output([10]),
        .errors([0]),
        .inputTaken, .ended(exitCode: 137, receipt: [123, 125]), .ended(exitCode: -1, receipt: []),
    ])
    func `a message arrives as it was sent`(message: MonitorMessage) {
        #expect(MonitorMessage(message.bytes) == message)
    }

    @Test(arguments: [
        [], [0], [9], [255], [3, 1, 2], [4, 1], [16], [17, 0, 0], [17, 9, 0, 0, 0, 1],
        [17, 255, 255, 255, 255], [21],
        [3] + [UInt8](repeating: 255, count: 8),
    ])
    func `what is no message is refused`(bytes: [UInt8]) {
        #expect(MonitorMessage(bytes) == nil)
    }

    @Test func `a chunk of output fits into a message`() {
        let bytes = MonitorMessage.output([UInt8](repeating: 7, count: MonitorMessage.chunk)).bytes
        #expect(bytes.count <= MonitorMessage.sizeLimit)
    }
}

@Suite struct `Keys for leaving a container` {
    @Test func `Ctrl-P Ctrl-Q leaves, also in two parts`() {
        var keys = DetachKeys()
        #expect(keys.filter([97, 16, 17, 98]) == (passed: [97], isDetached: true))
        var parts = DetachKeys()
        #expect(parts.filter([16]) == (passed: [], isDetached: false))
        #expect(parts.filter([17]) == (passed: [], isDetached: true))
    }

    @Test func `Ctrl-P alone is passed on with the next byte`() {
        var keys = DetachKeys()
        #expect(keys.filter([16]) == (passed: [], isDetached: false))
        #expect(keys.filter([98]) == (passed: [16, 98], isDetached: false))
        #expect(keys.filter([16, 16, 17]) == (passed: [16], isDetached: true))
        var other = DetachKeys()
        #expect(other.filter([17, 16, 97]) == (passed: [17, 16, 97], isDetached: false))
    }
}

private func == (left: (passed: [UInt8], isDetached: Bool), right: (passed: [UInt8], isDetached: Bool))
    -> Bool
{
    left.passed == right.passed && left.isDetached == right.isDetached
}

@Suite struct `Attached clients` {
    private func connected(isLossless: Bool) throws -> (MonitorClient, SharedFD) {
        let ends = try SequencedSocket.pair().ends()
        let client = try MonitorClient(SharedFD(OwnedFD(adopting: ends.first)), isLossless: isLossless)
        return (client, SharedFD(OwnedFD(adopting: ends.second)))
    }

    @Test func `one that does not read misses output and is told so`() throws {
        let (client, other) = try connected(isLossless: false)
        let chunk = [UInt8](repeating: 65, count: 16_000)
        for _ in 0..<200 { client.send(.output(chunk)) }
        var received = 0
        var note = ""
        try other.borrowed.setNonBlocking(true)
        for _ in 0..<400 {
            client.flush()
            do throws(SyscallError) {
                switch try other.borrowed.receiveMonitorMessage() {
                case .output(let bytes): received += bytes.count
                case .errors(let bytes): note += String(decoding: bytes, as: UTF8.self)
                default: break
                }
            } catch {
                break
            }
        }
        #expect(received > MonitorClient.queueLimit / 2)
        #expect(received < 200 * 16_000)
        #expect(note.contains("\(200 * 16_000 - received) bytes of output were left out"))
        #expect(!client.hasQueue)
    }

    @Test func `the one who started the container misses nothing`() throws {
        let (client, other) = try connected(isLossless: true)
        for _ in 0..<100 { client.send(.output([UInt8](repeating: 66, count: 16_000))) }
        #expect(client.hasQueue)
        var received = 0
        for _ in 0..<100 {
            client.flush()
            if case .output(let bytes)? = try other.borrowed.receiveMonitorMessage() {
                received += bytes.count
            }
        }
        #expect(received == 100 * 16_000)
    }

    @Test func `one that has gone is closed`() throws {
        let ends = try SequencedSocket.pair().ends()
        let client = try MonitorClient(SharedFD(OwnedFD(adopting: ends.first)), isLossless: false)
        try OwnedFD(adopting: ends.second).close()
        client.send(.output([1]))
        #expect(client.isClosed)
    }
}
