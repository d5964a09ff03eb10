import LinuxSystem

/// The program of a container: found along PATH inside the container, as the final user, and then executed. The
/// texts are those that engines turn into the exit codes 126 and 127.
package struct ExecProgram: Sendable, Equatable {
    /// Where the program was found: absolute, or relative to the working directory.
    package let path: String

    private static let defaultSearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    private static let executable: Int32 = 1

    /// Finds a program in the caller's root: by its path if the name has a slash, else along the PATH of
    /// `environment`. With `overridesModes` any mode that somebody may execute will do. Preconditions: the working
    /// directory and the user are those of the program.
    /// - SeeAlso: execvp(3)
    package static func find(
        _ name: String, environment: [String], overridesModes: Bool = false
    ) throws(LaunchFailure) -> ExecProgram {
        let step: Step = "execute \"\(name)\""
        if name.isEmpty {
            throw LaunchFailure(
                StepError(
                    step, refused: "no such file or directory: the name is empty", code: .programNotFound),
                exitCode: 127)
        }
        if name.utf8.contains(UInt8(ascii: "/")) {
            do throws(SyscallError) {
                try check(name, overridesModes)
            } catch {
                throw failure(step, error, ProgramDiagnosis.ofLookup(error.errno, name))
            }
            return ExecProgram(path: name)
        }
        return try search(name, along: searchPath(in: environment), overridesModes, step)
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
        _ name: String, along directories: [String], _ overridesModes: Bool, _ step: Step
    ) throws(LaunchFailure) -> ExecProgram {
        var denied: SyscallError?
        for directory in directories {
            let candidate = directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
            do throws(SyscallError) {
                try check(candidate, overridesModes)
                return ExecProgram(path: candidate)
            } catch {
                if error.errno == .EACCES && denied == nil { denied = error }
            }
        }
        if let denied {
            throw failure(step, denied, ProgramDiagnosis.ofLookup(denied.errno, denied.operand ?? name))
        }
        throw LaunchFailure(
            StepError(
                step, refused: "executable file not found in $PATH", code: .programNotFound, operand: name),
            exitCode: 127)
    }

    private static func check(_ path: String, _ overridesModes: Bool) throws(SyscallError) {
        let status = try status(of: Path(path), following: true)
        // For a directory, too, as the kernel says it: EISDIR means nothing to docker 20.
        if status.kind != .regular { throw SyscallError(.execveat, on: path, .EACCES) }
        // access(2) does not see capabilities of a user, and filters of containers may not know faccessat2(2).
        if overridesModes, status.mode & 0o111 != 0 { return }
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
        return Self.failure(step, refusal, ProgramDiagnosis.ofRefusal(refusal.errno, path))
    }

    /// 127 if something was not found, else 126.
    private static func failure(
        _ step: Step, _ error: SyscallError, _ finding: ProgramDiagnosis.Finding
    ) -> LaunchFailure {
        let isMissing = error.errno == .ENOENT || error.errno == .ENOTDIR
        return LaunchFailure(
            StepError(step, error, hint: finding.hint, code: finding.code), exitCode: isMissing ? 127 : 126)
    }
}
