import CapabilityBinding
import LinuxSystem
import RuntimeSpec
import Testing

@testable import Security

/// A plan as a bundle gives it, for what the runtime itself may grant.
private func plan(_ process: ProcessSpec, _ linux: LinuxSpec? = nil) throws -> SecurityPlan {
    let grantable = try CapabilityPlan.grantable(entersUserNamespace: false)
    return try SecurityPlan.make(process: process, linux: linux, grantable: grantable)
}

private func become(_ plan: SecurityPlan) throws {
    try SecuritySteps.dropBounding(plan)
    try SecuritySteps.setGroupsAndIDs(plan)
    try SecuritySteps.applyCapabilities(plan)
    try SecuritySteps.noNewPrivileges(plan)
}

private func take(_ names: [String]) throws {
    var state = try CapabilityState.current()
    for name in names {
        let one = CapabilitySet(try #require(Capability(name: name)))
        state.effective.subtract(one)
        state.permitted.subtract(one)
    }
    try state.apply()
}

/// The number of the notify descriptor, which stays open.
@discardableResult
private func load(_ program: SeccompProgram) throws -> Int32? {
    guard let notify = try SecuritySteps.loadSeccomp(program) else { return nil }
    return notify.release()
}

private func procfs() throws -> OwnedFD { try open("/proc", [.readOnly, .directory]) }

private let bind = CapabilitiesSpec(
    bounding: ["CAP_NET_BIND_SERVICE", "CAP_KILL"], effective: ["CAP_NET_BIND_SERVICE"],
    inheritable: ["CAP_NET_BIND_SERVICE"], permitted: ["CAP_NET_BIND_SERVICE"],
    ambient: ["CAP_NET_BIND_SERVICE"])

/// Each test changes a process of its own for good.
@Suite(.enabled(if: effectiveUserID() == 0, "changing ids needs root"))
struct `Steps of the init process` {
    @Test
    func `give an ordinary user exactly its ids, groups and capabilities (PRC-8, PRC-9, PRC-12, PRC-13)`()
        async
    {
        await #expect(processExitsWith: .success) { () async throws in
            let user = UserSpec(uid: 1000, gid: 2000, umask: 0o027, additionalGids: [4000, 3000])
            let plan = try plan(ProcessSpec(user: user, capabilities: bind, noNewPrivileges: true))
            try become(plan)
            try SecuritySteps.verify(plan)
            #expect(try userIDs() == [1000, 1000, 1000] && groupIDs() == [2000, 2000, 2000])
            #expect(try supplementaryGroups().sorted() == [3000, 4000])
            #expect(setFileModeMask(0) == 0o027)
            #expect(BoundingSet.current().rawValue == 0b100_0010_0000)
            #expect(AmbientSet.current().rawValue == 0b100_0000_0000)
            #expect(try CapabilityState.current().effective.rawValue == 0b100_0000_0000)
            #expect(try processControl(.getNoNewPrivileges) == 1)
        }
    }

    @Test func `drop the caller's groups also when none are configured (I-10)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            try setSupplementaryGroups([7, 8])
            let plan = try plan(ProcessSpec())
            try become(plan)
            try SecuritySteps.verify(plan)
            #expect(try supplementaryGroups().isEmpty)
            #expect(try CapabilityState.current().permitted.isEmpty && BoundingSet.current().isEmpty)
        }
    }

    @Test func `are refused where groups are wanted and setgroups is denied (I-25)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            let plan = try plan(ProcessSpec(user: UserSpec(additionalGids: [5])))
            let error = #expect(throws: StepError.self) {
                try SecuritySteps.setGroupsAndIDs(plan, canSetGroups: false)
            }
            #expect(error?.description.contains("setgroups is denied in this user namespace") == true)
        }
    }

    @Test func `are found out by the verification when they did not happen (I-11, H-15)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            let user = UserSpec(uid: 1000, gid: 1000)
            try become(try plan(ProcessSpec(user: user, capabilities: bind)))
            var wider = bind
            wider.bounding.append("CAP_CHOWN")
            var quieter = bind
            quieter.ambient = []
            var weaker = bind
            weaker.effective = []
            let others: [(ProcessSpec, String)] = [
                (ProcessSpec(user: UserSpec(uid: 1, gid: 1000), capabilities: bind), "user ids are"),
                (ProcessSpec(user: UserSpec(uid: 1000, gid: 1), capabilities: bind), "group ids are"),
                (
                    ProcessSpec(
                        user: UserSpec(uid: 1000, gid: 1000, additionalGids: [9]), capabilities: bind),
                    "supplementary groups are"
                ),
                (ProcessSpec(user: user, capabilities: quieter), "the ambient set is 0x400"),
                (ProcessSpec(user: user, capabilities: weaker), "capabilities are effective 0x400"),
                (
                    ProcessSpec(user: user, capabilities: bind, noNewPrivileges: true),
                    "no_new_privs is not set"
                ),
            ]
            for (process, text) in others {
                let plan = try SecurityPlan.make(process: process, linux: nil, grantable: .all)
                let error = #expect(throws: StepError.self) { try SecuritySteps.verify(plan) }
                #expect(error?.description.contains(text) == true, "\(text): \(String(describing: error))")
            }
            let bounding = try SecurityPlan.make(
                process: ProcessSpec(user: user, capabilities: wider), linux: nil, grantable: .all)
            let error = #expect(throws: StepError.self) { try SecuritySteps.verify(bounding) }
            #expect(error?.description.contains("the bounding set is 0x420") == true)
        }
    }

    @Test func `set limits exactly, soft and hard (PRC-11)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            let limits = [
                RlimitSpec(type: .openFiles, soft: 100, hard: 200),
                RlimitSpec(type: .coreSize, soft: 0, hard: 0),
            ]
            #expect(try SecuritySteps.applyRlimits(try plan(ProcessSpec(rlimits: limits))).isEmpty)
            #expect(try resourceLimit(7) == ResourceLimit(soft: 100, hard: 200))
            #expect(try resourceLimit(4) == ResourceLimit(soft: 0, hard: 0))
        }
    }

    @Test func `come as near to a limit as the kernel permits, and say so (PRC-11)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            try take(["CAP_SYS_RESOURCE"])
            try setResourceLimit(8, to: ResourceLimit(soft: 4096, hard: 8192))
            let limits = [RlimitSpec(type: .lockedMemory, soft: UInt64.max, hard: UInt64.max)]
            let warnings = try SecuritySteps.applyRlimits(try plan(ProcessSpec(rlimits: limits)))
            #expect(
                warnings.count == 1 && warnings.first?.hasPrefix("RLIMIT_MEMLOCK stays at 8192:8192") == true)
            #expect(try resourceLimit(8) == ResourceLimit(soft: 8192, hard: 8192))
        }
    }

    @Test func `set oom_score_adj, and warn where a lower one is not permitted (PRC-19)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            try take(["CAP_SYS_RESOURCE"])
            let proc = try procfs()
            #expect(
                try SecuritySteps.applyOOMScore(try plan(ProcessSpec(oomScoreAdj: 500)), proc: proc.borrowed)
                    == nil)
            #expect(try readFile("/proc/self/oom_score_adj") == Array("500\n".utf8))
            let warning = try SecuritySteps.applyOOMScore(
                try plan(ProcessSpec(oomScoreAdj: -900)), proc: proc.borrowed)
            #expect(warning == "oom_score_adj -900 is lower than this user may set and is left as it was")
            #expect(try readFile("/proc/self/oom_score_adj") == Array("500\n".utf8))
            #expect(try SecuritySteps.applyOOMScore(try plan(ProcessSpec()), proc: proc.borrowed) == nil)
        }
    }

    @Test func `write to a real procfs only (I-3)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            let folder = try TemporaryFolder()
            let root = try folder.directory()
            try makeDirectory("self", in: root.borrowed)
            let file = try open("self/oom_score_adj", [.writeOnly, .create], mode: 0o600, in: root.borrowed)
            #expect(throws: StepError.self) {
                try SecuritySteps.applyOOMScore(try plan(ProcessSpec(oomScoreAdj: 1)), proc: root.borrowed)
            }
            #expect(try file.borrowed.status().size == 0)
        }
    }

    @Test func `set scheduler, I/O priority and personality (PRC-20, PRC-21, PERS-1)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            try startSession()
            let process = ProcessSpec(
                scheduler: SchedulerSpec(policy: .batch, nice: 5),
                ioPriority: IOPrioritySpec(schedulingClass: .bestEffort, priority: 6))
            let plan = try plan(process, LinuxSpec(personality: PersonalitySpec(domain: .linux32)))
            try SecuritySteps.applyScheduling(plan)
            try SecuritySteps.applyPersonality(plan)
            let stat = String(decoding: try readFile("/proc/thread-self/stat"), as: UTF8.self).split(
                separator: " ")
            #expect(stat[40] == "3" && stat[18] == "5", "policy and nice")
            #expect(try readFile("/proc/thread-self/personality") == Array("00000008\n".utf8))
        }
    }

    @Test func `refuse labels of modules that are not there (PRC-17, PRC-18)`() throws {
        if try statusIfPresent(of: "/sys/kernel/security/apparmor") == nil {
            let error = #expect(throws: StepError.self) {
                try SecurityLabels(apparmorProfile: "docker-default", selinuxLabel: nil).check()
            }
            #expect(error?.description.hasSuffix("AppArmor is not enabled on this host") == true)
            try SecurityLabels(apparmorProfile: "unconfined", selinuxLabel: nil).check()
        }
        if try statusIfPresent(of: "/sys/fs/selinux/enforce") == nil {
            let error = #expect(throws: StepError.self) {
                try SecurityLabels(apparmorProfile: nil, selinuxLabel: "system_u:object_r:x:s0").check()
            }
            #expect(error?.description.hasSuffix("SELinux is not enabled on this host") == true)
        }
    }
}

