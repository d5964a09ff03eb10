internal import LinuxSystem

/// A process that unpacks one layer, seen from outside.
///
/// It says what it does in datagrams: `P` and the number of bytes of the blob that are read, and at last `D` (done) or
/// `E` with the step and the reason. What it says is not believed beyond that: it has read hostile bytes.
final class UnpackerProcess {
    /// What it has said.
    enum Message {
        case progress(Int64)
        case done
        case failed(StepError)
        /// It has ended without a word.
        case ended(ProcessExit)
    }

    private let child: Child
    private let socket: OwnedFD
    private var isReaped = false

    /// Readable when it has something to say, or has ended.
    var descriptor: BorrowedFD { socket.borrowed }

    private init(child: consuming Child, socket: consuming OwnedFD) {
        self.child = child
        self.socket = socket
    }

    /// Starts to unpack.
    /// - Parameters:
    ///   - root: the layer's directory, empty.
    ///   - lower: roots of the layers below, top first. They may still be unpacked; see `lowerIsComplete`.
    static func start(
        _ layer: LoadableImage.Layer, into root: DirectoryHandle, over lower: [DirectoryHandle],
        _ limits: UnpackLimits, filter: [UInt8]
    ) throws(StepError) -> UnpackerProcess {
        try during("start the unpacker of layer \(layer.diffID)") { () throws(SyscallError) in
            let ends = try SequencedSocket.pair().ends()
            let ours = OwnedFD(adopting: ends.first)
            let theirs = OwnedFD(adopting: ends.second)
            let parent = currentProcessID()
            let outcome = try forkProcess()
            switch consume outcome {
            case .parent(let child): return UnpackerProcess(child: child, socket: ours)
            case .child:
                // Never closed: the process ends with it.
                let socket = BorrowedFD(rawValue: theirs.release())
                let work = UnpackerWork(
                    layer: layer, root: root, lower: lower, limits: limits, socket: socket)
                work.run(parent: parent, filter: filter)
            }
        }
    }

    /// Unpacks one layer over others that are whole, and waits for that.
    static func unpack(
        _ layer: LoadableImage.Layer, into root: DirectoryHandle, over lower: [DirectoryHandle],
        _ limits: UnpackLimits
    ) throws(StepError) {
        let process = try start(layer, into: root, over: lower, limits, filter: UnpackerCalls.program())
        defer { process.kill() }
        try process.lowerIsComplete()
        while true {
            switch try process.next() {
            case .progress: continue
            case .done: return
            case .failed(let error): throw error
            case .ended(let exit): throw failure(of: layer, exit)
            }
        }
    }

    /// Why a layer is refused whose unpacker has ended without a word.
    static func failure(of layer: LoadableImage.Layer, _ exit: ProcessExit) -> StepError {
        let reason =
            switch exit {
            case .signaled(24): "it took more processor time than a layer of its size is given"
            case .signaled(25): "one of its files is larger than the limit"
            case .signaled(let number):
                "its unpacker was ended by \(SignalName.name(number)); it may need more than the "
                    + "\(Sandbox.memory >> 20) MB of memory that it is given"
            case .exited(let code): "its unpacker ended with the code \(code)"
            }
        return StepError("unpack layer \(layer.digest ?? layer.diffID)", refused: reason)
    }

    /// Tells it that the layers below are whole.
    func lowerIsComplete() throws(StepError) {
        do throws(SyscallError) {
            try socket.borrowed.sendMessage([UnpackerWork.lowerWord])
        } catch {
            // It has failed before it needed them; its own word says more.
            if error.errno != .EPIPE && error.errno != .ECONNRESET {
                throw StepError("tell the unpacker", error)
            }
        }
    }

