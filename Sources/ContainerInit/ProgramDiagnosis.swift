import LinuxSystem

/// Why a program cannot be executed, found out after the kernel has refused it: which file is missing, which right,
/// which machine it is for. Preconditions: as the program's user, in its root and working directory.
enum ProgramDiagnosis {
    /// The code of the failure, and in words what is wrong, if that can be told.
    struct Finding: Equatable {
        let code: ErrorCode
        let hint: String?
    }

    /// A script may name a script as its interpreter; the kernel follows five.
    private static let depth = 5
    private static let noExecution: UInt64 = 8
    private static let executable: Int32 = 1

    /// Why a program could not be found or may not be executed, before anything was tried.
    static func ofLookup(_ errno: Errno, _ path: String) -> Finding {
        switch errno {
        case .ENOENT, .ENOTDIR: Finding(code: .programNotFound, hint: danglingLink(path))
        case .EACCES: Finding(code: .programNotExecutable, hint: denial(path))
        default: Finding(code: .programNotExecutable, hint: nil)
        }
    }

    /// Why the kernel would not execute a file that is there and has the permission.
    static func ofRefusal(_ errno: Errno, _ path: String) -> Finding {
        switch errno {
        case .ENOENT, .ENOTDIR, .EACCES, .ELOOP, .ENOEXEC: break
        case .E2BIG:
            return Finding(
                code: .programNotExecutable,
                hint: "process.args and process.env are longer than the kernel takes")
        case .ENOMEM: return Finding(code: .hostExhausted, hint: nil)
        default: return Finding(code: .programNotExecutable, hint: nil)
        }
        var name = path
        for level in 0..<depth {
            let header: ProgramHeader
            do throws(SyscallError) {
                header = try ProgramHeader.read(name)
            } catch {
                return level == 0 ? unreadable(errno) : lacking(name, error.errno, of: path)
            }
            switch header {
            case .script(let interpreter):
                if let denied = deniedInterpreter(interpreter, errno) { return denied }
                name = interpreter
            case .program(let machine, let loader):
                return ofProgram(name, machine, loader, isFirst: level == 0, errno)
            case .empty: return Finding(code: .programFormat, hint: "\(quoted(name)) is empty")
            case .other:
                return Finding(
                    code: .programFormat,
                    hint: "\(quoted(name)) is neither a program nor a script with #! in its first line")
            }
        }
        return Finding(code: .programFormat, hint: "the interpreters of scripts do not end in a program")
    }

    /// The last file of the chain is an ELF file: it, its machine or its loader is at fault.
    private static func ofProgram(
        _ name: String, _ machine: UInt16, _ loader: String?, isFirst: Bool, _ errno: Errno
    ) -> Finding {
        if errno == .ENOEXEC {
            let own = ProgramHeader.machineName(ProgramHeader.ownMachine)
            let hint =
                machine == ProgramHeader.ownMachine
                ? "\(quoted(name)) is damaged, or a kind of program that this kernel does not execute"
                : "\(quoted(name)) is for \(ProgramHeader.machineName(machine)), this machine is \(own)"
            return Finding(code: .programFormat, hint: hint)
        }
        guard let loader else {
            return Finding(code: isFirst ? .programNotFound : .interpreterMissing, hint: nil)
        }
        let owner = isFirst ? "the program" : quoted(name)
        if errno == .EACCES {
            return Finding(
                code: .programNotExecutable,
                hint: denial(loader).map { "the dynamic loader \(quoted(loader)) of \(owner): \($0)" })
        }
        return Finding(
            code: .loaderMissing,
            hint: "\(owner) needs the dynamic loader \(quoted(loader)), which is missing in the container"
                + (danglingLink(loader).map { " (\($0))" } ?? ""))
    }

    /// The file named by a script's first line cannot be opened.
    private static func lacking(_ interpreter: String, _ errno: Errno, of script: String) -> Finding {
        guard errno == .ENOENT || errno == .ENOTDIR else {
            return Finding(
                code: .programNotExecutable, hint: "the interpreter \(quoted(interpreter)) cannot be read")
        }
        let ending = interpreter.hasSuffix("\r") ? "; the script has line ends of Windows" : ""
        let link = danglingLink(interpreter).map { " (\($0))" } ?? ""
        return Finding(
            code: .interpreterMissing,
            hint:
                "the script's interpreter \(quoted(interpreter)) is missing in the container\(link)\(ending)")
    }

    private static func deniedInterpreter(_ name: String, _ errno: Errno) -> Finding? {
        guard errno == .EACCES, let reason = denial(name) else { return nil }
        return Finding(
            code: .programNotExecutable, hint: "the script's interpreter \(quoted(name)): \(reason)")
    }

    private static func unreadable(_ errno: Errno) -> Finding {
        switch errno {
        case .ENOENT, .ENOTDIR:
            Finding(
                code: .loaderMissing,
                hint: "the program's interpreter or loader is missing in the container")
        case .ENOEXEC:
            Finding(
                code: .programFormat,
                hint: "not a program for this machine, or a script without #! in its first line")
        default: Finding(code: .programNotExecutable, hint: nil)
        }
    }

    /// Why a file that is there may not be executed.
    private static func denial(_ path: String) -> String? {
        var reason: String?
        let failure = bestEffort("told below") { () throws(SyscallError) in
            let facts = try status(of: Path(path), following: true)
            if facts.kind == .directory { return reason = "it is a directory" }
            if facts.kind != .regular { return reason = "it is not a regular file" }
            if try fileSystemStatus(at: Path(path)).flags & noExecution != 0 {
                return reason = "it lies on a mount with noexec"
            }
            let mode = String(facts.mode, radix: 8)
            if facts.mode & 0o111 == 0 {
                return reason = "no one may execute it: its mode is \(mode)"
            }
            let refusal = bestEffort("the mode tells why") { () throws(SyscallError) in
                try checkAccess(Path(path), executable)
            }
            if refusal == nil { return }
            reason = "its mode is \(mode) and its owner \(facts.userID):\(facts.groupID)"
        }
        if failure?.errno == .EACCES { return "a directory on the way to it may not be entered" }
        return reason
    }

    /// The target of a link that leads nowhere.
    private static func danglingLink(_ path: String) -> String? {
        var target: Path?
        bestEffort("then the path itself is missing") { () throws(SyscallError) in
            if try status(of: Path(path)).kind == .symbolicLink { target = try readLink(Path(path)) }
        }
        return target.map { "it is a link to \(quoted($0.string)), which is not there" }
    }

    private static func quoted(_ text: String) -> String {
        "'" + text.unicodeScalars.prefix(256).map { $0.escaped(asASCII: false) }.joined() + "'"
    }
}
