import Cgroups
import RuntimeSpec
import Testing

/// What a program answers, worked out instruction by instruction as the kernel would.
func run(_ program: DeviceProgram, kind: UInt32, access: UInt32, major: UInt32, minor: UInt32) -> UInt32? {
    typealias Opcode = DeviceProgram.Opcode
    let context = [access << 16 | kind, major, minor]
    var registers = [UInt32](repeating: 0, count: 11)
    var pc = 0
    for _ in 0..<100_000 {
        guard program.instructions.indices.contains(pc) else { return nil }
        let instruction = program.instructions[pc]
        let to = Int(instruction.registers & 15)
        let from = Int(instruction.registers >> 4)
        let constant = UInt32(bitPattern: instruction.immediate)
        pc += 1
        switch instruction.code {
        case Opcode.loadWord: registers[to] = context[Int(instruction.offset) / 4]
        case Opcode.moveRegister: registers[to] = registers[from]
        case Opcode.moveConstant: registers[to] = constant
        case Opcode.and: registers[to] &= constant
        case Opcode.shiftRight: registers[to] >>= constant
        case Opcode.jumpIfNotEqual: if registers[to] != constant { pc += Int(instruction.offset) }
        case Opcode.jumpIfEqual: if registers[to] == constant { pc += Int(instruction.offset) }
        case Opcode.jumpIfAnyBit: if registers[to] & constant != 0 { pc += Int(instruction.offset) }
        case Opcode.orRegister: registers[to] |= registers[from]
        case Opcode.shiftLeft: registers[to] <<= constant
        case Opcode.exit: return registers[0]
        default: return nil
        }
    }
    return nil
}

/// The meaning of a list: for each kind of access the last rule that fits decides, and nothing fits means no.
func allows(_ rules: [DeviceRule], _ kind: DeviceRule.Kind, _ access: UInt8, _ major: UInt32, _ minor: UInt32)
    -> Bool
{
    for bit: UInt8 in [1, 2, 4] where access & bit != 0 {
        let last = rules.last { $0.fits(kind, major, minor) && $0.access.rawValue & bit != 0 }
        if last?.allow != true { return false }
    }
    return true
}

@Suite struct DeviceTests {
    private func answer(
        _ rules: [DeviceRule], _ kind: DeviceRule.Kind, _ access: UInt8, _ major: UInt32, _ minor: UInt32
    ) -> Bool? {
        let number: UInt32 = kind == .block ? 1 : 2
        return run(DeviceProgram(rules), kind: number, access: UInt32(access), major: major, minor: minor).map
        { $0 == 1 }
    }

