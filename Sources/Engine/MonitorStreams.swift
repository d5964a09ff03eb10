internal import LinuxSystem

/// The monitor's ends of a container's standard streams: three pipes, or the primary side of a terminal.
final class MonitorStreams {
    /// Standard output, or all output of a terminal.
    private(set) var output: SharedFD?
    private(set) var errors: SharedFD?
    private var inputPipe: SharedFD?
    /// Kept open so that a program that closes its terminal and opens it again finds it alive.
    private var replica: SharedFD?
    let isTerminal: Bool
    /// Small, because short lines become several times longer in the log: the monitor's memory is counted in kilobytes.
    private static let chunk = 4096
    private var waiting: ArraySlice<UInt8> = []
    private var endsInput = false

    /// Streams over pipes; without `input` the program reads /dev/null.
    init(
        output: SharedFD, errors: SharedFD, input: SharedFD?
    ) throws(SyscallError) {
        try output.borrowed.setNonBlocking(true)
        try errors.borrowed.setNonBlocking(true)
        try input?.borrowed.setNonBlocking(true)
        inputPipe = input
        self.output = output
        self.errors = errors
        replica = nil
        isTerminal = false
    }

    /// Streams of a terminal.
    init(primary: consuming OwnedFD) throws(SyscallError) {
        try primary.borrowed.setNonBlocking(true)
        replica = SharedFD(try Terminal.openReplica(of: primary.borrowed))
        output = SharedFD(primary)
        errors = nil
        inputPipe = nil
        isTerminal = true
    }

    /// Where input goes; nil when nobody can read it.
    var input: BorrowedFD? {
        if let inputPipe = inputPipe?.borrowed { return inputPipe }
        return isTerminal ? output?.borrowed : nil
    }

    /// Whether input waits for the program to read.
    var hasWaitingInput: Bool { !waiting.isEmpty }

    /// Takes input for the program.
    func add(input bytes: [UInt8]) {
        waiting += bytes
        writeInput()
    }

    /// Ends the input after what waits; a terminal gets the character for it.
    func endInput() {
        if isTerminal {
            add(input: [4])
        } else {
            endsInput = true
            if waiting.isEmpty { inputPipe = nil }
        }
    }

    /// Hands waiting input on, as far as it is taken. Input that nobody can read any more is dropped.
    func writeInput() {
        guard let target = input else {
            waiting = []
            return
        }
        while !waiting.isEmpty {
            do throws(SyscallError) {
                waiting = waiting.dropFirst(try target.write(waiting))
            } catch {
                if error.errno == .EAGAIN { return }
                waiting = []
                inputPipe = nil
            }
        }
        if endsInput { inputPipe = nil }
    }

    /// Reads what the program has printed: nil when there is nothing now. A stream that has ended is closed.
    func read(_ stream: LogLine.Stream) -> [UInt8]? {
        guard let source = stream == .output ? output?.borrowed : errors?.borrowed else { return nil }
        do throws(SyscallError) {
            let bytes = try source.read(max: Self.chunk)
            if !bytes.isEmpty { return bytes }
        } catch {
            if error.errno == .EAGAIN { return nil }
        }
        close(stream)
        return nil
    }

    /// Lets the program's writes fail, unless it has a terminal.
    func closeOutput() {
        if !isTerminal { output = nil }
    }

    private func close(_ stream: LogLine.Stream) {
        switch stream {
        case .output: output = nil
        case .error: errors = nil
        }
    }

    /// Gives the terminal a size.
    func resize(_ size: WindowSize) {
        guard isTerminal, let primary = output?.borrowed else { return }
        bestEffort("a terminal that is gone has no size") { () throws(SyscallError) in
            try Terminal.setWindowSize(of: primary, to: size)
        }
    }
}
