internal import ContainerInit
internal import LinuxSystem

/// The first process of a container with `--init`: starts the program, passes signals on to it, takes away every
/// process that ends, and ends as the program ends.
/// - SeeAlso: pid_namespaces(7)
package enum InitReaper {
    /// argv[0] by which skiff knows that it is meant to be this.
    package static let programName = "/dev/init"
    private static let childSignal: Int32 = 17
    /// SIGTTIN and SIGTTOU are about this process's own use of the terminal.
    private static let kept: Set<Int32> = [childSignal, 21, 22]

    /// Runs the program after `--` with this process's environment; returns the exit code for the container.
    package static func run(_ arguments: [String]) -> Int32 {
        let words = Array(arguments.dropFirst().drop { $0 == "--" })
        guard let name = words.first else { return fail("no program is given", exitCode: 2) }
        do throws(SyscallError) {
            let mask = try blockAllSignals()
            let signals = try SignalDescriptor(.all)
            let outcome = try cloneProcess()
            switch consume outcome {
            case .child: become(name, words, mask)
            case .parent(let child): return try watch(child.pid, signals)
            }
        } catch {
            return fail(error.description, exitCode: 125)
        }
    }

    private static func become(_ name: String, _ words: [String], _ mask: SignalMask) -> Never {
        let environment = ProcessEnvironment.all()
        bestEffort("without a terminal there is no foreground group") { () throws(SyscallError) in
            try setProcessGroup()
            try Terminal.setForeground(.standardInput, group: currentProcessID().rawValue)
        }
        do throws(SyscallError) {
            try resetSignalDispositions()
            try setSignalMask(mask)
        } catch {
            exitProcess(fail(error.description, exitCode: 125))
        }
        do throws(LaunchFailure) {
            let program = try ExecProgram.find(name, environment: environment)
            throw program.execute(arguments: words, environment: environment)
        } catch {
            exitProcess(fail(error.error.description, exitCode: error.exitCode))
        }
    }

    private static func watch(
        _ program: ProcessID, _ signals: borrowing SignalDescriptor
    ) throws(SyscallError) -> Int32 {
        while true {
            _ = try poll([(signals.fd.borrowed, .readable)])
            while let signal = try signals.next() {
                if kept.contains(signal.number) { continue }
                bestEffort("the program may have ended just now") { () throws(SyscallError) in
                    try sendSignal(signal.number, to: program)
                }
            }
            while let ended = try waitForExit(of: .any, blocking: false) {
                if ended.pid == program { return ended.exit.shellCode }
            }
        }
    }

    private static func fail(_ text: String, exitCode: Int32) -> Int32 {
        bestEffort("the exit code tells it, too") { () throws(SyscallError) in
            try BorrowedFD.standardError.writeAll("skiff init: \(text)\n")
        }
        return exitCode
    }
}
