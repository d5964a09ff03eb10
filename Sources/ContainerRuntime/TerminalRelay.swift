package import LinuxSystem

/// Moves bytes between the caller's standard streams and the primary side of the container's pty. The caller's
/// terminal is raw meanwhile, so that Ctrl-C and Ctrl-Z reach the container as bytes; it is put back at the end.
/// Carriage returns are added by the caller's terminal, not by the pty: what goes to a pipe or a file has none.
package struct TerminalRelay: ~Copyable {
    private static let chunk = 16384
    private static let endOfTransmission: UInt8 = 4

    private let primary: OwnedFD
    private let input: BorrowedFD
    private let output: BorrowedFD
    private let saved: TerminalState?
    private var toPrimary: ArraySlice<UInt8> = []
    private var toOutput: ArraySlice<UInt8> = []
    private var inputIsOpen = true
    private var primaryIsOpen = true

    /// A relay between standard input and output and a pty, with the size of the caller's window.
    package static func begin(primary: consuming OwnedFD) throws(SyscallError) -> TerminalRelay {
        try primary.borrowed.setNonBlocking(true)
        let input = BorrowedFD.standardInput
        let saved = Terminal.isTerminal(input) ? try Terminal.makeRaw(input, processesOutput: true) : nil
        let relay = TerminalRelay(primary: primary, input: input, saved: saved)
        try relay.followWindow()
        return relay
    }

    private init(primary: consuming OwnedFD, input: BorrowedFD, saved: TerminalState?) {
        self.primary = primary
        self.input = input
        output = .standardOutput
        self.saved = saved
    }

    deinit {
        guard let saved else { return }
        let input = input
        bestEffort("the terminal may have gone away") { () throws(SyscallError) in
            try Terminal.setState(of: input, to: saved)
        }
    }

    /// The size of the caller's window; nil without one. A pty that has it from the start needs no signal later.
    package static func callersWindow() -> WindowSize? {
        var size: WindowSize?
        bestEffort("the size is set again when the relay begins") { () throws(SyscallError) in
            guard Terminal.isTerminal(.standardInput) else { return }
            let found = try Terminal.windowSize(of: .standardInput)
            if found.rows > 0, found.columns > 0 { size = found }
        }
        return size
    }

    /// Gives the pty the size of the caller's window.
    package func followWindow() throws(SyscallError) {
        guard let window = [input, output].first(where: { Terminal.isTerminal($0) }) else { return }
        let size = try Terminal.windowSize(of: window)
        guard size.rows > 0, size.columns > 0 else { return }
        try Terminal.setWindowSize(of: primary.borrowed, to: size)
    }

    /// What to wait for: three descriptors, those without interest being negative.
    package func appendInterests(to list: inout [(fd: BorrowedFD, events: PollEvents)]) {
        let nobody = BorrowedFD(rawValue: -1)
        var wanted: PollEvents = []
        if toOutput.isEmpty { wanted.insert(.readable) }
        if !toPrimary.isEmpty { wanted.insert(.writable) }
        list.append((inputIsOpen && toPrimary.isEmpty ? input : nobody, .readable))
        list.append((primaryIsOpen && !wanted.isEmpty ? primary.borrowed : nobody, wanted))
        list.append((toOutput.isEmpty ? nobody : output, .writable))
    }

    /// Moves what can be moved, after poll.
    package mutating func move(_ events: [PollEvents]) throws(SyscallError) {
        if !events[0].isEmpty { try readInput() }
        if !events[1].intersection([.readable, .hangUp, .error]).isEmpty { try readPrimary() }
        if !events[1].intersection([.writable]).isEmpty { try writePrimary() }
        if !events[2].isEmpty { try writeOutput() }
    }

    /// After the program has ended: what it has said last.
    package mutating func drain() throws(SyscallError) {
        repeat {
            while !toOutput.isEmpty { try writeOutput() }
            guard primaryIsOpen else { return }
            try readPrimary()
        } while !toOutput.isEmpty
    }

    private mutating func readInput() throws(SyscallError) {
        do throws(SyscallError) {
            let bytes = try input.read(max: Self.chunk)
            inputIsOpen = !bytes.isEmpty
            toPrimary = inputIsOpen ? bytes[...] : [Self.endOfTransmission]
        } catch {
            // The terminal has hung up, or belongs to others and nobody can give it to us.
            guard error.errno == .EIO else { throw error }
            inputIsOpen = false
        }
        try writePrimary()
    }

    private mutating func readPrimary() throws(SyscallError) {
        guard toOutput.isEmpty else { return }
        do throws(SyscallError) {
            toOutput = try primary.borrowed.read(max: Self.chunk)[...]
            if toOutput.isEmpty { primaryIsOpen = false }
        } catch {
            switch error.errno {
            case .EAGAIN: return
            case .EIO: primaryIsOpen = false  // nobody has the other side open any more
            default: throw error
            }
        }
    }

    private mutating func writePrimary() throws(SyscallError) {
        do throws(SyscallError) {
            toPrimary = toPrimary.dropFirst(try primary.borrowed.write(toPrimary))
        } catch {
            switch error.errno {
            case .EAGAIN: return
            case .EIO: toPrimary = []
            default: throw error
            }
        }
    }

    private mutating func writeOutput() throws(SyscallError) {
        do throws(SyscallError) {
            toOutput = toOutput.dropFirst(try output.write(toOutput))
        } catch {
            guard error.errno == .EPIPE || error.errno == .EIO else { throw error }
            toOutput = []  // nobody reads any more
        }
    }
}
