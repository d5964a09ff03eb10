package import LinuxSystem

/// Stays with a program in the foreground: passes signals on, relays its terminal, waits for its end.
/// Preconditions: all signals are blocked, as they are since before the clone.
package struct ForegroundMonitor: ~Copyable {
    private static let childSignal: Int32 = 17
    private static let windowSignal: Int32 = 28
    private let signals: SignalDescriptor
    private var relay: TerminalRelay?
    private let notify: NotifySocket?
    /// Its descriptor, or -1, which poll passes over.
    private let notifyView: BorrowedFD

    /// A monitor; with the primary side of a pty it relays between that and the caller's terminal.
    package static func begin(
        primary: consuming OwnedFD?, notify: consuming NotifySocket? = nil
    ) throws(StepError) -> ForegroundMonitor {
        let relay = try makeRelay(primary)
        let signals = try during("watch for signals") { () throws(SyscallError) in try SignalDescriptor(.all)
        }
        return ForegroundMonitor(signals: signals, relay: relay, notify: notify)
    }

    private init(
        signals: consuming SignalDescriptor, relay: consuming TerminalRelay?,
        notify: consuming NotifySocket?
    ) {
        self.signals = signals
        self.relay = relay
        if let notify {
            notifyView = notify.descriptor
            self.notify = consume notify
        } else {
            notifyView = BorrowedFD(rawValue: -1)
            self.notify = nil
        }
    }

    private static func makeRelay(_ primary: consuming OwnedFD?) throws(StepError) -> TerminalRelay? {
        guard let primary else { return nil }
        do throws(SyscallError) {
            return try TerminalRelay.begin(primary: primary)
        } catch {
            throw StepError("relay the terminal", error, code: .terminalFailed)
        }
    }

    /// Waits until the child has ended and returns how.
    package mutating func wait(for child: borrowing Child) throws(StepError) -> WaitResult {
        do throws(SyscallError) {
            return try loop(child.pidfd.borrowed)
        } catch {
            throw StepError("wait for the container", error)
        }
    }

    private mutating func loop(_ pidfd: BorrowedFD) throws(SyscallError) -> WaitResult {
        while true {
            var list: [(fd: BorrowedFD, events: PollEvents)] = [
                (pidfd, .readable), (signals.fd.borrowed, .readable), (notifyView, .readable),
            ]
            let own = list.count
            relay?.appendInterests(to: &list)
            let events = try poll(list)
            if !events[1].isEmpty { try passSignals(to: pidfd) }
            if !events[2].isEmpty { passOnMessage() }
            try relay?.move(Array(events[own...]))
            guard !events[0].isEmpty else { continue }
            try relay?.drain()
            if let result = try waitForExit(of: .pidfd(pidfd)) { return result }
        }
    }

    private func passOnMessage() {
        bestEffort("a supervisor that has gone does not stop the program") { () throws(SyscallError) in
            switch notify {
            case .some(let socket): try socket.passOn()
            case .none: break
            }
        }
    }

    /// Signals about the monitor's own children, pipes and terminal are not the program's business.
    private static func isOwn(_ number: Int32) -> Bool {
        switch number {
        case childSignal, 13, 21, 22, 23: true
        default: false
        }
    }

    private func passSignals(to pidfd: BorrowedFD) throws(SyscallError) {
        while let signal = try signals.next() {
            if signal.number == Self.windowSignal, try relay?.followWindow() != nil { continue }
            if Self.isOwn(signal.number) { continue }
            bestEffort("the program may have ended just now") { () throws(SyscallError) in
                try pidfd.sendSignal(signal.number)
            }
        }
    }
}
