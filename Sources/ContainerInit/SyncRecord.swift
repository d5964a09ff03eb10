package import LinuxSystem

/// One message between the runtime and the container's init.
///
/// ```
///       I (init)                               R (runtime)
///   [user namespace]  needMappings      ──▶    write setgroups, gid_map, uid_map; join v1 cgroups
///                                       ◀──    proceed
///   mounts, devices
///   [hooks]           rootfsReady       ──▶    run prestart and createRuntime hooks
///                                       ◀──    hooksDone
///   createContainer hooks; pivot_root; masked paths; sysctl; terminal
///   [terminal]        console (+ fd)    ──▶    console socket or own relay
///   [notify]          listener (number) ──▶    fetch by pidfd_getfd, hand to the agent
///                                       ◀──    listenerTaken
///                     created           ──▶    write state `created`, pid file
///   gate: the socket, or             ◀──    start
///   at any point      failed, warning   ──▶    undo and report; log
/// ```
package enum SyncRecord: Sendable, Equatable {
    /// Init waits for its id mappings.
    case needMappings
    /// Mappings are written and the cgroup is joined.
    case proceed
    /// Mounts and devices are in place, the root is not changed yet.
    case rootfsReady
    /// prestart and createRuntime hooks have run.
    case hooksDone
    /// The primary side of the pty comes with this record.
    case console
    /// The next seccomp(2) call of init will give the notification listener this number.
    case listener(Int32)
    /// The runtime holds the listener.
    case listenerTaken
    /// All is applied; init waits at its gate.
    case created
    /// Execute the program (instead of the gate, when the runtime stays).
    case start
    /// Init gives up.
    case failed(LaunchFailure)
    /// Something that does not stop the container.
    case warning(String)

    /// The kind of a record, without its content.
    package enum Kind: UInt8, Sendable, Equatable {
        case needMappings = 1, proceed, rootfsReady, hooksDone, console, listener, listenerTaken, created,
            start
        case failed, warning
    }

    /// The kind of this record.
    package var kind: Kind {
        switch self {
        case .needMappings: .needMappings
        case .proceed: .proceed
        case .rootfsReady: .rootfsReady
        case .hooksDone: .hooksDone
        case .console: .console
        case .listener: .listener
        case .listenerTaken: .listenerTaken
        case .created: .created
        case .start: .start
        case .failed: .failed
        case .warning: .warning
        }
    }
}

/// Why init gave up, and what the exit code of `run` or `exec` is then.
package struct LaunchFailure: Error, Sendable, Equatable {
    /// The step, the call, the operand.
    package let error: StepError
    /// 126 or 127 if the program cannot be executed or found, else 1.
    package let exitCode: Int32

    /// A failure; `exitCode` 1 means that setting up failed.
    package init(_ error: StepError, exitCode: Int32 = 1) {
        self.error = error
        self.exitCode = exitCode
    }
}

/// The form on the wire: a header of 24 bytes in host order, then the step, the operand (or reason) and the hint.
///
/// | bytes | 0–3 | 4 | 5 | 6–7 | 8–11 | 12–15 | 16–17 | 18–19 | 20–21 | 22–23 |
/// |---|---|---|---|---|---|---|---|---|---|---|
/// | | magic | kind | flags | call | errno | value | step length | operand length | hint length | 0 |
extension SyncRecord {
    /// Most bytes of a record.
    package static let sizeLimit = 24 + 4000
    private static let magic: UInt32 = 0x3146_4B53
    private static let hasOperand: UInt8 = 1
    private static let hasHint: UInt8 = 2

    private struct Content {
        var call: UInt16 = 0
        var errno: Int32 = 0
        var value: Int32 = 0
        var step: String.UTF8View = "".utf8
        var operand: String?
        var hint: String?
    }

    private var content: Content {
        var content = Content()
        switch self {
        case .listener(let number): content.value = number
        case .warning(let text): content.operand = text
        case .failed(let failure):
            content.value = failure.exitCode
            content.step = failure.error.step.name.utf8
            content.hint = failure.error.hint
            switch failure.error.cause {
            case .syscall(let error):
                content.call = error.call.rawValue
                content.errno = error.errno.rawValue
                content.operand = error.operand
            case .refused(let reason): content.operand = reason
            }
        default: break
        }
        return content
    }

    /// The bytes of this record; texts that are too long lose their ends.
    package var encoded: [UInt8] {
        let content = content
        let step = content.step.prefix(1000)
        let operand = (content.operand ?? "").utf8.prefix(2400)
        let hint = (content.hint ?? "").utf8.prefix(600)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(24 + step.count + operand.count + hint.count)
        bytes.append(integer: Self.magic)
        bytes.append(kind.rawValue)
        bytes.append(
            (content.operand == nil ? 0 : Self.hasOperand) | (content.hint == nil ? 0 : Self.hasHint))
        bytes.append(integer: content.call)
        bytes.append(integer: content.errno)
        bytes.append(integer: content.value)
        bytes.append(integer: UInt16(step.count))
        bytes.append(integer: UInt16(operand.count))
        bytes.append(integer: UInt16(hint.count))
        bytes.append(integer: UInt16(0))
        bytes += step
        bytes += operand
        bytes += hint
        return bytes
    }

    /// Reads a record; nil if the bytes are none.
    package init?(decoding bytes: [UInt8]) {
        guard bytes.count >= 24, bytes.integer(at: 0) == Self.magic, let kind = Kind(rawValue: bytes[4])
        else {
            return nil
        }
        let lengths = [16, 18, 20].map { Int(bytes.integer(at: $0) as UInt16) }
        guard bytes.count == 24 + lengths.reduce(0, +) else { return nil }
        let operandStart = 24 + lengths[0]
        let step = String(decoding: bytes[24..<operandStart], as: UTF8.self)
        let operandBytes = bytes[operandStart..<(operandStart + lengths[1])]
        let operand = bytes[5] & Self.hasOperand == 0 ? nil : String(decoding: operandBytes, as: UTF8.self)
        let hintBytes = bytes[(operandStart + lengths[1])...]
        let hint = bytes[5] & Self.hasHint == 0 ? nil : String(decoding: hintBytes, as: UTF8.self)
        let value: Int32 = bytes.integer(at: 12)
        switch kind {
        case .needMappings: self = .needMappings
        case .proceed: self = .proceed
        case .rootfsReady: self = .rootfsReady
        case .hooksDone: self = .hooksDone
        case .console: self = .console
        case .listener: self = .listener(value)
        case .listenerTaken: self = .listenerTaken
        case .created: self = .created
        case .start: self = .start
        case .warning: self = .warning(operand ?? "")
        case .failed:
            let error: StepError
            if let call = Call(rawValue: bytes.integer(at: 6)) {
                let number = Errno(rawValue: bytes.integer(at: 8))
                error = StepError(Step(step), SyscallError(call, on: operand, number), hint: hint)
            } else {
                error = StepError(Step(step), refused: operand ?? "unknown reason", hint: hint)
            }
            self = .failed(LaunchFailure(error, exitCode: value))
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(integer value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    fileprivate func integer<Value: FixedWidthInteger>(at offset: Int) -> Value {
        var value: Value = 0
        for index in (0..<(Value.bitWidth / 8)).reversed() {
            value = value << 8 | Value(truncatingIfNeeded: self[offset + index])
        }
        return value
    }
}
