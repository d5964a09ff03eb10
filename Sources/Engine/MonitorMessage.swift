package import ContainerInit
internal import JSONCoding
package import LinuxSystem

/// What a container's monitor and those who are attached to it say to each other: one datagram of a SEQPACKET socket
/// is one message, a byte for the kind and then its content.
///
/// ```
///   client                                  monitor
///          ◀── started                      the program runs (or, at once, that it could not be run: failed)
///   input, resize, signal ──▶
///          ◀── inputTaken                   a client waits for this before it sends more input (I-29)
///          ◀── output, errors …
///          ◀── ended                        after the outcome is recorded
/// ```
package enum MonitorMessage: Sendable, Equatable {
    /// Bytes for the program's standard input.
    case input([UInt8])
    /// The end of standard input.
    case inputEnd
    /// The client's window has this size.
    case resize(WindowSize)
    /// A signal for the container's first process.
    case signal(Int32)
    /// Nobody reads the client's standard output any more; the program is to notice it as in any pipeline.
    case outputClosed
    /// The program runs; its process id as the host numbers it.
    case started(ProcessID)
    /// It could not be run.
    case failed(LaunchFailure)
    /// What the program printed (all of it, when it has a terminal).
    case output([UInt8])
    /// What it printed to standard error.
    case errors([UInt8])
    /// The latest input was handed to the program.
    case inputTaken
    /// The container has ended and is accounted for: exit code and receipt, as JSON (empty when there is none).
    case ended(exitCode: Int32, receipt: [UInt8])

    /// Most bytes of content of `input`, `output` and `errors`.
    package static let chunk = 16_384
    /// Most bytes of a message.
    package static let sizeLimit = 65_536

    /// The message as bytes.
    package var bytes: [UInt8] {
        switch self {
        case .input(let content): [1] + content
        case .inputEnd: [2]
        case .resize(let size): [3] + Self.pack(Int32(size.rows)) + Self.pack(Int32(size.columns))
        case .signal(let number): [4] + Self.pack(number)
        case .outputClosed: [5]
        case .started(let pid): [16] + Self.pack(pid.rawValue)
        case .failed(let failure): [17] + Self.pack(failure)
        case .output(let content): [18] + content
        case .errors(let content): [19] + content
        case .inputTaken: [20]
        case .ended(let code, let receipt): [21] + Self.pack(code) + receipt
        }
    }

    /// Reads a message; nil when it is none.
    package init?(_ bytes: [UInt8]) {
        guard let kind = bytes.first else { return nil }
        let content = Array(bytes.dropFirst())
        switch kind {
        case 1: self = .input(content)
        case 2: self = .inputEnd
        case 3:
            guard content.count == 8, let rows = UInt16(exactly: Self.unpack(content[..<4])),
                let columns = UInt16(exactly: Self.unpack(content[4...]))
            else { return nil }
            self = .resize(WindowSize(rows: rows, columns: columns))
        case 4:
            guard content.count == 4 else { return nil }
            self = .signal(Self.unpack(content[...]))
        case 5: self = .outputClosed
        case 16:
            guard content.count == 4 else { return nil }
            self = .started(ProcessID(rawValue: Self.unpack(content[...])))
        case 17:
            guard let failure = Self.unpackFailure(content) else { return nil }
            self = .failed(failure)
        case 18: self = .output(content)
        case 19: self = .errors(content)
        case 20: self = .inputTaken
        case 21:
            guard content.count >= 4 else { return nil }
            self = .ended(exitCode: Self.unpack(content[..<4]), receipt: Array(content[4...]))
        default: return nil
        }
    }

    private static func pack(_ number: Int32) -> [UInt8] {
        let bits = UInt32(bitPattern: number)
        return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
    }

    /// The record of the failure after its length, then its notes, one a line.
    private static func pack(_ failure: LaunchFailure) -> [UInt8] {
        let record = SyncRecord.failed(failure).encoded
        let notes = failure.error.notes.joined(separator: "\n")
        return pack(Int32(record.count)) + record + Array(notes.utf8.prefix(8192))
    }

    private static func unpackFailure(_ content: [UInt8]) -> LaunchFailure? {
        guard content.count >= 4 else { return nil }
        let end = 4 + Int(unpack(content[..<4]))
        guard end >= 4, end <= content.count,
            case .failed(let failure) = SyncRecord(decoding: Array(content[4..<end]))
        else { return nil }
        var error = failure.error
        error.notes = content[end...].split(separator: UInt8(ascii: "\n")).map {
            String(decoding: $0, as: UTF8.self)
        }
        return LaunchFailure(error, exitCode: failure.exitCode)
    }

    private static func unpack(_ bytes: ArraySlice<UInt8>) -> Int32 {
        Int32(bitPattern: bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
}

extension BorrowedFD {
    /// Sends a message over a SEQPACKET socket.
    package func send(_ message: MonitorMessage) throws(SyscallError) { try sendMessage(message.bytes) }

    /// Waits for a message; nil when the other end is closed or says what is no message.
    package func receiveMonitorMessage() throws(SyscallError) -> MonitorMessage? {
        do throws(SyscallError) {
            let received = try receiveMessage(max: MonitorMessage.sizeLimit)
            return MonitorMessage(received.bytes)
        } catch {
            if error.errno == .ECONNRESET { return nil }
            throw error
        }
    }
}
