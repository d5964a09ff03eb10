/// A compiled seccomp filter, ready for seccomp(2).
/// - SeeAlso: seccomp(2), runtime-spec config-linux.md §Seccomp
package struct SeccompProgram: Equatable, Sendable {
    /// `struct sock_filter` after `struct sock_filter`, eight bytes each, in the byte order of this machine.
    package let instructions: [UInt8]
    /// SECCOMP_FILTER_FLAG_* bits that the configuration asks for, and NEW_LISTENER when a rule notifies.
    package let flags: UInt32

    /// Takes a compiled filter.
    package init(instructions: [UInt8], flags: UInt32) {
        self.instructions = instructions
        self.flags = flags
    }

    /// Whether loading gives a notify descriptor, because a rule uses SCMP_ACT_NOTIFY.
    package var notifies: Bool { flags & SeccompFlag.newListener != 0 }

    /// The number of instructions.
    package var count: Int { instructions.count / SeccompInstruction.size }
}

/// The bits of `flags` in seccomp(2) SECCOMP_SET_MODE_FILTER.
enum SeccompFlag {
    static let tsync: UInt32 = 1 << 0
    static let log: UInt32 = 1 << 1
    static let specAllow: UInt32 = 1 << 2
    static let newListener: UInt32 = 1 << 3
    static let tsyncESRCH: UInt32 = 1 << 4
    static let waitKillableReceive: UInt32 = 1 << 5
}

/// One instruction of classic BPF, for the few that we write ourselves.
/// - SeeAlso: bpf(4), linux/filter.h
struct SeccompInstruction {
    /// The size of `struct sock_filter`.
    static let size = 8
    /// The kernel takes at most this many instructions (BPF_MAXINSNS).
    static let limit = 4096

    let code: UInt16
    var jumpTrue: UInt8 = 0
    var jumpFalse: UInt8 = 0
    let operand: UInt32

    /// A = the word of `struct seccomp_data` at `offset`.
    static func load(_ offset: UInt32) -> SeccompInstruction {
        SeccompInstruction(code: 0x20, operand: offset)
    }
    /// A == value ?
    static func jumpIfEqual(_ value: UInt32, _ yes: UInt8, else no: UInt8) -> SeccompInstruction {
        SeccompInstruction(code: 0x15, jumpTrue: yes, jumpFalse: no, operand: value)
    }
    /// A > value ?
    static func jumpIfGreater(_ value: UInt32, _ yes: UInt8, else no: UInt8) -> SeccompInstruction {
        SeccompInstruction(code: 0x25, jumpTrue: yes, jumpFalse: no, operand: value)
    }
    /// A >= value ?
    static func jumpIfAtLeast(_ value: UInt32, _ yes: UInt8, else no: UInt8) -> SeccompInstruction {
        SeccompInstruction(code: 0x35, jumpTrue: yes, jumpFalse: no, operand: value)
    }
    /// Go `distance` instructions further.
    static func jump(_ distance: UInt32) -> SeccompInstruction {
        SeccompInstruction(code: 0x05, operand: distance)
    }
    /// The verdict.
    static func verdict(_ value: UInt32) -> SeccompInstruction {
        SeccompInstruction(code: 0x06, operand: value)
    }

    /// The instructions in `bytes`, which hold whole ones.
    static func decode(_ bytes: [UInt8]) -> [SeccompInstruction] {
        stride(from: 0, to: bytes.count - size + 1, by: size).map { at in
            SeccompInstruction(
                code: UInt16(truncatingIfNeeded: word(at: at, length: 2, of: bytes)), jumpTrue: bytes[at + 2],
                jumpFalse: bytes[at + 3], operand: word(at: at + 4, length: 4, of: bytes))
        }
    }

    private static func word(at offset: Int, length: Int, of bytes: [UInt8]) -> UInt32 {
        var word: UInt32 = 0
        for index in 0..<length {
            #if _endian(big)
                word = word << 8 | UInt32(bytes[offset + index])
            #else
                word |= UInt32(bytes[offset + index]) << UInt32(8 * index)
            #endif
        }
        return word
    }

    /// Appends the eight bytes of `struct sock_filter`.
    func encode(to bytes: inout [UInt8]) {
        bytes.append(native: code)
        bytes.append(jumpTrue)
        bytes.append(jumpFalse)
        bytes.append(native: operand)
    }
}

extension [UInt8] {
    /// Appends `value` in the byte order of this machine.
    mutating func append<Value: FixedWidthInteger>(native value: Value) {
        #if _endian(big)
            for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
                append(UInt8(truncatingIfNeeded: value >> Value(shift)))
            }
        #else
            for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
                append(UInt8(truncatingIfNeeded: value >> Value(shift)))
            }
        #endif
    }
}
