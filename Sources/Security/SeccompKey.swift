import RuntimeSpec
import SeccompBinding

/// Everything that a compiled filter depends on, as bytes: equal bytes, equal program.
///
/// The bytes are compared as a whole on every hit, so nothing rests on the strength of the hash in the file name.
struct SeccompKey: Equatable {
    /// The canonical form.
    let bytes: [UInt8]

    /// Changes whenever the same input would be compiled to another program by this code.
    private static let generation: UInt8 = 2

    /// The key of `spec`. The listener's path and metadata do not enter: they change nothing in the program.
    init(_ spec: SeccompSpec) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8192)
        Self.writeHead(to: &bytes)
        bytes.append(Self.code(spec.defaultAction))
        Self.write(spec.defaultErrnoRet, to: &bytes)
        bytes.append(spec.listenerPath == nil ? 0 : 1)
        bytes.append(native: UInt16(truncatingIfNeeded: spec.flags.count))
        for flag in spec.flags { bytes.append(Self.code(flag)) }
        bytes.append(native: UInt16(truncatingIfNeeded: spec.architectures.count))
        for architecture in spec.architectures {
            bytes.append(contentsOf: architecture.rawValue.utf8)
            bytes.append(0)
        }
        for rule in spec.syscalls { Self.write(rule, to: &bytes) }
        self.bytes = bytes
    }

    /// A 64-bit FNV-1a hash, for the file name only.
    var hash: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }

    private static func writeHead(to bytes: inout [UInt8]) {
        let version = SeccompLibrary.version
        bytes.append(generation)
        bytes.append(native: SeccompArchitecture.native.rawValue)
        bytes.append(native: version.major)
        bytes.append(native: version.minor)
        bytes.append(native: version.micro)
    }

    private static func write(_ rule: SeccompSpec.SyscallRule, to bytes: inout [UInt8]) {
        bytes.append(code(rule.action))
        write(rule.errnoRet, to: &bytes)
        bytes.append(native: UInt16(truncatingIfNeeded: rule.args.count))
        for argument in rule.args {
            bytes.append(native: argument.index)
            bytes.append(code(argument.op))
            bytes.append(native: argument.value)
            bytes.append(native: argument.valueTwo ?? 0)
        }
        bytes.append(native: UInt32(truncatingIfNeeded: rule.names.count))
        for name in rule.names {
            let utf8 = name.utf8
            bytes.append(native: UInt16(truncatingIfNeeded: utf8.count))
            bytes.append(contentsOf: utf8)
        }
    }

    private static func write(_ value: UInt32?, to bytes: inout [UInt8]) {
        bytes.append(value == nil ? 0 : 1)
        bytes.append(native: value ?? 0)
    }

    private static func code(_ action: SeccompSpec.Action) -> UInt8 {
        switch action {
        case .kill, .killThread: 0
        case .killProcess: 1
        case .trap: 2
        case .errno: 3
        case .trace: 4
        case .allow: 5
        case .log: 6
        case .notify: 7
        }
    }

    private static func code(_ flag: SeccompSpec.Flag) -> UInt8 {
        switch flag {
        case .synchronizeThreads: 0
        case .log: 1
        case .allowSpeculation: 2
        case .waitKillable: 3
        }
    }

    private static func code(_ op: SeccompSpec.Operator) -> UInt8 {
        switch op {
        case .notEqual: 0
        case .less: 1
        case .lessOrEqual: 2
        case .equal: 3
        case .greaterOrEqual: 4
        case .greater: 5
        case .maskedEqual: 6
        }
    }
}
