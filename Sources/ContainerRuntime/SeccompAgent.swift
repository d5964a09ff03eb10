import JSONCoding
import LinuxSystem
import RuntimeSpec

/// Handing the listener of a notifying filter to the agent that answers for it.
/// - SeeAlso: runtime-spec config-linux.md, The Container Process State; seccomp_unotify(2)
enum SeccompAgent {
    private static let attempts = 2000

    /// Sends the listener to the agent with the state, over a connection of its own (SEC-9 … SEC-12). `sent` is the
    /// listener if it came with the record; else it is fetched from init, which is inside seccomp(2) or just past it.
    static func handOver(
        _ number: Int32, sent: consuming OwnedFD?, of child: borrowing Child, spec: RuntimeSpec,
        state: ContainerState
    ) throws(StepError) {
        guard let seccomp = spec.linux?.seccomp, let path = seccomp.listenerPath else {
            throw StepError(
                "hand over the seccomp listener", refused: "linux.seccomp.listenerPath is not set",
                code: .configInvalid, operand: "linux.seccomp.listenerPath")
        }
        let listener = try take(sent, number, of: child)
        let message = message(for: seccomp, state, pid: child.pid)
        let agent = try during(
            "hand the seccomp listener over: failed to connect with seccomp agent at \(path)",
            code: .seccompFailed
        ) {
            () throws(SyscallError) in try UnixSocket.connect(to: Path(path))
        }
        try during("send the seccomp listener to \(path)", code: .seccompFailed) { () throws(SyscallError) in
            try agent.borrowed.sendMessage(message, descriptors: [listener.borrowed])
        }
    }

    private static func take(
        _ sent: consuming OwnedFD?, _ number: Int32, of child: borrowing Child
    ) throws(StepError) -> OwnedFD {
        guard let sent else { return try fetch(number, of: child) }
        return sent
    }

    /// The filter is on a moment after init's record. Until then the number belongs to nothing.
    private static func fetch(_ number: Int32, of child: borrowing Child) throws(StepError) -> OwnedFD {
        for _ in 0..<attempts {
            do throws(SyscallError) {
                return try child.pidfd.borrowed.copyDescriptor(number)
            } catch {
                guard error.errno == .EBADF else {
                    throw StepError("fetch the seccomp listener", error, code: .seccompFailed)
                }
            }
            Clock.sleep(nanoseconds: 500_000)
        }
        throw StepError(
            "fetch the seccomp listener", refused: "init did not load its filter in time",
            code: .seccompFailed)
    }

    private static func message(for seccomp: SeccompSpec, _ state: ContainerState, pid: ProcessID) -> [UInt8]
    {
        var writer = JSONWriter()
        writer.object { writer in
            writer.field("ociVersion", state.ociVersion)
            writer.field("fds", ["seccompFd"])
            writer.field("pid", pid.rawValue)
            writer.field("metadata", seccomp.listenerMetadata)
            writer.field("state", state)
        }
        return writer.finish()
    }
}