    @Test func `one rule that denies everything leaves the default devices usable (podman)`() throws {
        let rules = try DeviceRules.list(for: ResourcesSpec(devices: [.init(allow: false, access: "rwm")]))
        for (major, minor) in [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, 7)]
            as [(UInt32, UInt32)]
        {
            #expect(answer(rules, .character, 6, major, minor) == true)
        }
        #expect(answer(rules, .character, 6, 10, 229) == false)
        #expect(answer(rules, .block, 2, 8, 0) == false)
        #expect(answer(rules, .block, 1, 8, 0) == true, "making a node gives no access")
        #expect(answer(rules, .character, 6, 5, 1) == false)
    }

    @Test func `later rules win, access by access (CG-9)`() {
        let rules = [
            DeviceRule(false, .all, nil, nil, .all), DeviceRule(true, .character, 10, nil, [.read, .write]),
            DeviceRule(false, .character, 10, 229, .write),
        ]
        #expect(answer(rules, .character, 2, 10, 229) == true)
        #expect(answer(rules, .character, 4, 10, 229) == false)
        #expect(answer(rules, .character, 6, 10, 229) == false)
        #expect(answer(rules, .character, 6, 10, 200) == true)
        #expect(answer(rules, .character, 1, 10, 200) == false)
        #expect(answer(rules, .block, 2, 10, 200) == false)
    }

    @Test func `the program says what the list means, for random lists (CG-10)`() {
        var generator = SystemRandomNumberGenerator()
        func random() -> DeviceRule {
            let kinds: [DeviceRule.Kind] = [.all, .character, .block]
            return DeviceRule(
                Bool.random(using: &generator), kinds[Int.random(in: 0..<3, using: &generator)],
                Bool.random(using: &generator) ? UInt32.random(in: 1...3, using: &generator) : nil,
                Bool.random(using: &generator) ? UInt32.random(in: 1...3, using: &generator) : nil,
                DeviceRule.Access(rawValue: UInt8.random(in: 1...7, using: &generator)))
        }
        for _ in 0..<300 {
            let rules = (0..<Int.random(in: 0...8, using: &generator)).map { _ in random() }
            for kind in [DeviceRule.Kind.character, .block] {
                for access: UInt8 in 1...7 {
                    for major: UInt32 in 1...4 {
                        let expected = allows(rules, kind, access, major, 2)
                        #expect(answer(rules, kind, access, major, 2) == expected, "\(rules)")
                    }
                }
            }
        }
    }

    @Test func `no instruction is out of reach, which the kernel would refuse`() throws {
        for rules in [
            [], [DeviceRule(true, .all, nil, nil, .all)], [DeviceRule(false, .all, nil, nil, .all)],
            DeviceRules.defaults,
            [DeviceRule(true, .block, 8, 0, .read)], [DeviceRule(false, .character, nil, 3, .write)],
            [DeviceRule(true, .character, 5000, 1, .all)],
        ] {
            let program = DeviceProgram(rules).instructions
            var reached: Set<Int> = []
            var open = [0]
            while let at = open.popLast() {
                guard reached.insert(at).inserted else { continue }
                let code = program[at].code
                if code == DeviceProgram.Opcode.exit { continue }
                open.append(at + 1)
                if code & 7 == 6 { open.append(at + 1 + Int(program[at].offset)) }
            }
            #expect(reached == Set(program.indices), "\(rules)")
        }
    }

    @Test func `rules are checked`() {
        for rule in [
            ResourcesSpec.DeviceRule(allow: true, access: "rx"), .init(allow: true, major: -5, access: "r"),
            .init(allow: true, major: 1 << 33, access: "r"),
        ] {
            #expect(throws: SpecError.self) { try DeviceRules.list(for: ResourcesSpec(devices: [rule])) }
        }
    }

    @Test func `no rules mean no control`() throws {
        #expect(try DeviceRules.list(for: ResourcesSpec()).isEmpty)
        #expect(try DeviceRules.list(for: nil).isEmpty)
    }

    @Test func `docker's list for v1 holds only exceptions`() throws {
        let docker = ResourcesSpec(devices: [
            .init(allow: false, access: "rwm"),
            .init(allow: true, kind: .character, major: 1, minor: 5, access: "rwm"),
            .init(allow: false, kind: .character, major: 10, minor: 229, access: "rwm"),
        ])
        let writes = try DevicePolicy(DeviceRules.list(for: docker)).legacyWrites.map(\.description)
        #expect(writes.first == "devices.deny = a")
        #expect(writes.dropFirst().allSatisfy { $0.hasPrefix("devices.allow = ") })
        #expect(writes.filter { $0.contains("c 1:5 ") } == ["devices.allow = c 1:5 rwm"])
    }

    @Test func `what v1 cannot express is refused`() {
        let rules = [
            DeviceRule(false, .all, nil, nil, .all), DeviceRule(true, .character, 10, nil, .all),
            DeviceRule(false, .character, 10, 229, .all),
        ]
        #expect(throws: SpecError.self) { try DevicePolicy(rules) }
        #expect(throws: Never.self) {
            try DevicePolicy(Array(rules.prefix(2)) + [DeviceRule(false, .character, nil, nil, .all)])
        }
    }
}
