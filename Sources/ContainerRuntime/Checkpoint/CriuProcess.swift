import Cgroups
import LinuxSystem
import Rootfs

/// `criu swrk` at work: a child that takes one request over a socket and tells what happens.
///
/// CRIU's command line would not do: the terminal's other end comes as a descriptor over this socket, and only this
/// way the restored process becomes our child.
struct CriuProcess: ~Copyable {
    private static let messageLimit = 1 << 16

    /// What is different for a restore; who makes it keeps the descriptors open during the start.
    struct Surroundings {
        /// The cgroup in the v2 tree into which it is born; what it restores stays there.
        var cgroup: BorrowedFD?
        /// Files of the v1 trees by which it enters them.
        var entries: [BorrowedFD] = []
        /// The root file system and its mounts are made ready, in a mount namespace that nobody else sees.
        var mounts: MountPlan?
        /// The directory that CRIU works in, opened in that namespace: it makes mounts there.
        var work: Path = "."
        /// Whether what it restores cannot gain privileges: CRIU before 4.0 forgets that, and all its children inherit it.
        var refusesNewPrivileges = false
        /// Descriptors that it has from 4 on.
        var descriptors: [BorrowedFD] = []
    }

    private let child: Child
    private let socket: SequencedSocket
    /// The working directory as CRIU's mount namespace has it; nil when that is the caller's.
    private let work: OwnedFD?
    /// Number of that directory.
    let workNumber: Int32?

    private init(
        child: consuming Child, socket: consuming SequencedSocket, work: Int32?
    ) {
        self.child = child
        self.socket = socket
        self.work = work.map { OwnedFD(adopting: $0) }
        workNumber = work
    }

    deinit {
        // It sees the end of the conversation and ends; what it has begun and not finished it takes back.
        let connection = socket.fd.borrowed
        bestEffort("there may be nobody left to tell") { () throws(SyscallError) in
            try connection.shutdown(how: 2)
        }
        let process = child.pidfd.borrowed
        bestEffort("its end has been seen already") { () throws(SyscallError) in
            try waitForExit(of: .pidfd(process))
        }
    }

    /// Starts it. All signals are blocked from here on: it must not be disturbed half-way.
    static func start(_ surroundings: Surroundings = Surroundings()) throws(StepError) -> CriuProcess {
        let program = try CriuProgram.find()
        let ends = try during("make the channel to criu") { () throws(SyscallError) in
            try SequencedSocket.pair().ends()
        }
        let own = SequencedSocket(adopting: OwnedFD(adopting: ends.first))
        let other = OwnedFD(adopting: ends.second)
        let report = try during("make the channel to criu") { () throws(SyscallError) in
            try SequencedSocket.pair().ends()
        }
        let input = SequencedSocket(adopting: OwnedFD(adopting: report.first))
        let output = OwnedFD(adopting: report.second)
        let outcome = try during("start \(program)") { () throws(SyscallError) in
            _ = try blockAllSignals()
            return try cloneProcess(intoCgroup: surroundings.cgroup)
        }
        switch consume outcome {
        case .child:
            _ = consume input
            let socket = BorrowedFD(rawValue: other.release())
            let output = BorrowedFD(rawValue: output.release())
            CriuProgram.become(program, surroundings, socket: socket, report: output)
        case .parent(let child):
            _ = consume other
            _ = consume output
            return try hear(child, own, report: input, "start \(program)")
        }
    }

    /// Until it has executed the program, which closes the channel.
    private static func hear(
        _ child: consuming Child, _ socket: consuming SequencedSocket, report: consuming SequencedSocket,
        _ step: Step
    ) throws(StepError) -> CriuProcess {
        var work: Int32?
        var words: [UInt8] = []
        while words.isEmpty {
            var message = try during(step) { () throws(SyscallError) in try report.receive() }
            if let descriptor = message.descriptor.take() {
                work = descriptor.release()
            } else if message.bytes.isEmpty {
                break
            } else {
                words = message.bytes
            }
        }
        let process = CriuProcess(child: child, socket: socket, work: work)
        if words.isEmpty { return process }
        throw StepError("", refused: String(decoding: words, as: UTF8.self), code: .checkpointFailed)
    }

    /// Carries out a request to its end and gives the final answer. What CRIU does to the settings of the cgroup tree on
    /// its way is undone.
    consuming func carryOut(
        _ request: CriuRequest,
        event: (CriuResponse.Notification, consuming OwnedFD?) throws(StepError) -> Void
    ) throws(StepError) -> CriuResponse {
        let flags = try UnifiedMountFlags.current()
        let response: CriuResponse
        do throws(StepError) {
            response = try converse(request, event)
        } catch {
            _ = consume self
            throw error.noting { () throws(StepError) in try flags.putBack() }
        }
        _ = consume self
        try flags.putBack()
        return response
    }

