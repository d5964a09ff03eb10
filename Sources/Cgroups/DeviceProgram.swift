/// A BPF program of type cgroup-device that decides by a list of device rules.
///
/// The kernel calls it for every open or mknod of a device with `struct bpf_cgroup_dev_ctx { u32 access_type; u32 major;
/// u32 minor; }`, where access_type is access << 16 | kind; the result 1 allows, 0 refuses. The program walks the rules
/// from the last to the first and keeps in r5 which of the requested kinds of access no rule has decided yet:
///
///     r2 = kind   r3 = major   r4 = minor   r5 = access still open
///     for each rule from the last:  if it fits the device
///         deny:   if r5 & rule goto refuse
///         allow:  r5 &= ~rule; if r5 == 0 goto allow
///     refuse
/// - SeeAlso: bpf(2), include/uapi/linux/bpf.h
package struct DeviceProgram: Sendable, Equatable {
    /// One instruction, `struct bpf_insn`.
    package struct Instruction: Sendable, Equatable {
        /// Operation, see `Opcode`.
        package var code: UInt8
        /// Destination register in the low four bits, source register in the high ones.
        package var registers: UInt8
        /// Jump distance or memory offset.
        package var offset: Int16
        /// Constant.
        package var immediate: Int32

        /// The eight bytes as one number in the machine's order, which is little endian on every supported machine.
        package var word: UInt64 {
            UInt64(code) | UInt64(registers) << 8 | UInt64(UInt16(bitPattern: offset)) << 16
                | UInt64(UInt32(bitPattern: immediate)) << 32
        }
    }

    /// The operations that the program uses.
    package enum Opcode {
        package static let loadWord: UInt8 = 0x61
        package static let moveRegister32: UInt8 = 0xbc
        package static let moveConstant: UInt8 = 0xb7
        package static let and32: UInt8 = 0x54
        package static let shiftRight32: UInt8 = 0x74
        package static let jumpIfNotEqual32: UInt8 = 0x56
        package static let jumpIfEqual32: UInt8 = 0x16
        package static let jumpIfAnyBit32: UInt8 = 0x46
        package static let jump: UInt8 = 0x05
        package static let exit: UInt8 = 0x95
    }

    /// The program.
    package private(set) var instructions: [Instruction] = []

    /// Rules so many that a jump to the end may not fit its 16 bits; no engine sends more than some hundred.
    package static let ruleLimit = 4000

    /// Generates the program.
    package init(_ rules: [DeviceRule]) {
        emit(Opcode.loadWord, to: 2, from: 1, offset: 0)
        emit(Opcode.moveRegister32, to: 5, from: 2)
        emit(Opcode.and32, to: 2, immediate: 0xFFFF)
        emit(Opcode.shiftRight32, to: 5, immediate: 16)
        emit(Opcode.loadWord, to: 3, from: 1, offset: 4)
        emit(Opcode.loadWord, to: 4, from: 1, offset: 8)
        for rule in rules.reversed() {
            if append(rule) { break }
        }
        // What no rule allows is refused.
        emit(Opcode.moveConstant, to: 0, immediate: 0)
        emit(Opcode.exit)
    }

    /// Appends the code of a rule; true if it decides everything that is left, so that earlier rules have no say.
    private mutating func append(_ rule: DeviceRule) -> Bool {
        var body = Self()
        if rule.allow {
            body.emit(Opcode.and32, to: 5, immediate: Int32(~UInt32(rule.access.rawValue) & 0xFFFF))
            body.emit(Opcode.jumpIfNotEqual32, to: 5, immediate: 0, offset: 2)
        } else {
            // There is no jump for "no bit set", so one jump leaps over another.
            body.emit(Opcode.jumpIfAnyBit32, to: 5, immediate: Int32(rule.access.rawValue), offset: 1)
            body.emit(Opcode.jump, offset: 2)
        }
        body.emit(Opcode.moveConstant, to: 0, immediate: rule.allow ? 1 : 0)
        body.emit(Opcode.exit)
        var left = Int16(body.instructions.count)
        var tests: [Instruction] = []
        func test(_ register: UInt8, _ value: UInt32) {
            tests.insert(
                Instruction(
                    code: Opcode.jumpIfNotEqual32, registers: register, offset: left,
                    immediate: Int32(bitPattern: value)), at: 0)
            left += 1
        }
        if let minor = rule.minor { test(4, minor) }
        if let major = rule.major { test(3, major) }
        if rule.kind != .all { test(2, rule.kind == .block ? 1 : 2) }
        instructions += tests + body.instructions
        return tests.isEmpty && rule.access == .all
    }

    private init() {}

    private mutating func emit(
        _ code: UInt8, to destination: UInt8 = 0, from source: UInt8 = 0, immediate: Int32 = 0,
        offset: Int16 = 0
    ) {
        instructions.append(
            Instruction(
                code: code, registers: destination | source << 4, offset: offset, immediate: immediate))
    }
}
