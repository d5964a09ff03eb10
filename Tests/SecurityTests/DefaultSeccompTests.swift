import CapabilityBinding
import LinuxSystem
import RuntimeSpec
import SeccompBinding
import Testing

@testable import Security

@Suite struct `The default profile` {
    private func capabilities(_ names: [String]) -> CapabilitySet {
        names.compactMap(Capability.init(name:)).reduce(into: []) { $0.insert(CapabilitySet($1)) }
    }

    private func machine(_ profile: SeccompSpec) throws -> FilterMachine {
        FilterMachine(try SeccompCompiler.compile(profile).instructions)
    }

    /// Calls that Docker's profile of 2026 allows and that of the fixture, Docker 20.10, did not know or allow yet.
    static let allowedSince: Set<String> = [
        "cachestat", "fchmodat2", "futex_requeue", "futex_wait", "futex_wake", "getxattrat", "listmount",
        "listxattrat", "map_shadow_stack", "mseal", "name_to_handle_at", "pkey_alloc", "pkey_free",
        "pkey_mprotect", "process_vm_readv", "process_vm_writev", "removexattrat", "riscv_hwprobe",
        "setxattrat",
        "statmount", "uretprobe",
    ]

    @Test func `allows no call that Docker's profile for the same capabilities does not`() throws {
        let docker = try Fixture.configuration("docker")
        let bounding = try #require(docker.process?.capabilities).bounding
        let theirs = try #require(docker.linux?.seccomp)
        func allowed(_ spec: SeccompSpec, unconditionally: Bool) -> Set<String> {
            Set(
                spec.syscalls.filter { $0.action == .allow && (!unconditionally || $0.args.isEmpty) }
                    .flatMap(\.names))
        }
        let ours = DefaultSeccomp.profile(capabilities: capabilities(bounding))
        let extra = allowed(ours, unconditionally: false)
            .subtracting(allowed(theirs, unconditionally: false)).subtracting(Self.allowedSince)
        #expect(extra.isEmpty)
        let unconditional = allowed(ours, unconditionally: true)
            .subtracting(allowed(theirs, unconditionally: true)).subtracting(Self.allowedSince)
        #expect(unconditional.isEmpty)
        let missing = allowed(theirs, unconditionally: false).subtracting(
            allowed(ours, unconditionally: false))
        #expect(missing == ["io_uring_setup", "io_uring_enter", "io_uring_register"])
    }

    @Test func `refuses by verdict what Docker's compiled profile refuses`() throws {
        let docker = try Fixture.configuration("docker")
        let bounding = try #require(docker.process?.capabilities).bounding
        let theirs = try machine(try #require(docker.linux?.seccomp))
        let ours = try machine(DefaultSeccomp.profile(capabilities: capabilities(bounding)))
        func since(_ architecture: SeccompArchitecture) -> Set<UInt32> {
            Set(
                Self.allowedSince.compactMap { architecture.number(ofCall: $0).map(UInt32.init(bitPattern:)) }
            )
        }
        let (known, known32, knownX32) = (since(.x86_64), since(.x86), since(.x32))
        for number: UInt32 in 0..<600 {
            for argument: UInt64 in [0, 8, 38, 40, 0x1000_0000, 0x7e02_0000, 0xffff_ffff] {
                let calls: [(FilterMachine.Call, Set<UInt32>)] = [
                    (.x86_64(number, argument), known), (.x86(number, argument), known32),
                    (.x32(number, argument), knownX32),
                ]
                for (call, exceptions) in calls where !exceptions.contains(call.number) {
                    let verdict = try ours.verdict(call)
                    guard verdict == Verdict.allow else { continue }
                    #expect(try theirs.verdict(call) == Verdict.allow, "\(call)")
                }
            }
        }
    }

    @Test(arguments: [
        (UInt32(165), "CAP_SYS_ADMIN"), (175, "CAP_SYS_MODULE"), (169, "CAP_SYS_BOOT"),
        (172, "CAP_SYS_RAWIO"),
        (161, "CAP_SYS_CHROOT"), (304, "CAP_DAC_READ_SEARCH"), (312, "CAP_SYS_PTRACE"),
        (163, "CAP_SYS_PACCT"),
        (164, "CAP_SYS_TIME"), (153, "CAP_SYS_TTY_CONFIG"), (237, "CAP_SYS_NICE"), (103, "CAP_SYSLOG"),
        (321, "CAP_BPF"), (298, "CAP_PERFMON"),
    ])
    func `opens a call with its capability only`(number: UInt32, capability: String) throws {
        let without = try machine(DefaultSeccomp.profile(capabilities: []))
        let with = try machine(DefaultSeccomp.profile(capabilities: capabilities([capability])))
        #expect(try without.verdict(.x86_64(number)) == Verdict.eperm)
        #expect(try with.verdict(.x86_64(number)) == Verdict.allow)
    }

    @Test func `lets no new namespace through without CAP_SYS_ADMIN`() throws {
        let plain = try machine(DefaultSeccomp.profile(capabilities: []))
        let admin = try machine(DefaultSeccomp.profile(capabilities: capabilities(["CAP_SYS_ADMIN"])))
        let clone: UInt32 = 56
        let clone3: UInt32 = 435
        let unshare: UInt32 = 272
        for flag: UInt64 in [
            0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
        ] {
            #expect(try plain.verdict(.x86_64(clone, flag | 17)) == Verdict.eperm)
            #expect(try admin.verdict(.x86_64(clone, flag | 17)) == Verdict.allow)
        }
        #expect(try plain.verdict(.x86_64(clone, 0x3d_0f00)) == Verdict.allow, "threads")
        #expect(try plain.verdict(.x86_64(clone3)) == Verdict.enosys)
        #expect(try admin.verdict(.x86_64(clone3)) == Verdict.allow)
        #expect(try plain.verdict(.x86_64(unshare)) == Verdict.eperm)
    }

    @Test func `keeps AF_ALG, AF_VSOCK and retired families shut`() throws {
        let plain = try machine(DefaultSeccomp.profile(capabilities: []))
        let shut: Set<UInt64> = [12, 19, 20, 23, 25, 34, 37, 38, 40, 46, 1 << 32]
        for family: UInt64 in Array(0..<47) + [1 << 32] {
            let expected = shut.contains(family) ? Verdict.eperm : Verdict.allow
            #expect(try plain.verdict(.x86_64(41, family)) == expected, "family \(family)")
        }
    }

    @Test func `keeps io_uring, keyctl, userfaultfd and bpf shut`() throws {
        let plain = try machine(DefaultSeccomp.profile(capabilities: []))
        for number: UInt32 in [425, 426, 427, 250, 248, 323, 321] {
            #expect(try plain.verdict(.x86_64(number)) == Verdict.eperm, "\(number)")
        }
    }
}