    /// Sends the request, and hears about what happens until it is done.
    private func converse(
        _ request: CriuRequest,
        _ event: (CriuResponse.Notification, consuming OwnedFD?) throws(StepError) -> Void
    ) throws(StepError) -> CriuResponse {
        try send(request.bytes)
        while true {
            var answer = try during("talk to criu") { () throws(SyscallError) in
                try socket.receive(max: Self.messageLimit)
            }
            if answer.bytes.isEmpty { return .none }
            guard let response = CriuResponse(answer.bytes) else {
                throw StepError("talk to criu", refused: "its answer cannot be read", code: .checkpointFailed)
            }
            guard response.success, let notification = response.notification else { return response }
            try event(notification, answer.descriptor.take())
            try send(CriuRequest.acknowledgement)
        }
    }

    private func send(_ message: [UInt8]) throws(StepError) {
        do throws(SyscallError) {
            try socket.send(message)
        } catch {
            // It has ended already; its log says why.
            if error.errno != .EPIPE { throw StepError("talk to criu", error, code: .checkpointFailed) }
        }
    }
}

/// The program criu.
enum CriuProgram {
    private static let socketNumber: Int32 = 3
    /// Where it and the tools that it calls are, whatever the caller's PATH.
    private static let standardFolders = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ]

    /// The folders of PATH and the standard ones.
    private static var folders: [String] {
        let own = (ProcessEnvironment.value("PATH") ?? "").split(separator: ":").map { String($0) }
        return own + standardFolders.filter { !own.contains($0) }
    }

    /// Finds the program.
    static func find() throws(StepError) -> Path {
        for folder in folders where folder.hasPrefix("/") {
            let path = Path(folder).appending("criu")
            let missing = bestEffort("the next folder may have it") { () throws(SyscallError) in
                try checkAccess(path, 1)
            }
            if missing == nil { return path }
        }
        throw StepError(
            "", refused: "there is no program criu in PATH, which saves and restores processes",
            hint: "on Debian: apt-get install criu", code: .checkpointFailed)
    }

    /// In the new process: makes the surroundings and executes criu; what goes wrong is told over the pipe.
    static func become(
        _ program: Path, _ surroundings: CriuProcess.Surroundings, socket: BorrowedFD,
        report: BorrowedFD
    ) -> Never {
        var words = ""
        do throws(StepError) {
            try prepare(surroundings, report)
            try during("start \(program)") { () throws(SyscallError) in
                try place(surroundings, socket)
                if surroundings.refusesNewPrivileges { _ = try processControl(.setNoNewPrivileges, 1) }
                try resetSignalDispositions()
                try setSignalMask(.none)
                try execute(
                    program, arguments: ["criu", "swrk", "\(socketNumber)"],
                    environment: [
                        "PATH=" + folders.joined(separator: ":"), "LANG=C",
                        "HOME=" + (ProcessEnvironment.value("HOME") ?? "/root"),
                    ])
            }
        } catch {
            words = error.description
        }
        bestEffort("the exit code tells too") { () throws(SyscallError) in
            try report.sendMessage(Array(words.utf8))
        }
        exitProcess(1)
    }

    private static func prepare(
        _ surroundings: CriuProcess.Surroundings, _ report: BorrowedFD
    ) throws(StepError) {
        try during("enter the cgroup") { () throws(SyscallError) in
            for entry in surroundings.entries { try entry.writeAll("0") }
        }
        guard let mounts = surroundings.mounts else { return }
        try MountPoints.prepare(mounts)
        try during("open the work directory \(surroundings.work)") { () throws(SyscallError) in
            let work = try open(surroundings.work, [.readOnly, .directory])
            try report.sendMessage(Array("work".utf8), descriptors: [work.borrowed])
        }
    }

    /// Puts every descriptor at its number; all others end with the exec.
    private static func place(
        _ surroundings: CriuProcess.Surroundings, _ socket: BorrowedFD
    ) throws(SyscallError) {
        let wanted = [socket] + surroundings.descriptors
        // First out of the way of the numbers that they will have.
        let lowest = socketNumber + Int32(wanted.count)
        var copies: [BorrowedFD] = []
        for fd in wanted { copies.append(BorrowedFD(rawValue: try fd.duplicate(lowest: lowest).release())) }
        try closeRange(from: lowest, onExec: true)
        for (index, copy) in copies.enumerated() { try copy.duplicate(onto: socketNumber + Int32(index)) }
    }
}

extension CriuResponse {
    /// It ended without an answer.
    static var none: CriuResponse {
        var response = CriuResponse()
        response.success = false
        return response
    }
}
