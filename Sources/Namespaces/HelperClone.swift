import LinuxSystem

/// The way through a helper: it joins namespaces and clones from inside, as the runtime's child. So init's new pid
/// namespace belongs to a joined user namespace, from where the runtime itself could not come back; and a further
/// process of a container never shows the host's root or the runtime's descriptors in there (CVE-2016-9962).
enum HelperClone {
    /// What the helper tells: pid of init, or the failed call and its error; after these numbers the texts of the error,
    /// each with a NUL.
    private static let recordSize = 12
    private static let textSize = 1024

    static func clone(
        _ plan: NamespacePlan, _ handles: borrowing NamespaceHandles, intoCgroup cgroup: BorrowedFD?
    ) throws(StepError) -> CloneOutcome {
        let sockets = try during("make sockets") { () throws(SyscallError) in try SequencedSocket.pair() }
        let outcome = try during("clone helper") { () throws(SyscallError) in
            try cloneProcess([], intoCgroup: cgroup)
        }
        switch consume outcome {
        case .child:
            let report = sockets.second.fd.borrowed
            return runHelper(report: report) { () throws(StepError) in
                try NamespaceLaunch.join(plan, handles)
                return try during("clone init") { () throws(SyscallError) in
                    try cloneProcess(plan.cloneFlags.union(.sameParent))
                }
            }
        case .parent(let helper):
            return try adopt(helper, sockets.ends())
        }
    }

    /// A process beside another one: in its pid namespace, with its root from birth, and without the descriptors named.
    /// The helper, which nobody in there sees, is born in the cgroup, so that its clone needs no descriptor for that. Where
    /// the cgroup has room for one process only, the clone is born with the descriptor and closes it at once.
    static func clone(
        beside target: BorrowedFD, kinds: CloneFlags, intoCgroup cgroup: BorrowedFD?,
        closing strangers: [BorrowedFD]
    ) throws(StepError) -> CloneOutcome {
        guard let cgroup else { return try clone(target, kinds, helperIn: nil, closing: strangers) }
        do throws(StepError) {
            return try clone(target, kinds, helperIn: cgroup, closing: strangers + [cgroup])
        } catch {
            guard error.errno == .EAGAIN else { throw error }
            return try clone(target, kinds, helperIn: nil, into: cgroup, closing: strangers)
        }
    }

    private static func clone(
        _ target: BorrowedFD, _ kinds: CloneFlags, helperIn helperCgroup: BorrowedFD?,
        into cgroup: BorrowedFD? = nil, closing strangers: [BorrowedFD]
    ) throws(StepError) -> CloneOutcome {
        let sockets = try during("make sockets") { () throws(SyscallError) in try SequencedSocket.pair() }
        let outcome = try during("clone helper") { () throws(SyscallError) in
            try cloneProcess([], intoCgroup: helperCgroup)
        }
        switch consume outcome {
        case .child:
            let report = sockets.second.fd.borrowed
            return runHelper(report: report) { () throws(StepError) in
                for stranger in strangers { _ = OwnedFD(adopting: stranger.rawValue) }
                return try during("clone into the container") { () throws(SyscallError) in
                    // The child inherits both: it is seen in there with nothing but what it is given.
                    try processControl(.setDumpable, 0)
                    try joinNamespace(target, kinds: kinds)
                    return try cloneProcess(.sameParent, intoCgroup: cgroup)
                }
            }
        case .parent(let helper):
            return try adopt(helper, sockets.ends())
        }
    }

    /// In the helper: clones by `body` and tells the runtime. Returns only in the new process.
    private static func runHelper(
        report: BorrowedFD, _ body: () throws(StepError) -> CloneOutcome
    ) -> CloneOutcome {
        var record = [Int32](repeating: 0, count: 3)
        var descriptors: [BorrowedFD] = []
        var texts: [String] = []
        do throws(StepError) {
            let outcome = try body()
            switch consume outcome {
            case .child: return .child
            case .parent(let child):
                record[0] = child.pid.rawValue
                descriptors = [BorrowedFD(rawValue: child.takePIDFD().release())]
            }
        } catch {
            switch error.cause {
            case .syscall(let cause):
                record[1] = cause.errno.rawValue
                record[2] = Int32(cause.call.rawValue)
                texts = [error.step.name, cause.operand ?? "", error.hint ?? ""]
            case .refused(let reason): texts = [error.step.name, reason, error.hint ?? ""]
            }
        }
        let sent = bestEffort("without the record the runtime sees the end of the helper") {
            () throws(SyscallError) in
            let numbers = record.flatMap { value in
                (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
            }
            try report.sendMessage(
                numbers + texts.flatMap { Array($0.utf8) + [0] }.prefix(textSize), descriptors: descriptors)
        }
        exitProcess(sent == nil && record[0] != 0 ? 0 : 1)
    }

    /// In the runtime: waits for the helper, whose clone is now a child of the runtime.
    private static func adopt(
        _ helper: borrowing Child, _ ends: (first: Int32, second: Int32)
    ) throws(StepError) -> CloneOutcome {
        let socket = OwnedFD(adopting: ends.first)
        _ = OwnedFD(adopting: ends.second)
        var message = try during("hear from the helper") { () throws(SyscallError) in
            // Init inherits the other end, so the end of the stream would come too late: one record, one message.
            let message = try socket.borrowed.receiveMessage(max: recordSize + textSize)
            try waitForExit(of: .pidfd(helper.pidfd.borrowed))
            return message
        }
        let bytes = message.bytes
        guard bytes.count >= recordSize else {
            throw StepError("clone init", refused: "the helper process ended without a word")
        }
        let record = stride(from: 0, to: recordSize, by: 4).map { start in
            (0..<4).reduce(Int32(0)) { $0 | Int32(bytes[start + $1]) << Int32($1 * 8) }
        }
        guard record[0] > 0 else { throw failure(record, bytes.dropFirst(recordSize)) }
        let pid = ProcessID(rawValue: record[0])
        guard let pidfd = message.descriptor.take() else {
            throw StepError("clone init", refused: "the helper process has not handed init over")
        }
        return .parent(Child(pid: pid, pidfd: pidfd))
    }

    /// The helper's error, put together again.
    private static func failure(_ record: [Int32], _ bytes: ArraySlice<UInt8>) -> StepError {
        let texts = bytes.split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        func text(_ index: Int) -> String { index < texts.count ? texts[index] : "" }
        let step = Step(text(0).isEmpty ? "join namespaces" : text(0))
        let hint = text(2).isEmpty ? nil : text(2)
        guard record[1] != 0 else { return StepError(step, refused: text(1), hint: hint) }
        let call = Call(rawValue: UInt16(truncatingIfNeeded: record[2])) ?? .setns
        return StepError(
            step, SyscallError(call, on: text(1).isEmpty ? nil : text(1), Errno(rawValue: record[1])),
            hint: hint)
    }
}
