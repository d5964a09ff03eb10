package import ContainerInit
package import LinuxSystem

/// The client's side of being attached to a container: relays the caller's standard streams, its window and its
/// signals until the container ends or the caller leaves.
package struct AttachSession: ~Copyable {
    /// How it ended.
    package enum Outcome: Sendable, Equatable {
        /// The container has ended; its receipt as JSON.
        case ended(exitCode: Int32, receipt: [UInt8])
        /// The caller typed the keys for it; the container goes on.
        case detached
        /// The monitor could not record the end; the text says why.
        case failed(LaunchFailure)
        /// The monitor has gone without a word.
        case lost
    }

    /// What is relayed.
    package struct Choices: Sendable {
        /// The container has a terminal.
        package var hasTerminal: Bool
        /// Standard input goes to the container.
        package var sendsInput: Bool
        /// Signals go to the container.
        package var forwardsSignals = true

        /// Choices for a container.
        package init(hasTerminal: Bool, sendsInput: Bool) {
            self.hasTerminal = hasTerminal
            self.sendsInput = sendsInput
        }
    }

    private static let windowSignal: Int32 = 28
    /// About the client itself: SIGCHLD, SIGCONT, SIGPIPE, and those by which a shell stops a job.
    private static let kept: Set<Int32> = [13, 17, 18, 20, 21, 22, windowSignal]
    private static let hangUp: Int32 = 1

    private let socket: SharedFD
    private let choices: Choices
    private let signals: SignalDescriptor
    private var saved: TerminalState?
    private var keys = DetachKeys()
    private var inputIsOpen: Bool
    private var awaitsAcknowledgement = false
    private var outputIsOpen = true
    private var errorsAreOpen = true

    /// A session over the socket to a monitor. The caller's terminal is raw until it ends, when input goes to a
    /// container's terminal.
    init(socket: SharedFD, choices: Choices) throws(StepError) {
        let signals = try during("attach to the container") { () throws(SyscallError) in
            // Ctrl-Z stops the client as any program, unless it is a byte for the container.
            try setSignalMask(SignalMask(rawValue: ~SignalMask([18, 20, 21, 22]).rawValue))
            return try SignalDescriptor(.all)
        }
        let isRaw = choices.hasTerminal && choices.sendsInput && Terminal.isTerminal(.standardInput)
        let saved = try during("make the terminal raw") { () throws(SyscallError) in
            isRaw ? try Terminal.makeRaw(.standardInput) : nil
        }
        self.signals = signals
        self.saved = saved
        self.socket = socket
        self.choices = choices
        inputIsOpen = choices.sendsInput
    }

    deinit {
        guard let saved else { return }
        bestEffort("the terminal may have gone away") { () throws(SyscallError) in
            try Terminal.setState(of: .standardInput, to: saved)
        }
    }

    /// Relays until one side ends it.
    package mutating func run() throws(StepError) -> Outcome {
        do throws(SyscallError) {
            sendWindow()
            while true {
                let reads = inputIsOpen && !awaitsAcknowledgement
                let events = try poll([
                    (socket.borrowed, .readable), (signals.fd.borrowed, .readable),
                    (reads ? .standardInput : BorrowedFD(rawValue: -1), .readable),
                ])
                if !events[0].isEmpty, let outcome = try hear() { return outcome }
                if !events[1].isEmpty, try takeSignals() { return .detached }
                if !events[2].isEmpty, try readInput() { return .detached }
            }
        } catch {
            throw StepError("stay attached to the container", error)
        }
    }

    /// One message of the monitor; the outcome when it is the last.
    private mutating func hear() throws(SyscallError) -> Outcome? {
        switch try socket.borrowed.receiveMonitorMessage() {
        case .output(let bytes):
            if outputIsOpen { outputIsOpen = try show(bytes, on: .standardOutput) }
            if !outputIsOpen { say(.outputClosed) }
        case .errors(let bytes): if errorsAreOpen { errorsAreOpen = try show(bytes, on: .standardError) }
        case .inputTaken: awaitsAcknowledgement = false
        case .ended(let code, let receipt): return .ended(exitCode: code, receipt: receipt)
        case .failed(let failure): return .failed(failure)
        case nil: return .lost
        default: break
        }
        return nil
    }

    /// Writes to a standard stream; false when nobody reads it any more.
    private func show(_ bytes: [UInt8], on stream: BorrowedFD) throws(SyscallError) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            do throws(SyscallError) {
                rest = rest.dropFirst(try stream.write(rest))
            } catch {
                switch error.errno {
                case .EAGAIN: _ = try poll([(stream, .writable)])
                case .EPIPE, .EIO, .EBADF: return false
                default: throw error
                }
            }
        }
        return true
    }

    /// Passes signals on; true when the caller's terminal has gone away, which a container survives that has its own.
    private mutating func takeSignals() throws(SyscallError) -> Bool {
        while let signal = try signals.next() {
            if signal.number == Self.windowSignal { sendWindow() }
            if signal.number == Self.hangUp && choices.hasTerminal { return true }
            if Self.kept.contains(signal.number) || !choices.forwardsSignals { continue }
            say(.signal(signal.number))
        }
        return false
    }

    /// Sends what was typed; true when it held the keys for leaving.
    private mutating func readInput() throws(SyscallError) -> Bool {
        let bytes = try BorrowedFD.standardInput.read(max: MonitorMessage.chunk)
        if bytes.isEmpty {
            inputIsOpen = false
            say(.inputEnd)
            return false
        }
        guard saved != nil else {
            awaitsAcknowledgement = true
            say(.input(bytes))
            return false
        }
        let typed = keys.filter(bytes)
        if !typed.passed.isEmpty {
            awaitsAcknowledgement = true
            say(.input(typed.passed))
        }
        return typed.isDetached
    }

    private func sendWindow() {
        guard choices.hasTerminal, let size = CallerWindow.size(), size.rows > 0 else { return }
        say(.resize(size))
    }

    private func say(_ message: MonitorMessage) {
        let socket = socket.borrowed
        bestEffort("that the monitor has gone is heard next") { () throws(SyscallError) in
            try socket.send(message)
        }
    }
}

/// The window of the caller's terminal.
package enum CallerWindow {
    /// Its size; nil without a terminal.
    package static func size() -> WindowSize? {
        var found: WindowSize?
        for stream in [BorrowedFD.standardInput, .standardOutput, .standardError] where found == nil {
            guard Terminal.isTerminal(stream) else { continue }
            bestEffort("a terminal without size is none") { () throws(SyscallError) in
                found = try Terminal.windowSize(of: stream)
            }
        }
        return found
    }
}
