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
///   [--trace]         trace             ──▶    into the timeline
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
    /// What init has done so far, for a timeline.
    /// - SeeAlso: `Trace.takeText()`
    case trace(String)

    /// The kind of a record, without its content.
    package enum Kind: UInt8, Sendable, Equatable {
        case needMappings = 1, proceed, rootfsReady, hooksDone, console, listener, listenerTaken, created,
            start
        case failed, warning, trace
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
        case .trace: .trace
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

    /// The same failure as one of a phase.
    /// - SeeAlso: `StepError.coded(_:)`
    package func coded(_ phase: ErrorCode) -> LaunchFailure {
        LaunchFailure(error.coded(phase), exitCode: exitCode)
    }
}

/// The form on the wire: a header of 28 bytes in host order, then the step, the call's operand or our reason, the hint,
/// and what our reason is about.
///
/// | bytes | 0–3 | 4 | 5 | 6–7 | 8–11 | 12–15 | 16–17 | 18–19 | 20–21 | 22–23 | 24 | 25–27 |
/// |---|---|---|---|---|---|---|---|---|---|---|---|---|
/// | | magic | kind | flags | call | errno | value | step | operand | hint | subject: lengths | code | 0 |
extension SyncRecord {
    /// Most bytes of a record.
    package static let sizeLimit = headerSize + 4300
    private static let headerSize = 28
    private static let magic: UInt32 = 0x3246_4B53
    private static let hasOperand: UInt8 = 1
    private static let hasHint: UInt8 = 2
    private static let hasSubject: UInt8 = 4

    private struct Content {
        var call: UInt16 = 0
        var errno: Int32 = 0
        var value: Int32 = 0
        var code: UInt8 = 0
        var step: String.UTF8View = "".utf8
        var operand: String?
        var hint: String?
        var subject: String?

        var flags: UInt8 {
            (operand == nil ? 0 : hasOperand) | (hint == nil ? 0 : hasHint)
                | (subject == nil ? 0 : hasSubject)
        }
    }

    private var content: Content {
        var content = Content()
        switch self {
        case .listener(let number): content.value = number
        case .warning(let text), .trace(let text): content.operand = text
        case .failed(let failure):
            content.value = failure.exitCode
            content.step = failure.error.step.name.utf8
            content.hint = failure.error.hint
            content.code = failure.error.assignedCode?.rawValue ?? 0
            switch failure.error.cause {
            case .syscall(let error):
                content.call = error.call.rawValue
                content.errno = error.errno.rawValue
                content.operand = error.operand
            case .refused(let reason):
                content.operand = reason
                content.subject = failure.error.operand
            }
        default: break
        }
        return content
    }

    /// The bytes of this record; texts that are too long lose their ends.
    package var encoded: [UInt8] {
        let content = content
        let texts = [
            content.step.prefix(1000), (content.operand ?? "").utf8.prefix(2400),
            (content.hint ?? "").utf8.prefix(600), (content.subject ?? "").utf8.prefix(300),
        ]
        var bytes: [UInt8] = []
        bytes.reserveCapacity(texts.reduce(Self.headerSize) { $0 + $1.count })
        bytes.append(integer: Self.magic)
        bytes.append(kind.rawValue)
        bytes.append(content.flags)
        bytes.append(integer: content.call)
        bytes.append(integer: content.errno)
        bytes.append(integer: content.value)
        for text in texts { bytes.append(integer: UInt16(text.count)) }
        bytes.append(integer: UInt32(content.code))
        for text in texts { bytes += text }
        return bytes
    }

    /// Reads a record; nil if the bytes are none.
    package init?(decoding bytes: [UInt8]) {
        guard bytes.count >= Self.headerSize, bytes.integer(at: 0) == Self.magic,
            let kind = Kind(rawValue: bytes[4]), let texts = Self.texts(of: bytes)
        else {
            return nil
        }
        let flags = bytes[5]
        let operand = flags & Self.hasOperand == 0 ? nil : texts[1]
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
        case .trace: self = .trace(operand ?? "")
        case .failed:
            let hint = flags & Self.hasHint == 0 ? nil : texts[2]
            let code = ErrorCode(rawValue: bytes[24])
            let error: StepError
            if let call = Call(rawValue: bytes.integer(at: 6)) {
                let number = Errno(rawValue: bytes.integer(at: 8))
                error = StepError(
                    Step(texts[0]), SyscallError(call, on: operand, number), hint: hint, code: code)
            } else {
                error = StepError(
                    Step(texts[0]), refused: operand ?? "unknown reason", hint: hint, code: code,
                    operand: flags & Self.hasSubject == 0 ? nil : texts[3])
            }
            self = .failed(LaunchFailure(error, exitCode: value))
        }
    }

    /// The four texts after the header; nil if their lengths are not what there is.
    private static func texts(of bytes: [UInt8]) -> [String]? {
        var texts: [String] = []
        var start = headerSize
        for offset in stride(from: 16, to: 24, by: 2) {
            let end = start + Int(bytes.integer(at: offset) as UInt16)
            guard end <= bytes.count else { return nil }
            texts.append(String(decoding: bytes[start..<end], as: UTF8.self))
            start = end
        }
        return start == bytes.count ? texts : nil
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
