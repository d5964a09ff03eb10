import LinuxSystem

/// The program of a container: found along PATH inside the container, as the final user, and then executed. The
/// texts are those that engines turn into the exit codes 126 and 127.
package struct ExecProgram: Sendable, Equatable {
    /// Where the program was found: absolute, or relative to the working directory.
    package let path: String

    private static let defaultSearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    private static let executable: Int32 = 1

    /// Finds a program in the caller's root: by its path if the name has a slash, else along the PATH of
    /// `environment`. Preconditions: the working directory and the user are those of the program.
    /// - SeeAlso: execvp(3)
    package static func find(_ name: String, environment: [String]) throws(LaunchFailure) -> ExecProgram {
        let step: Step = "execute \"\(name)\""
        if name.isEmpty {
            throw LaunchFailure(
                StepError(step, refused: "no such file or directory: the name is empty"), exitCode: 127)
        }
        if name.utf8.contains(UInt8(ascii: "/")) {
            do throws(SyscallError) {
                try check(name)
            } catch {
                throw failure(step, error)
            }
            return ExecProgram(path: name)
        }
        return try search(name, along: searchPath(in: environment), step)
    }

    /// The directories to search; an empty element is the working directory.
    static func searchPath(in environment: [String]) -> [String] {
        let value =
            environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) } ?? defaultSearchPath
        return value.split(separator: ":", omittingEmptySubsequences: false).map {
            $0.isEmpty ? "." : String($0)
        }
    }

    private static func search(
        _ name: String, along directories: [String], _ step: Step
    ) throws(LaunchFailure) -> ExecProgram {
        var denied: SyscallError?
        for directory in directories {
            let candidate = directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
            do throws(SyscallError) {
                try check(candidate)
                return ExecProgram(path: candidate)
            } catch {
                if error.errno == .EACCES && denied == nil { denied = error }
            }
        }
        if let denied { throw failure(step, denied) }
        throw LaunchFailure(StepError(step, refused: "executable file not found in $PATH"), exitCode: 127)
    }

    private static func check(_ path: String) throws(SyscallError) {
        let status = try status(of: Path(path), following: true)
        if status.kind == .directory { throw SyscallError(.execveat, on: path, .EISDIR) }
        if status.kind != .regular { throw SyscallError(.execveat, on: path, .EACCES) }
        try checkAccess(Path(path), executable)
    }

    /// Executes the program. Returns only by throwing.
    package func execute(arguments: [String], environment: [String]) -> LaunchFailure {
        let step: Step = "execute \"\(path)\""
        let refusal: SyscallError
        do throws(SyscallError) {
            try LinuxSystem.execute(Path(path), arguments: arguments, environment: environment)
        } catch {
            refusal = error
        }
        switch refusal.errno {
        case .ENOENT:
            return LaunchFailure(StepError(step, refusal, hint: missingInterpreterHint), exitCode: 127)
        case .ENOEXEC:
            let hint = "not a program for this machine, or a script without #! in its first line"
            return LaunchFailure(StepError(step, refusal, hint: hint), exitCode: 126)
        default: return Self.failure(step, refusal)
        }
    }

    private static func failure(_ step: Step, _ error: SyscallError) -> LaunchFailure {
        let isMissing = error.errno == .ENOENT || error.errno == .ENOTDIR
        return LaunchFailure(StepError(step, error), exitCode: isMissing ? 127 : 126)
    }

    /// The file was there a moment ago: what lacks is what it needs to run.
    private var missingInterpreterHint: String {
        var head: [UInt8] = []
        let failure = bestEffort("only the hint depends on it") { () throws(SyscallError) in
            let file = try open(Path(path), .readOnly)
            head = try file.borrowed.read(max: 256)
        }
        if failure != nil { return "the program's interpreter or loader is missing in the container" }
        if head.starts(with: [UInt8(ascii: "#"), UInt8(ascii: "!")]) {
            let line = head.dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
            let interpreter =
                String(decoding: line, as: UTF8.self).split(separator: " ").first.map(String.init) ?? ""
            return "the script's interpreter '\(interpreter)' is missing in the container"
        }
        return "the program's dynamic loader is missing in the container"
    }
}
