package import LinuxSystem

/// The helper `skiff-image`, which reads archives and keeps the image store: where it is, and how it is run.
package enum ImageProgram {
    /// Its file: beside skiff's own file, else in `../libexec/skiff` from there.
    ///
    /// - Parameter executable: skiff's own file as a host path, from /proc/self/exe.
    package static func find(executable: Path) throws(StepError) -> Path {
        let folder = executable.parent
        let candidates = [
            folder.appending("skiff-image"), folder.parent.appending("libexec/skiff/skiff-image"),
        ]
        for candidate in candidates {
            let facts = try during("find skiff-image") { () throws(SyscallError) in
                try statusIfPresent(of: candidate, following: true)
            }
            if let facts, facts.kind == .regular { return candidate }
        }
        throw StepError(
            "find skiff-image", refused: "it is neither \(candidates[0]) nor \(candidates[1])",
            hint: "make install puts both programs in place", code: .notFound,
            operand: candidates[0].string)
    }

    /// Becomes `skiff-image` with these arguments; returns only by throwing.
    package static func become(
        executable: Path, arguments: [String], environment: [String]
    ) throws(StepError) -> Never {
        let program = try find(executable: executable)
        do throws(SyscallError) {
            try execute(program, arguments: ["skiff-image"] + arguments, environment: environment)
        } catch {
            throw StepError("run skiff-image", error)
        }
    }

    /// Runs `skiff-image` to its end with the caller's standard input and error, and gives its exit code and the
    /// first 64 KiB of what it printed.
    package static func run(
        executable: Path, arguments: [String], environment: [String]
    ) throws(StepError) -> (exitCode: Int32, output: String) {
        let program = try find(executable: executable)
        let pipe = try during("make a pipe") { () throws(SyscallError) in try Pipe() }
        let ends = pipe.ends()
        let reading = OwnedFD(adopting: ends.read)
        var writing: OwnedFD? = OwnedFD(adopting: ends.write)
        let outcome = try during("start skiff-image") { () throws(SyscallError) in try cloneProcess() }
        switch consume outcome {
        case .child:
            child(program, arguments, environment, output: ends.write)
        case .parent(let child):
            writing = nil
            _ = consume writing
            return try during("run skiff-image") { () throws(SyscallError) in
                var output: [UInt8] = []
                while true {
                    let part = try reading.borrowed.read(max: 4096)
                    if part.isEmpty { break }
                    if output.count < 65_536 { output += part }
                }
                let result = try waitForExit(of: .pidfd(child.pidfd.borrowed))
                return (result?.exit.shellCode ?? 1, String(decoding: output, as: UTF8.self))
            }
        }
    }

    private static func child(
        _ program: Path, _ arguments: [String], _ environment: [String], output: Int32
    ) -> Never {
        do throws(SyscallError) {
            try BorrowedFD(rawValue: output).duplicate(onto: 1)
            try execute(program, arguments: ["skiff-image"] + arguments, environment: environment)
        } catch {
            bestEffort("the exit code tells it, too") { () throws(SyscallError) in
                try BorrowedFD.standardError.writeAll("skiff: run skiff-image: \(error)\n")
            }
            exitProcess(127)
        }
    }
}
