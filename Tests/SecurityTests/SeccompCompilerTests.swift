import LinuxSystem
import RuntimeSpec
import Testing

@testable import Security

/// Call numbers of x86-64.
private enum Number {
    static let read: UInt32 = 0
    static let getpid: UInt32 = 39
    static let personality: UInt32 = 135
    static let socket: UInt32 = 41
}

private typealias Rule = SeccompSpec.SyscallRule

private func verdict(_ spec: SeccompSpec, _ call: FilterMachine.Call) throws -> UInt32 {
    try FilterMachine(try SeccompCompiler.compile(spec).instructions).verdict(call)
}

@Suite struct `Compiled filters` {
    @Test(arguments: [
        (SeccompSpec.Action.kill, UInt32?.none, UInt32(0)), (.killThread, nil, 0),
        (.killProcess, nil, 0x8000_0000),
        (.trap, nil, 0x0003_0000), (.errno, nil, 0x0005_0001), (.errno, 13, 0x0005_000d),
        (.trace, nil, 0x7ff0_0001), (.trace, 77, 0x7ff0_004d), (.log, nil, 0x7ffc_0000),
        (.notify, nil, 0x7fc0_0000),
    ])
    func `give the action of the rule (SEC-1, SEC-2)`(
        action: SeccompSpec.Action, errno: UInt32?, expected: UInt32
    ) throws {
        let spec = SeccompSpec(
            defaultAction: .allow, listenerPath: "/run/agent",
            syscalls: [Rule(names: ["getpid"], action: action, errnoRet: errno)])
        #expect(try verdict(spec, .x86_64(Number.getpid)) == expected)
        #expect(try verdict(spec, .x86_64(Number.read)) == Verdict.allow)
    }

    @Test func `fail other calls with the default errno (SEC-2)`() throws {
        let spec = SeccompSpec(
            defaultAction: .errno, defaultErrnoRet: 99, syscalls: [Rule(names: ["getpid"], action: .allow)])
        #expect(try verdict(spec, .x86_64(Number.read)) == 0x0005_0063)
        #expect(try verdict(spec, .x86_64(Number.getpid)) == Verdict.allow)
    }

    /// Values on both sides of 2³² and of the sign bits, where 32-bit comparisons go wrong.
    static let edges: [UInt64] = [
        0, 1, 41, 42, 43, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_0001,
        0x1_0000_002a, 0x2a_0000_0000, 0x2a_0000_002a, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000,
        UInt64.max,
    ]

    @Test(arguments: [
        SeccompSpec.Operator.notEqual, .less, .lessOrEqual, .equal, .greaterOrEqual, .greater,
    ])
    func `compare all 64 bits of an argument (SEC-3)`(op: SeccompSpec.Operator) throws {
        for bound in Self.edges {
            let argument = SeccompSpec.Argument(index: 3, value: bound, op: op)
            let spec = SeccompSpec(
                defaultAction: .allow, syscalls: [Rule(names: ["read"], action: .errno, args: [argument])])
            let machine = FilterMachine(try SeccompCompiler.compile(spec).instructions)
            for value in Self.edges {
                let holds =
                    switch op {
                    case .notEqual: value != bound
                    case .less: value < bound
                    case .lessOrEqual: value <= bound
                    case .equal: value == bound
                    case .greaterOrEqual: value >= bound
                    case .greater: value > bound
                    case .maskedEqual: false
                    }
                let verdict = try machine.verdict(.x86_64(Number.read, 5, 5, 5, value))
                #expect(verdict == (holds ? Verdict.eperm : Verdict.allow), "\(value) \(op) \(bound)")
            }
        }
    }

