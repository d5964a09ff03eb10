package import LinuxSystem
package import RuntimeSpec

/// One hook as a process of its own: the state on standard input and then the end of it, its output kept for the
/// message, its whole process group killed when its time is over.
/// - SeeAlso: runtime-spec config.md, POSIX-platform Hooks
package struct HookProcess: Sendable {
    /// What to run.
    let hook: HookSpec
    /// `createRuntime`, for messages.
    let kind: String
    /// Its place in the list of its kind, for messages.
    let index: Int

    /// A hook; `kind` and `index` say which: `createRuntime`, 0.
    package init(_ hook: HookSpec, kind: String, index: Int) {
        self.hook = hook
        self.kind = kind
        self.index = index
    }

    /// In the words that other runtimes use and people search for.
    private var step: Step { "error running \(kind) hook #\(index): \(hook.path)" }

    private func refusal(_ reason: String) -> StepError {
        StepError(
            step, refused: reason, code: .hookFailed, operand: "hooks.\(kind)[\(index)] \(hook.path)")
    }

    /// Runs the hook to its end. Its environment is exactly the configured one; `directory`, if given, is its
    /// working directory.
    package func run(state: [UInt8], directory: BorrowedFD?) throws(StepError) {
        let step = step
        if let timeout = hook.timeout, timeout <= 0 {
            throw refusal("the timeout \(timeout) is not above 0")
        }
        let input = try during(step, code: .hookFailed) { () throws(SyscallError) in try Pipe() }
        let output = try during(step, code: .hookFailed) { () throws(SyscallError) in try Pipe() }
        let outcome = try during(step, code: .hookFailed) { () throws(SyscallError) in
            try ignoreSignal(13)  // SIGPIPE: a hook need not read its input
            try input.writeEnd.borrowed.setNonBlocking(true)
            try output.readEnd.borrowed.setNonBlocking(true)
            return try cloneProcess()
        }
        switch consume outcome {
        case .child: becomeHook(input: input.takeReadEnd(), output: output.takeWriteEnd(), directory)
        case .parent(let child):
            var transfer = HookTransfer(
                state: state, input: input.takeWriteEnd(), output: output.takeReadEnd())
            let exit = try during(step, code: .hookFailed) { () throws(SyscallError) in
                try attend(child, &transfer)
            }
            try judge(exit, transfer.lastWords)
        }
    }

    /// In the new process: executes the hook; what goes wrong is told on its output.
    private func becomeHook(
        input: consuming OwnedFD, output: consuming OwnedFD, _ directory: BorrowedFD?
    ) -> Never {
        // Kept as numbers: a consumed parameter ends with its last use, which would be here.
        let input = BorrowedFD(rawValue: input.release())
        let output = BorrowedFD(rawValue: output.release())
        let failure = bestEffort("told to the parent below") { () throws(SyscallError) in
            try setProcessGroup()
            if let directory { try changeDirectory(to: directory) }
            try input.duplicate(onto: 0)
            try output.duplicate(onto: 1)
            try output.duplicate(onto: 2)
            try closeRange(from: 3, onExec: true)
            try resetSignalDispositions()
            try setSignalMask(.none)
            let arguments = hook.args.isEmpty ? [hook.path] : hook.args
            try execute(Path(hook.path), arguments: arguments, environment: hook.env)
        }
        bestEffort("the exit code tells too") { () throws(SyscallError) in
            try output.writeAll(failure?.description ?? "")
        }
        exitProcess(127)
    }

    /// Feeds and hears the hook until it ends; nil when its time was over first and it was killed.
    private func attend(
        _ child: borrowing Child, _ transfer: inout HookTransfer
    ) throws(SyscallError) -> ProcessExit? {
        let deadline = hook.timeout.map { Clock.monotonicNanoseconds() + Int64($0) * 1_000_000_000 }
        let isOver = try transfer.run(until: child.pidfd.borrowed, deadline: deadline)
        if !isOver {
            let group = ProcessID(rawValue: -child.pid.rawValue)
            bestEffort("the group is gone if it ended just now") { () throws(SyscallError) in
                try sendSignal(9, to: group)
            }
        }
        let result = try waitForExit(of: .pidfd(child.pidfd.borrowed))
        try transfer.hear()
        return isOver ? result?.exit : nil
    }

    private func judge(_ exit: ProcessExit?, _ words: String) throws(StepError) {
        let ending = words.isEmpty ? "" : ": \(words)"
        switch exit {
        case .exited(0): return
        case .exited(let code): throw refusal("exit code \(code)\(ending)")
        case .signaled(let number):
            throw refusal("ended by \(SignalName.name(number))\(ending)")
        case nil:
            throw refusal("killed after its timeout of \(hook.timeout ?? 0) s\(ending)")
        }
    }
}

/// Both pipes of a hook.
private struct HookTransfer: ~Copyable {
    private static let kept = 4096

    private var rest: ArraySlice<UInt8>
    private var input: OwnedFD?
    /// Nil when nothing is left to say.
    private var inputView: BorrowedFD?
    private let output: OwnedFD
    private var heard: [UInt8] = []

    init(state: [UInt8], input: consuming OwnedFD, output: consuming OwnedFD) {
        rest = state[...]
        inputView = input.borrowed
        self.input = consume input
        self.output = output
    }

    /// The last line of what the hook said.
    var lastWords: String {
        let line = heard.split(separator: UInt8(ascii: "\n")).last ?? []
        return String(decoding: line, as: UTF8.self)
    }

    /// Moves bytes until the process ends (true) or the time is over (false).
    mutating func run(until process: BorrowedFD, deadline: Int64?) throws(SyscallError) -> Bool {
        var hearing = true
        while true {
            try feed()
            var remaining: Int32?
            if let deadline {
                let left = deadline - Clock.monotonicNanoseconds()
                if left <= 0 { return false }
                remaining = Int32(clamping: left / 1_000_000 + 1)
            }
            let nobody = BorrowedFD(rawValue: -1)
            let inputFD = inputView ?? nobody
            let events = try poll(
                [
                    (process, .readable), (hearing ? output.borrowed : nobody, .readable),
                    (inputFD, .writable),
                ],
                timeoutMilliseconds: remaining)
            if !events[1].isEmpty { hearing = try hear() }
            if !events[0].isEmpty { return true }
        }
    }

    private mutating func feed() throws(SyscallError) {
        while let fd = inputView, !rest.isEmpty {
            do throws(SyscallError) {
                rest = rest.dropFirst(try fd.write(rest))
            } catch {
                if error.errno == .EAGAIN { return }
                guard error.errno == .EPIPE else { throw error }
                rest = []  // the hook does not want to read
            }
        }
        inputView = nil
        input = nil
    }

    /// Reads what there is; false when there will be no more.
    @discardableResult
    mutating func hear() throws(SyscallError) -> Bool {
        while true {
            do throws(SyscallError) {
                let bytes = try output.borrowed.read(max: Self.kept)
                if bytes.isEmpty { return false }
                heard = Array((heard + bytes).suffix(Self.kept))
            } catch {
                if error.errno == .EAGAIN { return true }
                throw error
            }
        }
    }
}
