internal import ContainerRuntime
internal import LinuxSystem

/// The standard streams of a program that `exec` runs. Files and pipes of the caller are handed to the program as they
/// are; the caller's terminal never is, since a program in the container could read what is typed there: bytes are
/// carried over pipes instead (I-28).
final class ExecRelay {
    private static let chunk = 16_384
    private static let childSignal: Int32 = 17

    private let hasTerminal: Bool
    /// What the program gets; empty with a terminal.
    private(set) var programSide: [BorrowedFD] = []
    private var held: [SharedFD] = []
    private var output: SharedFD?
    private var errors: SharedFD?
    private var input: SharedFD?
    private var waiting: ArraySlice<UInt8> = []

    init(_ options: EngineExec.Options) throws(StepError) {
        hasTerminal = options.wantsTerminal
        if hasTerminal && !options.isDetached { return }
        do throws(SyscallError) {
            try chooseInput(options)
            output = try chooseOutput(.standardOutput, options)
            errors = try chooseOutput(.standardError, options)
        } catch {
            throw StepError("prepare the streams", error)
        }
    }

    private func chooseInput(_ options: EngineExec.Options) throws(SyscallError) {
        guard options.keepsInputOpen && !options.isDetached else {
            return give(SharedFD(try open("/dev/null", .readOnly)))
        }
        guard Terminal.isTerminal(.standardInput) else { return programSide.append(.standardInput) }
        let ends = try Pipe().ends()
        give(SharedFD(OwnedFD(adopting: ends.read)))
        let writing = SharedFD(OwnedFD(adopting: ends.write))
        try writing.borrowed.setNonBlocking(true)
        input = writing
    }

    private func chooseOutput(
        _ stream: BorrowedFD, _ options: EngineExec.Options
    ) throws(SyscallError) -> SharedFD? {
        if options.isDetached {
            give(SharedFD(try open("/dev/null", .writeOnly)))
            return nil
        }
        guard Terminal.isTerminal(stream) else {
            programSide.append(stream)
            return nil
        }
        let ends = try Pipe().ends()
        give(SharedFD(OwnedFD(adopting: ends.write)))
        let reading = SharedFD(OwnedFD(adopting: ends.read))
        try reading.borrowed.setNonBlocking(true)
        return reading
    }

    private func give(_ fd: SharedFD) {
        held.append(fd)
        programSide.append(fd.borrowed)
    }

    /// Carries bytes and signals until the program has ended.
    func stay(with running: inout RunningProcess) throws(StepError) -> WaitResult {
        held = []
        if hasTerminal || (output == nil && errors == nil && input == nil) { return try running.stay() }
        let pidfd = running.pidfd
        try during("carry the program's streams") { () throws(SyscallError) in
            let signals = try SignalDescriptor(.all)
            var isOver = false
            while !isOver {
                let events = try poll(interests(pidfd, signals.fd.borrowed))
                while let signal = try signals.next() {
                    if signal.number == Self.childSignal { continue }
                    bestEffort("the program may have ended just now") { () throws(SyscallError) in
                        try pidfd.sendSignal(signal.number)
                    }
                }
                if !events[4].isEmpty { try readInput() }
                writeInput()
                isOver = !events[0].isEmpty
                carry(&output, to: .standardOutput, all: isOver)
                carry(&errors, to: .standardError, all: isOver)
            }
        }
        return try running.wait()
    }

    private func interests(
        _ pidfd: BorrowedFD, _ signals: BorrowedFD
    ) -> [(fd: BorrowedFD, events: PollEvents)] {
        let nobody = BorrowedFD(rawValue: -1)
        return [
            (pidfd, .readable), (signals, .readable), (output?.borrowed ?? nobody, .readable),
            (errors?.borrowed ?? nobody, .readable),
            (input != nil && waiting.isEmpty ? .standardInput : nobody, .readable),
            (waiting.isEmpty ? nobody : input?.borrowed ?? nobody, .writable),
        ]
    }

    private func readInput() throws(SyscallError) {
        waiting = try BorrowedFD.standardInput.read(max: Self.chunk)[...]
        if waiting.isEmpty { input = nil }
    }

    private func writeInput() {
        guard let target = input?.borrowed, !waiting.isEmpty else { return }
        do throws(SyscallError) {
            waiting = waiting.dropFirst(try target.write(waiting))
        } catch {
            if error.errno == .EAGAIN { return }
            waiting = []
            input = nil
        }
    }

    /// Copies what is there; a stream that has ended, or whose reader has gone, is let go.
    private func carry(_ source: inout SharedFD?, to target: BorrowedFD, all: Bool) {
        while let from = source?.borrowed {
            do throws(SyscallError) {
                let bytes = try from.read(max: Self.chunk)
                if bytes.isEmpty {
                    source = nil
                } else {
                    try target.writeAll(bytes)
                }
            } catch {
                if error.errno != .EAGAIN { source = nil }
                return
            }
            if !all { return }
        }
    }
}