    @Test(arguments: [0, 0xff, 0xffff_ffff, 0xff_0000_0000, 0x1_0000_0001, UInt64.max])
    func `compare masked arguments (SEC-3)`(mask: UInt64) throws {
        for wanted in Self.edges.map({ $0 & mask }) {
            let argument = SeccompSpec.Argument(index: 0, value: mask, valueTwo: wanted, op: .maskedEqual)
            let spec = SeccompSpec(
                defaultAction: .allow, syscalls: [Rule(names: ["read"], action: .errno, args: [argument])])
            let machine = FilterMachine(try SeccompCompiler.compile(spec).instructions)
            for value in Self.edges {
                let expected = value & mask == wanted ? Verdict.eperm : Verdict.allow
                #expect(
                    try machine.verdict(.x86_64(Number.read, value)) == expected,
                    "\(value) & \(mask) == \(wanted)")
            }
        }
    }

    @Test func `take the action only when all conditions of a rule hold (SEC-3)`() throws {
        let args = [
            SeccompSpec.Argument(index: 0, value: 1, op: .equal),
            SeccompSpec.Argument(index: 1, value: 10, op: .greater),
            SeccompSpec.Argument(index: 5, value: 7, op: .notEqual),
        ]
        let spec = SeccompSpec(
            defaultAction: .errno, syscalls: [Rule(names: ["socket"], action: .allow, args: args)])
        let machine = FilterMachine(try SeccompCompiler.compile(spec).instructions)
        for first: UInt64 in [0, 1] {
            for second: UInt64 in [10, 11] {
                for last: UInt64 in [7, 8] {
                    let holds = first == 1 && second == 11 && last == 8
                    let verdict = try machine.verdict(.x86_64(Number.socket, first, second, 0, 0, 0, last))
                    #expect(verdict == (holds ? Verdict.allow : Verdict.eperm), "\(first) \(second) \(last)")
                }
            }
        }
    }

    @Test func `take the action when one of several rules holds (SEC-4)`() throws {
        let rules = [0, 8, 0xffff_ffff].map { (value: UInt64) in
            Rule(
                names: ["personality"], action: .allow,
                args: [SeccompSpec.Argument(index: 0, value: value, op: .equal)])
        }
        let spec = SeccompSpec(defaultAction: .errno, syscalls: rules)
        for (value, expected) in [
            (0, Verdict.allow), (8, Verdict.allow), (0xffff_ffff, Verdict.allow), (9, Verdict.eperm),
        ] {
            #expect(try verdict(spec, .x86_64(Number.personality, UInt64(value))) == expected)
        }
    }

    @Test func `split conditions on the same argument into alternatives (SEC-4)`() throws {
        let args = [
            SeccompSpec.Argument(index: 0, value: 2, op: .equal),
            SeccompSpec.Argument(index: 0, value: 5, op: .equal),
            SeccompSpec.Argument(index: 1, value: 9, op: .equal),
        ]
        let spec = SeccompSpec(
            defaultAction: .errno, syscalls: [Rule(names: ["socket"], action: .allow, args: args)])
        #expect(try verdict(spec, .x86_64(Number.socket, 2, 0)) == Verdict.allow)
        #expect(try verdict(spec, .x86_64(Number.socket, 5, 0)) == Verdict.allow)
        #expect(try verdict(spec, .x86_64(Number.socket, 0, 9)) == Verdict.allow)
        #expect(try verdict(spec, .x86_64(Number.socket, 1, 1)) == Verdict.eperm)
    }

    @Test func `kill calls of architectures that are not listed, and cover the native one always (SEC-5)`()
        throws
    {
        let spec = SeccompSpec(
            defaultAction: .allow, architectures: [.x86], syscalls: [Rule(names: ["getpid"], action: .errno)])
        #expect(try verdict(spec, .x86_64(Number.getpid)) == Verdict.eperm)
        #expect(try verdict(spec, .x86(20)) == Verdict.eperm)
        #expect(try verdict(spec, .x86(3)) == Verdict.allow)
        #expect(try verdict(spec, .x32(Number.getpid)) == Verdict.killProcess)
        let native = SeccompSpec(defaultAction: .allow, syscalls: [Rule(names: ["getpid"], action: .errno)])
        #expect(try verdict(native, .x86(3)) == Verdict.killProcess)
        let arm = FilterMachine.Call(architecture: 0xc000_00b7, number: 0)
        #expect(try verdict(native, arm) == Verdict.killProcess)
    }

    @Test func `skip names that nobody knows (SEC-6)`() throws {
        let spec = SeccompSpec(
            defaultAction: .errno,
            syscalls: [Rule(names: ["no_such_call", "read\0x", "getpid"], action: .allow)])
        #expect(try verdict(spec, .x86_64(Number.getpid)) == Verdict.allow)
        #expect(try verdict(spec, .x86_64(Number.read)) == Verdict.eperm)
    }

    @Test func `report calls newer than the profile as missing (SEC-7)`() throws {
        let spec = SeccompSpec(
            defaultAction: .errno, architectures: [.x86_64, .x86, .x32],
            syscalls: [Rule(names: ["getpid", "personality"], action: .allow)])
        #expect(try verdict(spec, .x86_64(135)) == Verdict.allow)
        #expect(try verdict(spec, .x86_64(134)) == Verdict.eperm)
        #expect(try verdict(spec, .x86_64(136)) == Verdict.enosys)
        #expect(try verdict(spec, .x86_64(9999)) == Verdict.enosys)
        #expect(try verdict(spec, .x86(136)) == Verdict.allow)
        #expect(try verdict(spec, .x86(137)) == Verdict.enosys)
        #expect(try verdict(spec, .x32(135)) == Verdict.allow)
        #expect(try verdict(spec, .x32(134)) == Verdict.eperm)
        #expect(try verdict(spec, .x32(9999)) == Verdict.enosys)
        let arm = FilterMachine.Call(architecture: 0xc000_00b7, number: 9999)
        #expect(try verdict(spec, arm) == Verdict.killProcess)
    }

    @Test func `leave x32 calls to libseccomp when x32 is not listed (SEC-5, SEC-7)`() throws {
        let spec = SeccompSpec(
            defaultAction: .errno, architectures: [.x86_64],
            syscalls: [Rule(names: ["getpid"], action: .allow)])
        #expect(try verdict(spec, .x32(Number.getpid)) == Verdict.killProcess)
        #expect(try verdict(spec, .x86_64(40)) == Verdict.enosys)
    }

    @Test(arguments: [SeccompSpec.Action.kill, .killProcess, .log, .allow])
    func `add no ENOSYS rule to other defaults (SEC-7, SEC-14)`(action: SeccompSpec.Action) throws {
        let spec = SeccompSpec(defaultAction: action, syscalls: [Rule(names: ["getpid"], action: .trap)])
        #expect(try verdict(spec, .x86_64(9999)) != Verdict.enosys)
    }

    @Test func `kill at the first call when nothing is listed (SEC-14)`() throws {
        #expect(try verdict(SeccompSpec(defaultAction: .kill), .x86_64(Number.read)) == Verdict.killThread)
    }

    @Test func `carry the flags (SEC-8)`() throws {
        let plain = SeccompSpec(
            defaultAction: .allow, flags: [.synchronizeThreads, .log, .allowSpeculation, .waitKillable],
            syscalls: [Rule(names: ["getpid"], action: .errno)])
        #expect(try SeccompCompiler.compile(plain).flags == 0b111)
        var notifying = plain
        notifying.listenerPath = "/run/agent"
        notifying.syscalls = [Rule(names: ["getpid"], action: .notify)]
        let program = try SeccompCompiler.compile(notifying)
        #expect(program.flags == 0b111111)
        #expect(program.notifies)
    }

    @Test(arguments: Fixture.engines)
    func `come out of what engines send`(engine: String) throws {
        let seccomp = try Fixture.seccomp(engine)
        let program = try SeccompCompiler.compile(seccomp)
        let machine = FilterMachine(program.instructions)
        #expect(try machine.verdict(.x86_64(Number.read)) == Verdict.allow)
        #expect(try machine.verdict(.x86_64(9999)) == Verdict.enosys)
        #expect(try machine.verdict(.x86_64(175)) == Verdict.eperm, "init_module")
    }
}

