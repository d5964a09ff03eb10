/// A BPF program of type cgroup-device that decides by a list of device rules.
///
/// The kernel calls it for every open or mknod of a device with `struct bpf_cgroup_dev_ctx { u32 access_type; u32 major;
/// u32 minor; }`, where access_type is access << 16 | kind; the result 1 allows, 0 refuses. For each kind of device there
/// is a section that walks the rules from the last to the first:
///
///     r2 = kind   r3 = major   r4 = minor   r5 = kinds of access that no rule has decided yet   r6 = major << 20 | minor
///     if r2 == block goto section of block devices
///     section:  all access:   if r6 == device goto allow (or refuse)
///               part of it:   if r6 != device skip; deny: if r5 & rule goto refuse
///                                                    allow: r5 &= ~rule; if r5 == 0 goto allow
///               refuse
///
/// The shape is for the kernel's verifier, whose time is most of the cost: a test that succeeds leaves the section, so
/// that every later test is verified once (for podman's rules 55 us, where plain tests in turn took 340 us).
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

    /// The operations that the program uses, on 32 bits where they could be on 64.
    package enum Opcode {
        package static let loadWord: UInt8 = 0x61
        package static let moveRegister: UInt8 = 0xbc
        package static let moveConstant: UInt8 = 0xb7
        package static let and: UInt8 = 0x54
        package static let orRegister: UInt8 = 0x4c
        package static let shiftLeft: UInt8 = 0x64
        package static let shiftRight: UInt8 = 0x74
        package static let jumpIfNotEqual: UInt8 = 0x56
        package static let jumpIfEqual: UInt8 = 0x16
        package static let jumpIfAnyBit: UInt8 = 0x46
        package static let exit: UInt8 = 0x95
    }

    /// The program.
    package private(set) var instructions: [Instruction] = []

    /// With more rules a jump to the end may not fit its 16 bits; no engine sends more than some hundred.
    package static let ruleLimit = 4000

    /// Generates the program.
    package init(_ rules: [DeviceRule]) {
        emit(Opcode.loadWord, to: 2, from: 1, offset: 0)
        emit(Opcode.moveRegister, to: 5, from: 2)
        emit(Opcode.and, to: 2, immediate: 0xFFFF)
        emit(Opcode.shiftRight, to: 5, immediate: 16)
        emit(Opcode.loadWord, to: 3, from: 1, offset: 4)
        emit(Opcode.loadWord, to: 4, from: 1, offset: 8)
        emit(Opcode.moveRegister, to: 6, from: 3)
        emit(Opcode.shiftLeft, to: 6, immediate: 20)
        emit(Opcode.orRegister, to: 6, from: 4)
        let character = DeviceSection(rules, .character).instructions
        emit(Opcode.jumpIfEqual, to: 2, immediate: 1, offset: Int16(character.count))
        instructions += character
        instructions += DeviceSection(rules, .block).instructions
    }

    private mutating func emit(
        _ code: UInt8, to destination: UInt8, from source: UInt8 = 0, immediate: Int32 = 0, offset: Int16 = 0
    ) {
        instructions.append(
            Instruction(
                code: code, registers: destination | source << 4, offset: offset, immediate: immediate))
    }
}

/// The part of a device program for one kind of device.
private struct DeviceSection {
    typealias Instruction = DeviceProgram.Instruction
    typealias Opcode = DeviceProgram.Opcode

    private(set) var instructions: [Instruction] = []
    /// Jumps whose distance is filled in at the end.
    private var jumpsToAllow: [Int] = []
    private var jumpsToRefuse: [Int] = []

    init(_ rules: [DeviceRule], _ kind: DeviceRule.Kind) {
        var verdict = false
        for rule in rules.reversed() where rule.kind == .all || rule.kind == kind {
            if rule.major == nil, rule.minor == nil, rule.access == .all {
                // Decides everything that is left; the kernel refuses instructions that nothing leads to.
                verdict = rule.allow
                break
            }
            append(rule)
        }
        appendExit(verdict)
        appendExit(!verdict)
    }

    private mutating func append(_ rule: DeviceRule) {
        guard let place = Place(rule) else { return }
        let access = Int32(rule.access.rawValue)
        if rule.access == .all, case .register(let register, let number) = place {
            return jump(rule.allow, Opcode.jumpIfEqual, register, number)
        }
        if case .register(let register, let number) = place {
            add(Opcode.jumpIfNotEqual, register, number, offset: rule.allow ? 2 : 1)
        }
        if rule.allow {
            add(Opcode.and, 5, ~access & 0xFFFF)
            jump(true, Opcode.jumpIfEqual, 5, 0)
        } else {
            jump(false, Opcode.jumpIfAnyBit, 5, access)
        }
    }

    /// Which test says that a rule fits; nil for numbers that no device has.
    private enum Place {
        case anywhere
        case register(UInt8, Int32)

        init?(_ rule: DeviceRule) {
            if rule.major ?? 0 > 0xFFF || rule.minor ?? 0 > 0xFFFFF { return nil }
            switch (rule.major, rule.minor) {
            case (nil, nil): self = .anywhere
            case (let major?, nil): self = .register(3, Int32(major))
            case (nil, let minor?): self = .register(4, Int32(minor))
            case (let major?, let minor?): self = .register(6, Int32(bitPattern: major << 20 | minor))
            }
        }
    }

    private mutating func add(_ code: UInt8, _ register: UInt8, _ immediate: Int32, offset: Int16 = 0) {
        instructions.append(
            Instruction(code: code, registers: register, offset: offset, immediate: immediate))
    }

    private mutating func jump(_ allow: Bool, _ code: UInt8, _ register: UInt8, _ immediate: Int32) {
        if allow { jumpsToAllow.append(instructions.count) } else { jumpsToRefuse.append(instructions.count) }
        add(code, register, immediate)
    }

    /// The first exit is reached by falling through, the second only if something jumps there.
    private mutating func appendExit(_ allow: Bool) {
        let jumps = allow ? jumpsToAllow : jumpsToRefuse
        let isFirst = instructions.last?.code != Opcode.exit
        if !isFirst, jumps.isEmpty { return }
        for index in jumps { instructions[index].offset = Int16(instructions.count - index - 1) }
        add(Opcode.moveConstant, 0, allow ? 1 : 0)
        add(Opcode.exit, 0, 0)
    }
}
