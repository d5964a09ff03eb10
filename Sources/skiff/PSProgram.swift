import LinuxSystem

/// ps(1), asked for a table of processes with the caller's own options.
enum PSProgram {
    private static let outputLimit = 16 << 20

    /// The lines of ps(1) that are about these processes, after its heading.
    static func table(options: [String], of pids: [ProcessID]) throws(StepError) -> String {
        let output = try run(options)
        let lines = output.split(separator: "\n", omittingEmptySubsequences: true)
        let heading = lines.first ?? ""
        guard let column = heading.split(separator: " ").firstIndex(of: "PID") else {
            throw StepError(
                "list the processes with ps(1)", refused: "its table has no column PID", code: .usage,
                operand: options.joined(separator: " "))
        }
        let wanted = Set(pids.map(\.rawValue))
        return lines.dropFirst().reduce(into: "\(heading)\n") { text, line in
            let words = line.split(separator: " ")
            guard words.count > column, let pid = Int32(words[column]), wanted.contains(pid) else { return }
            text += "\(line)\n"
        }
    }

    /// Runs ps to its end and gives what it printed.
    private static func run(_ options: [String]) throws(StepError) -> String {
        let program = try find()
        let step: Step = "run ps"
        let ends = try during(step) { () throws(SyscallError) in try Pipe().ends() }
        let reading = OwnedFD(adopting: ends.read)
        var writing: OwnedFD? = OwnedFD(adopting: ends.write)
        let outcome = try during(step) { () throws(SyscallError) in try cloneProcess() }
        switch consume outcome {
        case .child:
            // Released, because what is owned here would be closed after its last use, before ps has it.
            become(program, options, output: writing.take()?.release() ?? ends.write)
        case .parent(let child):
            _ = writing.take()
            let (output, exitCode) = try during(step) { () throws(SyscallError) in
                let output = try reading.borrowed.readAll(limit: outputLimit)
                let result = try waitForExit(of: .pidfd(child.pidfd.borrowed))
                return (String(decoding: output, as: UTF8.self), result?.exit.shellCode ?? 1)
            }
            guard exitCode == 0 else {
                let reason = output.split(separator: "\n").first.map(String.init) ?? "it said nothing"
                throw StepError(
                    step, refused: "exit code \(exitCode): \(reason)", code: .usage,
                    operand: options.joined(separator: " "))
            }
            return output
        }
    }

    private static func find() throws(StepError) -> Path {
        let list = ProcessEnvironment.value("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
        for directory in list.split(separator: ":") {
            let candidate = Path(String(directory)).appending("ps")
            let status = try during("find ps") { () throws(SyscallError) in
                try statusIfPresent(of: candidate, following: true)
            }
            if status?.kind == .regular { return candidate }
        }
        throw StepError(
            "find ps", refused: "it is in no directory of PATH", hint: "install procps, or use --format json",
            code: .notFound)
    }

    private static func become(_ program: Path, _ options: [String], output: Int32) -> Never {
        do throws(SyscallError) {
            for stream in Int32(1)...2 { try BorrowedFD(rawValue: output).duplicate(onto: stream) }
            try execute(program, arguments: ["ps"] + options, environment: ProcessEnvironment.all())
        } catch {
            bestEffort("the exit code tells it, too") { () throws(SyscallError) in
                try BorrowedFD.standardError.writeAll("\(error)\n")
            }
            exitProcess(127)
        }
    }
}
