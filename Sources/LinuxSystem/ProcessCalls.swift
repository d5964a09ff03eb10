internal import CLinux

/// The caller's own number in its pid namespace, asked of the kernel each time (glibc's cache is wrong after clone3).
/// - SeeAlso: getpid(2)
package func currentProcessID() -> ProcessID { ProcessID(rawValue: cl_getpid()) }

/// - SeeAlso: getppid(2)
package func parentProcessID() -> ProcessID { ProcessID(rawValue: cl_getppid()) }

/// Ends the process at once: no handlers, no flushing.
/// - SeeAlso: _exit(2)
package func exitProcess(_ code: Int32) -> Never { cl_exit(code) }

/// Sends a signal by number of the process; a pidfd is safer for processes that may have ended.
/// - SeeAlso: kill(2)
package func sendSignal(_ number: Int32, to pid: ProcessID) throws(SyscallError) {
    try check(.kill, on: "\(pid) signal \(number)", cl_kill(pid.rawValue, number))
}

/// Replaces the program by the file that `program` refers to (a path below it, or the file itself when empty).
/// Returns only by throwing.
/// - SeeAlso: execveat(2)
package func execute(
    _ path: Path = "", in program: BorrowedFD = .currentDirectory, arguments: [String], environment: [String]
) throws(SyscallError) -> Never {
    let flags = path.isEmpty ? CL_AT_EMPTY_PATH : 0
    // SAFETY: both vectors end with a null pointer and live until the kernel has copied them.
    let result = unsafe withCStringArray(arguments) { argv in
        unsafe withCStringArray(environment) { envp in
            unsafe path.withCString { unsafe cl_execveat(program.rawValue, $0, argv, envp, flags) }
        }
    }
    throw SyscallError(
        .execveat, on: path.isEmpty ? program.operand : path.string, Errno(rawValue: Int32(-result)))
}

/// Replaces the program by another file, keeping this program's own arguments and environment. Returns only by
/// throwing.
/// - SeeAlso: execveat(2)
package func executeAgain(_ path: Path = "", in program: BorrowedFD) throws(SyscallError) {
    let flags = path.isEmpty ? CL_AT_EMPTY_PATH : 0
    // SAFETY: both arrays are the process's own, NULL-terminated and not changed by anybody.
    let result = unsafe path.withCString {
        unsafe cl_execveat(program.rawValue, $0, cl_arguments(), cl_environment(), flags)
    }
    throw SyscallError(
        .execveat, on: path.isEmpty ? program.operand : path.string, Errno(rawValue: Int32(-result)))
}

/// Calls `body` with a NULL-terminated array of C strings.
private func withCStringArray(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int
) -> Int {
    var storage: [CChar] = []
    var offsets: [Int] = []
    storage.reserveCapacity(strings.reduce(0) { $0 + $1.utf8.count + 1 })
    for string in strings {
        offsets.append(storage.count)
        for byte in string.utf8 { storage.append(CChar(bitPattern: byte)) }
        storage.append(0)
    }
    // SAFETY: the pointers lead into `storage`, which lives and does not move during the call; exec copies it.
    return unsafe storage.withUnsafeMutableBufferPointer { buffer in
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe offsets.map { offset in
            unsafe buffer.baseAddress.map { unsafe $0 + offset }
        }
        unsafe pointers.append(nil)
        return unsafe pointers.withUnsafeMutableBufferPointer { list in
            guard let base = list.baseAddress else { preconditionFailure("the list holds at least nil") }
            return unsafe body(base)
        }
    }
}

/// Starts a new session without a controlling terminal.
/// - SeeAlso: setsid(2)
package func startSession() throws(SyscallError) { try check(.setsid, cl_setsid()) }

/// Puts a process (0: the caller) into a process group (0: its own number).
/// - SeeAlso: setpgid(2)
package func setProcessGroup(of pid: Int32 = 0, to group: Int32 = 0) throws(SyscallError) {
    try check(.setpgid, cl_setpgid(pid, group))
}

/// Sets the file mode creation mask and gives the old one.
/// - SeeAlso: umask(2)
@discardableResult
package func setFileModeMask(_ mask: UInt32) -> UInt32 { cl_umask(mask) }