    /// What it says next; waits for it.
    func next() throws(StepError) -> Message {
        let bytes = try during("hear the unpacker") { () throws(SyscallError) in
            do throws(SyscallError) {
                return try socket.borrowed.receiveMessage(max: 65536).bytes
            } catch {
                if error.errno != .ECONNRESET { throw error }
                // It has ended without reading all that it was told; its own last words come after this error.
                return try socket.borrowed.receiveMessage(max: 65536).bytes
            }
        }
        switch bytes.first {
        case UInt8(ascii: "P"):
            var count: Int64 = 0
            for byte in bytes.dropFirst().prefix(8) { count = count << 8 | Int64(byte) }
            return .progress(max(count, 0))
        case UInt8(ascii: "D"): return .done
        case UInt8(ascii: "E"):
            let parts = bytes.dropFirst().split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
            let texts = parts.map { printable(Array($0), atMost: 4096) }
            return .failed(StepError(Step(texts.first ?? "unpack"), refused: texts.last ?? ""))
        default: return .ended(try wait())
        }
    }

    /// Ends it, whatever it does.
    func kill() {
        if isReaped { return }
        bestEffort("it may have ended by itself") { () throws(SyscallError) in
            try child.pidfd.borrowed.sendSignal(9)
        }
        bestEffort("there is nothing to wait for then") { () throws(StepError) in _ = try wait() }
    }

    /// Waits for its end.
    @discardableResult
    func wait() throws(StepError) -> ProcessExit {
        isReaped = true
        return try during("wait for the unpacker") { () throws(SyscallError) in
            try waitForExit(of: .pid(child.pid))?.exit ?? .exited(0)
        }
    }
}

/// The same process from inside.
struct UnpackerWork {
    /// What the process is told when the layers below are whole.
    static let lowerWord = UInt8(ascii: "L")
    /// Bytes of the blob between two words of progress.
    private static let progressStep: Int64 = 1 << 21

    let layer: LoadableImage.Layer
    let root: DirectoryHandle
    let lower: [DirectoryHandle]
    let limits: UnpackLimits
    let socket: BorrowedFD

    /// Does all of it and ends the process.
    func run(parent: ProcessID, filter: [UInt8]) -> Never {
        do throws(StepError) {
            try during("tie the unpacker to its parent") { () throws(SyscallError) in
                try processControl(.setParentDeathSignal, 9)
                if parentProcessID() != parent { exitProcess(1) }
                bestEffort("a name is a courtesy") { () throws(SyscallError) in
                    try setProcessName("skiff:[unpack]")
                }
            }
            let sandbox = Sandbox(limits: limits, blobSize: layer.blob.size, filter: filter)
            let inside = try sandbox.enter(
                root: root, lower: lower, keeping: [socket, layer.blob.file.borrowed])
            try unpack(inside)
            say([UInt8(ascii: "D")])
        } catch {
            let reason: String
            switch error.cause {
            case .syscall(let error): reason = "\(error)"
            case .refused(let text): reason = text
            }
            say([UInt8(ascii: "E")] + Array(error.step.name.utf8) + [0] + Array(reason.utf8.prefix(32768)))
        }
        exitProcess(0)
    }

    private func unpack(_ inside: Sandbox.Inside) throws(StepError) {
        let socket = socket
        let below = LowerLayers(topFirst: inside.lower) { () throws(SyscallError) in
            // An end of file: the one who would tell is gone, and so is this process in a moment.
            let word = try socket.receiveMessage(max: 1).bytes
            if word.first != Self.lowerWord { throw SyscallError(.receiveMessage, .ECONNRESET) }
        }
        var told: Int64 = 0
        let unpacker = LayerUnpacker(layer: layer, lower: below, limits: limits) { count in
            guard count - told >= Self.progressStep else { return }
            told = count
            say([UInt8(ascii: "P")] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) })
        }
        try unpacker.unpack(into: inside.root)
        try during("write layer \(layer.diffID) to disk") { () throws(SyscallError) in
            try inside.root.borrowed.syncFileSystem()
        }
    }

    private func say(_ message: [UInt8]) {
        bestEffort("nobody listens any more") { () throws(SyscallError) in try socket.sendMessage(message) }
    }
}
