internal import LinuxSystem

/// Both sides of the pipes that carry a container's standard streams. With a terminal there are none: the terminal
/// is made in the container, and its primary side arrives later.
struct StreamEnds {
    private var input: SharedFD?
    private var output: SharedFD?
    private var errors: SharedFD?
    private var inputSource: SharedFD?
    private var outputSink: SharedFD?
    private var errorSink: SharedFD?

    /// Pipes, or nothing for a terminal. Without `keepsInput` standard input is /dev/null.
    init(hasTerminal: Bool, keepsInput: Bool) throws(SyscallError) {
        if hasTerminal { return }
        let out = try Pipe().ends()
        output = SharedFD(OwnedFD(adopting: out.read))
        outputSink = SharedFD(OwnedFD(adopting: out.write))
        let err = try Pipe().ends()
        errors = SharedFD(OwnedFD(adopting: err.read))
        errorSink = SharedFD(OwnedFD(adopting: err.write))
        if keepsInput {
            let ends = try Pipe().ends()
            inputSource = SharedFD(OwnedFD(adopting: ends.read))
            input = SharedFD(OwnedFD(adopting: ends.write))
        } else {
            inputSource = SharedFD(try open("/dev/null", .readOnly))
        }
    }

    /// Standard input, output and error for the program; none with a terminal.
    var containerSide: [BorrowedFD] {
        guard let source = inputSource?.borrowed, let sink = outputSink?.borrowed,
            let error = errorSink?.borrowed
        else { return [] }
        return [source, sink, error]
    }

    /// Closes the program's side, so that the monitor sees the end of the streams when the program ends.
    mutating func closeContainerSide() {
        inputSource = nil
        outputSink = nil
        errorSink = nil
    }

    /// The monitor's side; nil with a terminal.
    func monitorSide() throws(SyscallError) -> MonitorStreams? {
        guard let output, let errors else { return nil }
        return try MonitorStreams(output: output, errors: errors, input: input)
    }
}
