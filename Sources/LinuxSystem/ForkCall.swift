internal import CLinux

/// Makes a child process by fork(3). Unlike `cloneProcess` the C library knows of it: the child may start threads, and
/// the caller may have some. Only the calling thread goes on in the child.
/// - SeeAlso: fork(3)
package func forkProcess() throws(SyscallError) -> CloneOutcome {
    let pid = try check(.clone3, on: "fork", cl_fork())
    if pid == 0 { return .child }
    let child = ProcessID(rawValue: Int32(pid))
    return .parent(Child(pid: child, pidfd: try openPIDFD(child)))
}
