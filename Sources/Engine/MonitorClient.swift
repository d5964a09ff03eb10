internal import LinuxSystem

/// Somebody who is attached to a container, as its monitor sees them: a socket and what could not be sent yet.
///
/// The client that started the container in the foreground is lossless: while it does not read, the container's
/// output waits in the pipes, as with any program in a pipeline. All others have a bounded queue: when it is full,
/// output is left out for them and they are told so, and the container never waits (I-29).
final class MonitorClient {
    /// Most bytes that wait for a client that is not lossless.
    static let queueLimit = 262_144

    let isLossless: Bool
    private let socket: SharedFD
    private var queue: [[UInt8]] = []
    private var queuedBytes = 0
    private var skippedBytes = 0
    private(set) var isClosed = false
    /// Input that arrived and was not yet acknowledged.
    var owesAcknowledgement = false

    init(_ socket: SharedFD, isLossless: Bool) throws(SyscallError) {
        self.socket = socket
        self.isLossless = isLossless
        try socket.borrowed.setNonBlocking(true)
    }

    var descriptor: BorrowedFD { socket.borrowed }
    var hasQueue: Bool { !queue.isEmpty }

    /// Sends a message now or as soon as the client reads.
    func send(_ message: MonitorMessage) {
        if isClosed { return }
        let bytes = message.bytes
        if !isLossless, isSkippable(message), queuedBytes + bytes.count > Self.queueLimit {
            skippedBytes += bytes.count - 1
            return
        }
        queue.append(bytes)
        queuedBytes += bytes.count
        flush()
    }

    private func isSkippable(_ message: MonitorMessage) -> Bool {
        switch message {
        case .output, .errors: true
        default: false
        }
    }

    /// Sends what waits, as far as the client takes it.
    func flush() {
        while let first = queue.first, !isClosed {
            do throws(SyscallError) {
                try descriptor.sendMessage(first)
            } catch {
                if error.errno != .EAGAIN { isClosed = true }
                return
            }
            queue.removeFirst()
            queuedBytes -= first.count
            if queue.isEmpty, skippedBytes > 0 {
                let note = "skiff: \(skippedBytes) bytes of output were left out, see skiff logs\n"
                skippedBytes = 0
                queue.append(MonitorMessage.errors(Array(note.utf8)).bytes)
            }
        }
    }

    /// The next message that has arrived; nil when there is none now or the client has gone.
    func receive() -> MonitorMessage? {
        do throws(SyscallError) {
            let received = try descriptor.receiveMessage(max: MonitorMessage.chunk + 1)
            guard let message = MonitorMessage(received.bytes) else {
                isClosed = true
                return nil
            }
            return message
        } catch {
            if error.errno != .EAGAIN { isClosed = true }
            return nil
        }
    }
}