/// - SeeAlso: chdir(2)
package func changeDirectory(to path: Path) throws(SyscallError) {
    try check(.chdir, on: path.string, unsafe path.withCString { unsafe cl_chdir($0) })
}

/// - SeeAlso: fchdir(2)
package func changeDirectory(to directory: BorrowedFD) throws(SyscallError) {
    try check(.fchdir, on: directory.operand, cl_fchdir(directory.rawValue))
}

/// The working directory as the kernel tells it; `(unreachable)…` when it lies outside the root.
/// - SeeAlso: getcwd(2)
package func workingDirectory() throws(SyscallError) -> Path {
    var count = 0
    // SAFETY: the kernel writes at most 4096 bytes; `count`, with the NUL, of them are initialised.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, initialised in
        count = unsafe buffer.withMemoryRebound(to: CChar.self) { unsafe cl_getcwd($0.baseAddress, 4096) }
        initialised = max(count, 0)
    }
    try check(.getcwd, count)
    return Path(bytes: Array(bytes.dropLast()))
}

/// - SeeAlso: sethostname(2)
package func setHostName(_ name: String) throws(SyscallError) {
    let result = unsafe Path(name).withCString { unsafe cl_sethostname($0, name.utf8.count) }
    try check(.sethostname, on: name, result)
}

/// - SeeAlso: setdomainname(2)
package func setDomainName(_ name: String) throws(SyscallError) {
    let result = unsafe Path(name).withCString { unsafe cl_setdomainname($0, name.utf8.count) }
    try check(.setdomainname, on: name, result)
}

/// Marks every descriptor from `first` to `last` close-on-exec, or closes them.
/// - SeeAlso: close_range(2)
package func closeRange(
    from first: Int32, through last: Int32 = Int32.max, onExec: Bool
) throws(SyscallError) {
    let result = cl_close_range(UInt32(first), UInt32(last), onExec ? 4 : 0)
    if result == Int(-Errno.ENOSYS.rawValue) || result == Int(-Errno.EPERM.rawValue) {
        // For kernels before 5.11, and seccomp filters older than the call.
        cl_close_one_by_one(first, last, onExec ? 1 : 0)
        return
    }
    try check(.closeRange, on: "\(first)…", result)
}

/// What the caller (or its waited-for children) used so far.
/// - SeeAlso: getrusage(2)
package func resourceUsage(ofChildren: Bool = false) throws(SyscallError) -> ResourceUsage {
    var raw = rusage()
    // SAFETY: filled during the call.
    try check(.getrusage, unsafe cl_getrusage(ofChildren ? -1 : 0, &raw))
    return ResourceUsage(raw)
}

/// When a process was started, in clock ticks since boot: with the number, this names one process for ever.
/// Nil when there is no such process or it is a zombie.
/// - SeeAlso: proc_pid_stat(5), fields 3 and 22
package func processStartTime(_ pid: ProcessID) throws(SyscallError) -> UInt64? {
    guard let facts = try processFacts(pid) else { return nil }
    return facts.state == UInt8(ascii: "Z") || facts.state == UInt8(ascii: "X") ? nil : facts.startTime
}

/// How many of the ticks in which start times are counted make a second: USER_HZ, which is the same everywhere.
/// - SeeAlso: times(2), proc_pid_stat(5) starttime
package let startTimeTicksPerSecond: Int64 = 100

/// State letter, parent and start time of a process; nil when there is none of that number.
/// - SeeAlso: proc_pid_stat(5)
package func processFacts(
    _ pid: ProcessID
) throws(SyscallError) -> (state: UInt8, parent: ProcessID, startTime: UInt64)? {
    let text: [UInt8]
    do throws(SyscallError) {
        text = try readFile("/proc/\(pid.rawValue)/stat", sizeHint: 1024)
    } catch {
        if error.errno == .ENOENT || error.errno == .ESRCH { return nil }
        throw error
    }
    // The program's name stands in parentheses and may hold anything: fields count from the last one.
    guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = text[(end + 1)...].split(separator: UInt8(ascii: " "))
    guard fields.count > 19, let state = fields[0].first else { return nil }
    let parent = Int32(String(decoding: fields[1], as: UTF8.self)) ?? 0
    guard let start = UInt64(String(decoding: fields[19], as: UTF8.self)) else { return nil }
    return (state, ProcessID(rawValue: parent), start)
}