@Suite(.enabled(if: effectiveUserID() == 0, "changing ids needs root"))
struct `Loading a filter` {
    @Test func `as the last step of an unprivileged process works with no_new_privs (SEC-13)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            let rules = [SeccompSpec.SyscallRule(names: ["personality"], action: .errno, errnoRet: 99)]
            let seccomp = SeccompSpec(defaultAction: .allow, syscalls: rules)
            let process = ProcessSpec(user: UserSpec(uid: 1000, gid: 1000), noNewPrivileges: true)
            let plan = try plan(process, LinuxSpec(seccomp: seccomp))
            try become(plan)
            try SecuritySteps.verify(plan)
            #expect(try load(try SeccompCompiler.compile(seccomp)) == nil)
            let error = #expect(throws: SyscallError.self) { try setPersonality(0) }
            #expect(error?.errno.rawValue == 99)
            let status = String(decoding: try readFile("/proc/thread-self/status"), as: UTF8.self)
            #expect(status.contains("Seccomp:\t2"))
        }
    }

    @Test func `without no_new_privs is refused once privileges are gone, hence early (SEC-13)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            let seccomp = SeccompSpec(defaultAction: .allow)
            let plan = try plan(
                ProcessSpec(user: UserSpec(uid: 1000, gid: 1000)), LinuxSpec(seccomp: seccomp))
            #expect(plan.loadsFilterEarly)
            let program = try SeccompCompiler.compile(seccomp)
            #expect(try load(program) == nil)
            try become(plan)
            try SecuritySteps.verify(plan)
            let error = #expect(throws: StepError.self) { try load(program) }
            #expect(error?.errno == .EACCES)
            #expect(error?.description.hasPrefix("load the seccomp filter: seccomp(2)") == true)
        }
    }

    @Test func `gives the notify descriptor when a rule notifies (SEC-9)`() async {
        await #expect(processExitsWith: .success) { () async throws in
            let rules = [SeccompSpec.SyscallRule(names: ["personality"], action: .notify)]
            let seccomp = SeccompSpec(
                defaultAction: .allow, flags: [.synchronizeThreads], listenerPath: "/run/agent",
                syscalls: rules)
            try processControl(.setNoNewPrivileges, 1)
            let number = try #require(try load(try SeccompCompiler.compile(seccomp)))
            let link = try readLink(Path("/proc/self/fd/\(number)"))
            #expect(link.string == "anon_inode:seccomp notify")
        }
    }

    @Test func `kills by default where the profile says so (SEC-14)`() async {
        let sigsys: CInt = 31
        await #expect(processExitsWith: .signal(sigsys)) { () async throws in
            try processControl(.setNoNewPrivileges, 1)
            try load(try SeccompCompiler.compile(SeccompSpec(defaultAction: .killProcess)))
            exitProcess(0)
        }
    }

    @Test func `lets the flags through that features reports (SEC-8)`() {
        #expect(SeccompFeatures.supportedFlags.contains(.synchronizeThreads))
        #expect(SeccompFeatures.supportedFlags.contains(.log))
        #expect(SeccompFeatures.supportedFlags.contains(.allowSpeculation))
    }
}
