package import LinuxSystem

/// Answers `GET /metrics` over HTTP/1.1, one request a connection, several connections at a time, none for longer than
/// ten seconds. Ends by SIGTERM or SIGINT.
package struct MetricsServer: ~Copyable {
    private static let connectionLimit = 16
    private static let patience: Int64 = 10_000_000_000
    private static let stopSignals: [Int32] = [2, 15]

    private let address: MetricsAddress
    private let socket: OwnedFD
    private let signals: SignalDescriptor
    private let content: () throws(StepError) -> [UInt8]
    private var connections: [MetricsConnection] = []

    /// Listens; `content` makes the text for each request.
    package init(
        at address: MetricsAddress, _ content: @escaping () throws(StepError) -> [UInt8]
    ) throws(StepError) {
        let socket = try address.listen()
        let signals = try during("watch for signals") { () throws(SyscallError) in
            // A reader that goes away early is no reason to end.
            try ignoreSignal(13)
            let mask = SignalMask(Self.stopSignals)
            try setSignalMask(mask)
            return try SignalDescriptor(mask)
        }
        self.address = address
        self.socket = socket
        self.signals = signals
        self.content = content
    }

    /// Where readers find it: `http://127.0.0.1:9100/metrics`.
    package func place() throws(StepError) -> String {
        try during("find the port") { () throws(SyscallError) in
            try address.description(socket.borrowed)
        }
    }

    /// Serves until a signal ends it.
    package mutating func run() throws(StepError) {
        defer { address.close() }
        while true {
            let now = Clock.monotonicNanoseconds()
            connections.removeAll { $0.isDone || now - $0.started > Self.patience }
            let found = try during("wait for readers of figures") { () throws(SyscallError) in
                try poll(interests(), timeoutMilliseconds: connections.isEmpty ? nil : 1000)
            }
            if !found[0].isEmpty { return }
            for (connection, events) in zip(connections, found[2...]) where !events.isEmpty {
                let content = content
                connection.move { () throws(StepError) in try content() }
            }
            if !found[1].isEmpty { accept() }
        }
    }

    private func interests() -> [(fd: BorrowedFD, events: PollEvents)] {
        let isFull = connections.count >= Self.connectionLimit
        let door = isFull ? BorrowedFD(rawValue: -1) : socket.borrowed
        return [(signals.fd.borrowed, .readable), (door, .readable)]
            + connections.map { ($0.descriptor, $0.hasAnswer ? PollEvents.writable : .readable) }
    }

    private mutating func accept() {
        var accepted: [MetricsConnection] = []
        let door = socket.borrowed
        bestEffort("whoever called may have gone again") { () throws(SyscallError) in
            let connection = SharedFD(try UnixSocket.accept(on: door))
            try connection.borrowed.setNonBlocking(true)
            accepted.append(MetricsConnection(connection))
        }
        connections += accepted
    }
}

/// One request and its answer.
final class MetricsConnection {
    private static let requestLimit = 8192

    let started = Clock.monotonicNanoseconds()
    private let socket: SharedFD
    private var request: [UInt8] = []
    private var answer: ArraySlice<UInt8> = []
    private(set) var isDone = false

    init(_ socket: SharedFD) { self.socket = socket }

    var descriptor: BorrowedFD { socket.borrowed }
    var hasAnswer: Bool { !answer.isEmpty }

    /// Reads or writes as far as it goes without waiting.
    func move(_ content: () throws(StepError) -> [UInt8]) {
        let failure = bestEffort("a reader that has gone needs no answer") { () throws(SyscallError) in
            if answer.isEmpty {
                let bytes = try socket.borrowed.read(max: 4096)
                request += bytes
                if bytes.isEmpty || request.count > Self.requestLimit {
                    isDone = true
                } else if isComplete {
                    answer = respond(content)[...]
                }
            }
            while !answer.isEmpty { answer = answer.dropFirst(try socket.borrowed.write(answer)) }
            if isComplete { isDone = true }
        }
        if let failure, failure.errno != .EAGAIN { isDone = true }
    }

    /// The head ends with an empty line; there is no body to wait for.
    private var isComplete: Bool {
        let end = Array("\r\n\r\n".utf8)
        return request.count >= 4
            && (0...(request.count - 4)).contains { request[$0..<($0 + 4)].elementsEqual(end) }
    }

    private func respond(_ content: () throws(StepError) -> [UInt8]) -> [UInt8] {
        let line = request.prefix { $0 != 13 }.split(separator: 32).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard line.count == 3, line[2].hasPrefix("HTTP/1.") else { return Self.text("400 Bad Request", "") }
        let path = line[1].prefix { $0 != "?" }
        guard path == "/metrics" else { return Self.text("404 Not Found", "the figures are at /metrics\n") }
        let isHead = line[0] == "HEAD"
        guard isHead || line[0] == "GET" else {
            return Self.text("405 Method Not Allowed", "", more: "Allow: GET, HEAD\r\n")
        }
        do throws(StepError) {
            return Self.message("200 OK", OpenMetrics.contentType, try content(), isHead: isHead)
        } catch {
            return Self.text("500 Internal Server Error", "\(error)\n")
        }
    }

    private static func text(_ status: String, _ text: String, more: String = "") -> [UInt8] {
        message(status, "text/plain; charset=utf-8", Array(text.utf8), more: more)
    }

    private static func message(
        _ status: String, _ type: String, _ body: [UInt8], isHead: Bool = false, more: String = ""
    ) -> [UInt8] {
        let head =
            "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n"
            + "\(more)Connection: close\r\n\r\n"
        return Array(head.utf8) + (isHead ? [] : body)
    }
}
