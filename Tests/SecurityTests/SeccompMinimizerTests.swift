import RuntimeSpec
import SeccompBinding
import Testing

@testable import Security

/// The shortened program must say the same as libseccomp's for every call.
@Suite struct `Shortened filters` {
    private struct NotUnderstood: Error {}

    private struct Pair {
        let original: FilterMachine
        let shortened: FilterMachine
        let sizes: (Int, Int)
    }

    private func pair(_ spec: SeccompSpec) throws -> Pair {
        let architectures = try SeccompCompiler.architectures(of: spec)
        let fallback = try SeccompRule.action(spec.defaultAction, errno: spec.defaultErrnoRet)
        let rules = try SeccompRule.rules(of: spec, skipping: fallback)
        let complete =
            SeccompCompiler.prelude(of: spec, architectures)
            + (try SeccompCompiler.filter(rules, default: fallback, architectures))
        guard let short = SeccompMinimizer.rewrite(complete) else { throw NotUnderstood() }
        func bytes(_ program: [SeccompInstruction]) -> [UInt8] {
            program.reduce(into: []) { $1.encode(to: &$0) }
        }
        return Pair(
            original: FilterMachine(bytes(complete)), shortened: FilterMachine(bytes(short)),
            sizes: (complete.count, short.count))
    }

    private static let architectures: [UInt32] = [
        0xc000_003e, 0x4000_0003, 0xc000_00b7,
    ]
    private static let numbers: [UInt32] =
        Array(0..<560) + (0..<560).map { $0 | 0x4000_0000 }
        + [0x3fff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff, 0x000f_0000, 1000, 9999]

    private func compare(_ pair: Pair, arguments: [[UInt64]]) throws {
        for architecture in Self.architectures {
            for number in Self.numbers {
                for values in arguments {
                    let call = FilterMachine.Call(
                        architecture: architecture, number: number, arguments: values)
                    let (expected, found) = (
                        try pair.original.verdict(call), try pair.shortened.verdict(call)
                    )
                    // Not by #expect: it would cost more than the comparison, a hundred thousand times.
                    if expected != found { Issue.record("\(call): \(found) instead of \(expected)") }
                }
            }
        }
    }

    @Test(arguments: ["docker", "podman", "buildkit"])
    func `of engines say the same, in fewer instructions`(engine: String) throws {
        let pair = try pair(try Fixture.seccomp(engine))
        #expect(pair.sizes.1 * 3 < pair.sizes.0 * 2, "\(pair.sizes)")
        try compare(
            pair,
            arguments: [8, 0x1000_0011, 0x1_0000_0008].map { [$0, $0, 0, 0, 0, 0] })
    }

    @Test(arguments: [UInt64(0), 1 << 21, UInt64.max])
    func `of the default profile say the same`(capabilities: UInt64) throws {
        let profile = DefaultSeccomp.profile(capabilities: .init(rawValue: capabilities))
        let values: [UInt64] = Array(0..<48) + [0x1000_0011, 0x2_0000, 0x2_0008, 0xffff_ffff, 1 << 32]
        let pair = try pair(profile)
        try compare(pair, arguments: [[0x1000_0011, 0, 0, 0, 0, 0]])
        for number: UInt32 in [41, 56, 135, 41 | 0x4000_0000, 56 | 0x4000_0000, 135 | 0x4000_0000] {
            for value in values {
                let call = FilterMachine.Call(number: number, arguments: [value, 0, 0, 0, 0, 0])
                #expect(try pair.shortened.verdict(call) == pair.original.verdict(call))
            }
        }
    }

    /// Numbers that look random and are the same in each run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 32) ^ (state << 16)
        }
    }

    private static let values: [UInt64] = [
        0, 1, 7, 0x7fff_ffff, 0xffff_ffff, 0x1_0000_0000, 0x7_0000_0007, UInt64.max,
    ]

    private func randomSpec(_ generator: inout Generator) -> SeccompSpec {
        let names = [
            "read", "write", "open", "socket", "clone", "personality", "ioctl", "futex", "getpid", "openat2",
            "prctl",
        ]
        let operators: [SeccompSpec.Operator] = [
            .notEqual, .less, .lessOrEqual, .equal, .greaterOrEqual, .greater, .maskedEqual,
        ]
        var rules: [SeccompSpec.SyscallRule] = []
        for name in names.shuffled(using: &generator).prefix(7) {
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                var args: [SeccompSpec.Argument] = []
                for index in [UInt32(0), 1, 2].shuffled(using: &generator).prefix(
                    Int.random(in: 0...2, using: &generator))
                {
                    args.append(
                        SeccompSpec.Argument(
                            index: index, value: Self.values.randomElement(using: &generator) ?? 0,
                            valueTwo: Self.values.randomElement(using: &generator),
                            op: operators.randomElement(using: &generator) ?? .equal))
                }
                rules.append(SeccompSpec.SyscallRule(names: [name], action: .allow, args: args))
            }
        }
        let some: [SeccompSpec.Architecture] = [.x86_64, .x86, .x32]
        return SeccompSpec(
            defaultAction: [.errno, .kill, .trap].randomElement(using: &generator) ?? .errno,
            architectures: Array(
                some.shuffled(using: &generator).prefix(Int.random(in: 0...3, using: &generator))),
            syscalls: rules)
    }

    @Test(arguments: UInt64(1)...16)
    func `of arbitrary rules say the same`(seed: UInt64) throws {
        var generator = Generator(state: seed)
        let pair = try pair(randomSpec(&generator))
        let numbers: [UInt32] = [
            0, 1, 2, 16, 39, 41, 56, 135, 157, 202, 437, 3, 4, 5, 20, 54, 120, 136, 172, 240, 359, 600,
        ]
        for _ in 0..<40 {
            let arguments = (0..<6).map { _ in Self.values.randomElement(using: &generator) ?? 0 }
            for number in numbers {
                for bit: UInt32 in [0, 0x4000_0000] {
                    for architecture in Self.architectures.prefix(3) {
                        let call = FilterMachine.Call(
                            architecture: architecture, number: number | bit, arguments: arguments)
                        let (expected, found) = (
                            try pair.original.verdict(call), try pair.shortened.verdict(call)
                        )
                        if expected != found { Issue.record("\(call): \(found) instead of \(expected)") }
                    }
                }
            }
        }
    }

    @Test func `are not made of programs that are not understood`() {
        let loadX = SeccompInstruction(code: 0x61, operand: 0)
        let notJumping = SeccompInstruction(code: 0x54, operand: 1)
        #expect(SeccompMinimizer.shorten([loadX, .verdict(0), .verdict(0)]) == nil)
        #expect(SeccompMinimizer.shorten([.load(0), notJumping, .verdict(0), .verdict(0)]) == nil)
        #expect(SeccompMinimizer.shorten([.load(8), .verdict(0), .verdict(0)]) == nil, "instruction pointer")
        #expect(SeccompMinimizer.shorten([.load(4), .jumpIfGreater(5, 0, else: 0), .verdict(0)]) == nil)
        #expect(SeccompMinimizer.shorten([.load(4), .jump(9), .verdict(0)]) == nil, "runs off the end")
        #expect(SeccompMinimizer.shorten([.verdict(0)]) == nil, "cannot be shorter")
    }
}