@Suite struct `Sections that contradict themselves are refused` {
    static let cases: [(SeccompSpec, String)] = [
        (SeccompSpec(defaultAction: .allow, syscalls: [Rule(action: .errno)]), "a rule without names"),
        (
            SeccompSpec(defaultAction: .allow, defaultErrnoRet: 1),
            "SCMP_ACT_ALLOW takes no errno, but 1 is given"
        ),
        (
            SeccompSpec(defaultAction: .allow, syscalls: [Rule(names: ["read"], action: .kill, errnoRet: 2)]),
            "SCMP_ACT_KILL takes no errno, but 2 is given"
        ),
        (
            SeccompSpec(defaultAction: .errno, defaultErrnoRet: 65536),
            "errno 65536 for SCMP_ACT_ERRNO is out of range"
        ),
        (
            SeccompSpec(
                defaultAction: .allow,
                syscalls: [Rule(names: ["read"], action: .errno, args: [.init(index: 6, op: .equal)])]),
            "read: argument index 6 is above 5"
        ),
        (SeccompSpec(defaultAction: .notify), "SCMP_ACT_NOTIFY cannot be the default action"),
        (
            SeccompSpec(defaultAction: .allow, syscalls: [Rule(names: ["read"], action: .notify)]),
            "SCMP_ACT_NOTIFY for read needs listenerPath"
        ),
    ]

    @Test(arguments: cases)
    func `with the reason (SEC-2, SEC-3, SEC-6, SEC-10)`(spec: SeccompSpec, reason: String) throws {
        let error = #expect(throws: StepError.self) { try SeccompCompiler.compile(spec) }
        #expect(error?.description == "compile the seccomp filter: \(reason)")
    }
}
