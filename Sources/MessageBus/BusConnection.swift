import LinuxSystem

/// A connection to a message bus. One thread, one call at a time; signals that come meanwhile are kept.
/// - SeeAlso: dbus-specification.html §Authentication Protocol, §Message Bus Messages
package struct BusConnection: ~Copyable {
    /// How long an answer may take.
    package static let patience: Int64 = 30

    private let socket: OwnedFD
    private let isPeer: Bool
    private var serial: UInt32 = 0
    private var received: [UInt8] = []
    private var signals: [BusMessage] = []

    /// Connects and says who we are: nothing, so that the bus asks the kernel. This also holds in a user namespace,
    /// where our own number for the user is not the bus's. Everything up to the name goes out in one write.
    /// - SeeAlso: unix(7) SO_PEERCRED
    package static func open(_ address: BusAddress) throws(BusError) -> BusConnection {
        let socket: OwnedFD
        do throws(SyscallError) {
            socket = try UnixSocket.connect(to: address.socket)
        } catch {
            throw BusError.call(error)
        }
        var connection = BusConnection(socket: socket, isPeer: address.isPeer)
        try connection.introduce()
        return connection
    }

    private init(socket: consuming OwnedFD, isPeer: Bool) {
        self.socket = socket
        self.isPeer = isPeer
    }

    private mutating func introduce() throws(BusError) {
        let greeting = Array("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n".utf8)
        if isPeer {
            try send(greeting)
            return try readGreeting()
        }
        var hello = BusMessage(call: "Hello", of: Self.busInterface, at: Self.busPath, on: Self.busName)
        hello.serial = nextSerial()
        try send(greeting + hello.encoded())
        try readGreeting()
        _ = try answer(to: hello.serial)
    }

    private static let busName = "org.freedesktop.DBus"
    private static let busInterface = "org.freedesktop.DBus"
    private static let busPath = "/org/freedesktop/DBus"

    /// Asks the bus for signals of this kind; without a bus they come anyway.
    package mutating func watch(_ rule: String) throws(BusError) {
        if isPeer { return }
        let message = BusMessage(
            call: "AddMatch", of: Self.busInterface, at: Self.busPath, on: Self.busName, [.string(rule)])
        _ = try call(message)
    }

    /// Calls a method and waits for what it gives back.
    /// - Throws: `BusError.remote` with the other side's error, or what broke the connection.
    @discardableResult
    package mutating func call(_ message: BusMessage) throws(BusError) -> [BusValue] {
        try call(all: [message]).first ?? []
    }

    /// Makes several calls at once and waits for all answers; the first error is thrown.
    package mutating func call(all messages: [BusMessage]) throws(BusError) -> [[BusValue]] {
        var bytes: [UInt8] = []
        var serials: [UInt32] = []
        for var message in messages {
            message.serial = nextSerial()
            serials.append(message.serial)
            bytes += message.encoded()
        }
        try send(bytes)
        var answers: [[BusValue]] = []
        for serial in serials { answers.append(try answer(to: serial)) }
        return answers
    }

    /// Waits for a signal that `isWanted`; those that came before count, too.
    package mutating func waitForSignal(
        _ isWanted: (BusMessage) -> Bool
    ) throws(BusError) -> BusMessage {
        let deadline = Clock.monotonicNanoseconds() + Self.patience * 1_000_000_000
        while true {
            if let index = signals.firstIndex(where: isWanted) { return signals.remove(at: index) }
            let message = try receive(deadline)
            if message.kind == .signal { signals.append(message) }
        }
    }

    private mutating func nextSerial() -> UInt32 {
        serial += 1
        return serial
    }

    private func send(_ bytes: [UInt8]) throws(BusError) {
        do throws(SyscallError) {
            try socket.borrowed.sendMessage(bytes)
        } catch {
            throw error.errno == .EPIPE ? BusError.closed : BusError.call(error)
        }
    }

    private mutating func answer(to serial: UInt32) throws(BusError) -> [BusValue] {
        let deadline = Clock.monotonicNanoseconds() + Self.patience * 1_000_000_000
        while true {
            let message = try receive(deadline)
            switch message.kind {
            case .signal: signals.append(message)
            case .answer where message.answeredSerial == serial: return message.body
            case .error where message.answeredSerial == serial:
                throw BusError.remote(name: message.errorName, text: message.body.first?.text ?? "")
            default: continue
            }
        }
    }

    private mutating func receive(_ deadline: Int64) throws(BusError) -> BusMessage {
        while true {
            if let length = try BusMessage.length(of: received), received.count >= length {
                let message = try BusMessage(decoding: Array(received[..<length]))
                received.removeFirst(length)
                return message
            }
            try receiveMore(deadline)
        }
    }

    /// The lines of the authentication protocol: an empty challenge, then consent.
    private mutating func readGreeting() throws(BusError) {
        let deadline = Clock.monotonicNanoseconds() + Self.patience * 1_000_000_000
        while true {
            while let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(
                    decoding: received[..<end].filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
                received.removeFirst(end + 1)
                if line.hasPrefix("OK") { return }
                if !line.hasPrefix("DATA") { throw BusError.rejected(line) }
            }
            if received.count > 4096 { throw BusError.malformed("an endless line") }
            try receiveMore(deadline)
        }
    }

    private mutating func receiveMore(_ deadline: Int64) throws(BusError) {
        let left = (deadline - Clock.monotonicNanoseconds()) / 1_000_000
        do throws(SyscallError) {
            let found = try poll(
                [(fd: socket.borrowed, events: [.readable])], timeoutMilliseconds: Int32(max(left, 0)))
            if found.allSatisfy(\.isEmpty) { throw SyscallError(.poll, .ETIMEDOUT) }
            let bytes = try socket.borrowed.read(max: 65536)
            if bytes.isEmpty { throw SyscallError(.read, .ECONNRESET) }
            received += bytes
        } catch {
            switch error.errno {
            case .ETIMEDOUT: throw BusError.timeout(seconds: Self.patience)
            case .ECONNRESET: throw BusError.closed
            default: throw BusError.call(error)
            }
        }
    }
}
