internal import LinuxSystem

/// What the monitor does while the container runs: moves output into the log and to the clients, input from the
/// clients to the program, and waits for its end. One loop over poll(2), bounded memory, no time-outs.
final class MonitorLoop {
    private static let terminate: Int32 = 15

    private let pid: ProcessID
    private let pidfd: OwnedFD
    private let listener: SharedFD?
    private let signals: SignalDescriptor
    private let streams: MonitorStreams
    private var log: LogWriter
    private var clients: [MonitorClient] = []
    /// What is to happen under pressure.
    var pressure: [PressureWatch] = []

    /// A loop for a child of the caller. `listener` is where clients connect. Preconditions: all signals are blocked.
    init(
        pid: ProcessID, streams: MonitorStreams, log: consuming LogWriter,
        listener: SharedFD?
    ) throws(SyscallError) {
        let pidfd = try openPIDFD(pid)
        let signals = try SignalDescriptor(SignalMask([Self.terminate]))
        self.pid = pid
        self.pidfd = pidfd
        self.signals = signals
        self.streams = streams
        self.log = log
        self.listener = listener
    }

    /// Adds the client that started the container.
    func attach(_ socket: SharedFD) throws(SyscallError) {
        clients.append(try MonitorClient(socket, isLossless: true))
    }

    /// Runs until the first process has ended and all that it printed is on its way.
    func run() throws(SyscallError) -> WaitResult {
        while true {
            let events = try poll(interests())
            if !events[0].isEmpty, let result = try waitForExit(of: .pidfd(pidfd.borrowed), blocking: false) {
                drain()
                return result
            }
            if !events[1].isEmpty { try passTermination() }
            if !events[2].isEmpty { acceptClient() }
            if !events[3].isEmpty { move(.output) }
            if !events[4].isEmpty { move(.error) }
            if !events[5].isEmpty { streams.writeInput() }
            for (watch, place) in zip(pressure, stride(from: 6, to: events.count, by: 2)) {
                watch.serve(events[place..<(place + 2)])
            }
            // Those that were accepted in this round come last and have no events yet.
            for (client, found) in zip(clients, events[(6 + 2 * pressure.count)...]) { serve(client, found) }
            acknowledge()
            clients.removeAll { $0.isClosed }
        }
    }

    /// In the order of `run`: end, signals, listener, output, errors, input, two for each trigger, clients.
    private func interests() -> [(fd: BorrowedFD, events: PollEvents)] {
        let nobody = BorrowedFD(rawValue: -1)
        let mayRead = !clients.contains { $0.isLossless && $0.hasQueue }
        var list: [(fd: BorrowedFD, events: PollEvents)] = [
            (pidfd.borrowed, .readable), (signals.fd.borrowed, .readable),
            (listener?.borrowed ?? nobody, .readable),
            (mayRead ? streams.output?.borrowed ?? nobody : nobody, .readable),
            (mayRead ? streams.errors?.borrowed ?? nobody : nobody, .readable),
            (streams.hasWaitingInput ? streams.input ?? nobody : nobody, .writable),
        ]
        for watch in pressure { list += watch.interests }
        for client in clients {
            list.append((client.descriptor, client.hasQueue ? [.readable, .writable] : .readable))
        }
        return list
    }

    private func move(_ stream: LogLine.Stream) {
        guard let bytes = streams.read(stream) else { return }
        log.append(bytes, from: stream)
        for client in clients { client.send(stream == .output ? .output(bytes) : .errors(bytes)) }
    }

    /// Adds a line of the monitor's own to what the container prints as errors.
    func tell(_ text: String) { log.append(Array(text.utf8), from: .error) }

    private func acceptClient() {
        guard let listener = listener?.borrowed else { return }
        let pid = pid
        var accepted: [MonitorClient] = []
        bestEffort("whoever called may have gone again") { () throws(SyscallError) in
            let client = try MonitorClient(
                SharedFD(try UnixSocket.accept(on: listener)), isLossless: false)
            client.send(.started(pid))
            accepted.append(client)
        }
        clients += accepted
    }

    private func serve(_ client: MonitorClient, _ events: PollEvents) {
        if events.contains(.writable) { client.flush() }
        guard !events.intersection([.readable, .hangUp, .error]).isEmpty else { return }
        while let message = client.receive() {
            switch message {
            case .input(let bytes):
                streams.add(input: bytes)
                client.owesAcknowledgement = true
            case .inputEnd: if client.isLossless { streams.endInput() }
            case .outputClosed: if client.isLossless { streams.closeOutput() }
            case .resize(let size): streams.resize(size)
            case .signal(let number):
                let pidfd = pidfd.borrowed
                bestEffort("the program may have ended just now") { () throws(SyscallError) in
                    try pidfd.sendSignal(number)
                }
            default: break
            }
        }
        if client.isClosed, client.isLossless, !streams.isTerminal { streams.endInput() }
    }

    private func acknowledge() {
        guard !streams.hasWaitingInput else { return }
        for client in clients where client.owesAcknowledgement {
            client.owesAcknowledgement = false
            client.send(.inputTaken)
        }
    }

    private func passTermination() throws(SyscallError) {
        while let signal = try signals.next() {
            let pidfd = pidfd.borrowed
            bestEffort("the program may have ended just now") { () throws(SyscallError) in
                try pidfd.sendSignal(signal.number)
            }
        }
    }

    /// All processes of the container are gone; what is in the pipes is the last, and bounded by their size.
    private func drain() {
        for stream in [LogLine.Stream.output, .error] {
            while let bytes = streams.read(stream) {
                log.append(bytes, from: stream)
                for client in clients { client.send(stream == .output ? .output(bytes) : .errors(bytes)) }
            }
        }
        log.finish()
    }

    /// Tells every client that it is over, and waits until those who read have read everything.
    func farewell(_ last: MonitorMessage) throws(SyscallError) {
        for client in clients { client.send(last) }
        while true {
            clients.removeAll { $0.isClosed || !$0.hasQueue }
            if clients.isEmpty { return }
            let limit: Int32? = clients.contains { $0.isLossless } ? nil : 2000
            let events = try poll(
                clients.map { ($0.descriptor, PollEvents.writable) }, timeoutMilliseconds: limit)
            if events.allSatisfy({ $0.isEmpty }) { return }
            for client in clients { client.flush() }
        }
    }
}
