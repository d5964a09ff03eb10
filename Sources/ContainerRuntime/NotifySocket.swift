package import LinuxSystem
import RuntimeSpec

/// Readiness of a container's program for whoever supervises the runtime (NOTIFY_SOCKET). The program gets a socket of
/// its own, because the supervisor takes messages of the processes that it knows only; what arrives there is passed on.
///
/// ```
///   create   STATE/ID/notify/ is made and mounted at /run/notify
///   start    the socket in it is made, then the program starts; the runtime stays until READY=1
///   run      the same, and in the foreground all messages are passed on until the end
/// ```
/// - SeeAlso: sd_notify(3)
package struct NotifySocket: ~Copyable {
    private static let messageLimit = 8192
    private static let barrierMilliseconds: Int32 = 10_000
    /// Variables that say something about the service; process ids and descriptors of a container say nothing outside.
    private static let passedOn = [
        "READY=", "RELOADING=", "STOPPING=", "STATUS=", "ERRNO=", "EXTEND_TIMEOUT_USEC=", "WATCHDOG=",
    ]

    private let socket: OwnedFD
    private let supervisor: String

    /// Becomes readable when the program has said something.
    package var descriptor: BorrowedFD { socket.borrowed }

    /// Makes the socket of a container, if create has prepared its directory; `supervisor` is the runtime's own
    /// NOTIFY_SOCKET.
    package static func bind(for container: Container, supervisor: String) throws(StepError) -> NotifySocket?
    {
        let path = container.store.notifyDirectory(of: container.id).appending("notify.sock")
        do throws(SyscallError) {
            guard try statusIfPresent(of: path.parent) != nil else { return nil }
            bestEffort("left by a start that failed, if there is one") { () throws(SyscallError) in
                try unlink(path)
            }
            let socket = try UnixSocket.listen(at: path, kind: .datagram)
            // Whoever the program runs as, it must be able to write to it.
            try changeMode(of: path, 0o666)
            return NotifySocket(socket: socket, supervisor: supervisor)
        } catch {
            throw StepError("make the notify socket", error)
        }
    }

    private init(socket: consuming OwnedFD, supervisor: String) {
        self.socket = socket
        self.supervisor = supervisor
    }

    /// Makes the directory and gives the program a view of it; before the configuration is checked.
    static func prepare(_ spec: inout RuntimeSpec, directory: Path) {
        guard spec.process != nil else { return }
        spec.mounts.append(
            MountSpec(
                destination: "/run/notify", type: "bind", source: directory.string,
                options: ["bind", "nosuid", "noexec", "nodev", "ro"]))
        spec.process?.env.removeAll { $0.hasPrefix("NOTIFY_SOCKET=") }
        spec.process?.env.append("NOTIFY_SOCKET=/run/notify/notify.sock")
    }

    /// Passes on what the program says until it is ready or has ended; the supervisor hears that `process` is what it
    /// supervises.
    package func waitUntilReady(pidfd: BorrowedFD, process: ProcessID) throws(StepError) {
        try during("wait until the program is ready") { () throws(SyscallError) in
            while true {
                let events = try poll([(socket.borrowed, .readable), (pidfd, .readable)])
                if !events[0].isEmpty, try passOn(mainProcess: process) { return try waitForSupervisor() }
                if events[0].isEmpty, !events[1].isEmpty { return }
            }
        }
    }

    /// Passes one message on; whether it said that the program is ready.
    @discardableResult
    package func passOn(mainProcess: ProcessID? = nil) throws(SyscallError) -> Bool {
        var bytes: [UInt8] = []
        bestEffort("a message that is too long is nobody's") { () throws(SyscallError) in
            // A descriptor that comes along is closed, which is all that a barrier waits for.
            bytes = try socket.borrowed.receiveMessage(max: Self.messageLimit).bytes
        }
        var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        lines.removeAll { line in !Self.passedOn.contains { line.hasPrefix($0) } }
        if lines.isEmpty { return false }
        let isReady = lines.contains("READY=1")
        if isReady, let mainProcess { lines.append("MAINPID=\(mainProcess)") }
        let supervisor = try connectSupervisor()
        try supervisor.borrowed.sendMessage(Array(lines.joined(separator: "\n").utf8))
        return isReady
    }

    /// Waits until the supervisor has read everything: it looks at us while it does.
    /// - SeeAlso: sd_notify_barrier(3)
    private func waitForSupervisor() throws(SyscallError) {
        let ends = try Pipe().ends()
        let reading = OwnedFD(adopting: ends.read)
        var writing: OwnedFD? = OwnedFD(adopting: ends.write)
        let supervisor = try connectSupervisor()
        try supervisor.borrowed.sendMessage(
            Array("BARRIER=1".utf8), descriptors: [BorrowedFD(rawValue: ends.write)])
        _ = writing.take()
        _ = try poll([(reading.borrowed, .readable)], timeoutMilliseconds: Self.barrierMilliseconds)
    }

    private func connectSupervisor() throws(SyscallError) -> OwnedFD {
        guard supervisor.hasPrefix("@") else {
            return try UnixSocket.connect(to: Path(supervisor), kind: .datagram)
        }
        return try UnixSocket.connect(toAbstract: String(supervisor.dropFirst()), kind: .datagram)
    }
}

extension StateStore {
    /// Where a container's notify socket is.
    func notifyDirectory(of id: ContainerID) -> Path { root.appending(id.path).appending("notify") }
}

extension Launch {
    /// What a notify socket adds to the configuration; nil without one.
    static func notification(
        _ request: CreateRequest, _ store: StateStore
    ) throws(StepError) -> ((inout RuntimeSpec) -> Void)? {
        guard request.notifies else { return nil }
        let path = store.notifyDirectory(of: request.id)
        let directory = try during("find the working directory") { () throws(SyscallError) in
            path.isAbsolute ? path : try workingDirectory().appending(path)
        }
        return { NotifySocket.prepare(&$0, directory: directory) }
    }

    /// Makes that directory.
    func makeNotifyDirectory() throws(StepError) {
        guard request.notifies else { return }
        try during("make the directory of the notify socket") { () throws(SyscallError) in
            let path = store.notifyDirectory(of: request.id)
            try makeDirectory(path, mode: 0o755)
            try changeMode(of: path, 0o755)
        }
    }
}
