import CapabilityBinding
import LinuxSystem
import RuntimeSpec
import Security
import Testing

@Suite struct `The security plan` {
    private func plan(
        _ process: ProcessSpec, _ linux: LinuxSpec? = nil, grantable: CapabilitySet = .all
    ) throws -> SecurityPlan {
        try SecurityPlan.make(process: process, linux: linux, grantable: grantable)
    }

    @Test func `keeps no capability when none is given (PRC-15)`() throws {
        let capabilities = try plan(ProcessSpec()).capabilities
        #expect(capabilities.bounding.isEmpty && capabilities.permitted.isEmpty)
        #expect(capabilities.effective.isEmpty && capabilities.inheritable.isEmpty)
        #expect(capabilities.ambient.isEmpty && capabilities.warnings.isEmpty)
    }

    @Test func `keeps the five sets apart (PRC-12, I-9)`() throws {
        let spec = CapabilitiesSpec(
            bounding: ["CAP_KILL", "CAP_CHOWN"], effective: ["CAP_CHOWN"], inheritable: ["CAP_KILL"],
            permitted: ["CAP_CHOWN", "CAP_KILL"], ambient: ["CAP_KILL"])
        let capabilities = try plan(ProcessSpec(capabilities: spec)).capabilities
        #expect(capabilities.bounding.rawValue == 0b100001)
        #expect(capabilities.effective.rawValue == 0b000001)
        #expect(capabilities.inheritable.rawValue == 0b100000)
        #expect(capabilities.permitted.rawValue == 0b100001)
        #expect(capabilities.ambient.rawValue == 0b100000)
    }

    @Test func `leaves out unknown and ungrantable capabilities with a warning (PRC-14)`() throws {
        let names = ["CAP_FOO", "CAP_KILL", "cap_chown", "33", "CAP_SYS_ADMIN"]
        let spec = CapabilitiesSpec(bounding: names, effective: names, permitted: names)
        let grantable = CapabilitySet.all.subtracting(CapabilitySet(.sysAdmin))
        let plan = try plan(ProcessSpec(capabilities: spec), grantable: grantable)
        #expect(plan.capabilities.bounding.rawValue == 0b100000)
        #expect(
            plan.warnings == [
                "capability CAP_FOO is not known here and is left out",
                "capability cap_chown is not known here and is left out",
                "capability 33 is not known here and is left out",
                "capability CAP_SYS_ADMIN cannot be granted here and is left out",
            ])
    }

    @Test func `leaves out of the ambient set what the kernel would refuse (PRC-13)`() throws {
        let spec = CapabilitiesSpec(
            bounding: ["CAP_KILL"], inheritable: [], permitted: ["CAP_KILL"], ambient: ["CAP_KILL"])
        let plan = try plan(ProcessSpec(capabilities: spec))
        #expect(plan.capabilities.ambient.isEmpty)
        #expect(plan.warnings.count == 1)
    }

    private static let sysAdmin = CapabilitiesSpec(
        bounding: ["CAP_SYS_ADMIN"], effective: ["CAP_SYS_ADMIN"], permitted: ["CAP_SYS_ADMIN"])

    @Test(arguments: [
        (false, CapabilitiesSpec?.none, true), (true, nil, false), (false, sysAdmin, false),
        (true, sysAdmin, false),
    ])
    func `loads the filter as late as the kernel lets it (SEC-13, PRC-16)`(
        noNewPrivileges: Bool, capabilities: CapabilitiesSpec?, early: Bool
    ) throws {
        let process = ProcessSpec(capabilities: capabilities, noNewPrivileges: noNewPrivileges)
        let linux = LinuxSpec(seccomp: SeccompSpec(defaultAction: .allow))
        #expect(try plan(process, linux).loadsFilterEarly == early)
        #expect(try !plan(process).loadsFilterEarly, "no filter at all")
    }

    static let refused: [(ProcessSpec, LinuxSpec?, String)] = [
        (ProcessSpec(oomScoreAdj: 1001), nil, "process.oomScoreAdj \"1001\": must be -1000 to 1000"),
        (
            ProcessSpec(capabilities: CapabilitiesSpec(effective: ["CAP_KILL"])), nil,
            "process.capabilities.effective \"CAP_KILL\": is not in the permitted set"
        ),
        (
            ProcessSpec(rlimits: [
                RlimitSpec(type: .openFiles, soft: 1, hard: 1),
                RlimitSpec(type: .openFiles, soft: 2, hard: 2),
            ]), nil, "process.rlimits[1].type \"RLIMIT_NOFILE\": is given twice"
        ),
        (
            ProcessSpec(rlimits: [RlimitSpec(type: .coreSize, soft: 2, hard: 1)]), nil,
            "process.rlimits[0].soft \"2\": is above the hard limit 1"
        ),
        (
            ProcessSpec(user: UserSpec(uid: UInt32.max)), nil, "process.user.uid \"4294967295\": is not an id"
        ),
        (
            ProcessSpec(user: UserSpec(additionalGids: [1, UInt32.max])), nil,
            "process.user.additionalGids[1] \"4294967295\": is not an id"
        ),
        (ProcessSpec(user: UserSpec(umask: 0o1000)), nil, "process.user.umask \"512\": is above 0777"),
        (
            ProcessSpec(ioPriority: IOPrioritySpec(schedulingClass: .idle, priority: 8)), nil,
            "process.ioPriority.priority \"8\": must be 0 to 7"
        ),
        (
            ProcessSpec(), LinuxSpec(personality: PersonalitySpec(domain: .linux32, flags: ["X"])),
            "linux.personality.flags \"X\": no flag is supported"
        ),
    ]

    @Test(arguments: refused.indices)
    func `refuses what cannot be meant (PRC-11, PRC-12, PRC-21, PERS-1)`(index: Int) throws {
        let (process, linux, text) = Self.refused[index]
        let error = #expect(throws: SpecError.self) { try plan(process, linux) }
        #expect(error?.description == text)
    }

    @Test func `takes empty labels as none (PRC-17, PRC-18)`() {
        #expect(SecurityLabels(apparmorProfile: "", selinuxLabel: "").isEmpty)
        #expect(!SecurityLabels(apparmorProfile: "p", selinuxLabel: nil).isEmpty)
    }
}

@Suite struct `User texts` {
    @Test(arguments: [
        ("0", UInt32(0), UInt32?.none), ("1000", 1000, nil), ("1000:2000", 1000, 2000), ("0:0", 0, 0),
        ("4294967294:1", 4_294_967_294, 1), ("007", 7, nil),
    ])
    func `give ids`(text: String, userID: UInt32, groupID: UInt32?) throws {
        let user = try UserText(text)
        #expect(user.userID == userID && user.groupID == groupID)
    }

    @Test(arguments: [
        "", ":", "1000x", "-1", "+1", "4294967295", "4294967296", "2147483648000", "18446744073709551616",
        "1:", ":1",
        " 1", "1 ", "1:2:3", "root", "1:root", "0x0", "١", "1\0", "1:-1", "1:4294967296", "1,2",
        "99999999999999999999999999999999",
    ])
    func `of any other form are refused (I-18)`(text: String) {
        #expect(throws: SpecError.self) { try UserText(text) }
    }

    @Test func `of digits are numbers, whatever their size (I-18)`() {
        #expect(UserText.isNumeric("99999999999999999999"))
        #expect(!UserText.isNumeric("") && !UserText.isNumeric("1a") && !UserText.isNumeric("-1"))
    }
}

@Suite struct `CPU lists` {
    @Test(arguments: [
        ("0", [0]), ("0-3,7", [0, 1, 2, 3, 7]), ("7,0-1,1", [0, 1, 7]), ("63-64", [63, 64]), ("8191", [8191]),
    ])
    func `give processors (PRC-22)`(text: String, processors: [Int]) throws {
        #expect(try CPUList(text, field: "f").processors == processors)
    }

    @Test(arguments: ["", ",", "1,", "3-1", "1-", "-1", "a", "1-2-3", "8192", "0-99999999", " 1", "1 -2"])
    func `of another form are refused (PRC-22)`(text: String) {
        #expect(throws: SpecError.self) { try CPUList(text, field: "process.execCPUAffinity.initial") }
    }
}

@Suite struct `Default capabilities` {
    private func set(_ names: String...) -> CapabilitySet {
        names.compactMap(Capability.init(name:)).reduce(into: []) { $0.insert(CapabilitySet($1)) }
    }
    private var standard: CapabilitySet { CapabilitySet(rawValue: 0xa804_25fb) }

    @Test func `are Docker's fourteen and can be added to and dropped from`() throws {
        #expect(try DefaultCapabilities.set(adding: [], dropping: []) == standard)
        let changed = try DefaultCapabilities.set(adding: ["net_admin", "CAP_SYS_TIME"], dropping: ["KILL"])
        #expect(changed == standard.union(set("CAP_NET_ADMIN", "CAP_SYS_TIME")).subtracting(set("CAP_KILL")))
    }

    @Test func `take ALL on either side`() throws {
        #expect(try DefaultCapabilities.set(adding: ["ALL"], dropping: []) == .all)
        #expect(try DefaultCapabilities.set(adding: [], dropping: ["all"]) == [])
        #expect(try DefaultCapabilities.set(adding: ["CHOWN"], dropping: ["ALL"]) == set("CAP_CHOWN"))
        let allBut = try DefaultCapabilities.set(adding: ["ALL"], dropping: ["SYS_ADMIN"])
        #expect(allBut == CapabilitySet.all.subtracting(CapabilitySet(.sysAdmin)))
    }

    @Test func `refuse unknown names and contradictions`() {
        #expect(throws: SpecError(field: "cap-add", reason: "is not a capability", value: "FOO")) {
            try DefaultCapabilities.set(adding: ["FOO"], dropping: [])
        }
        #expect(throws: SpecError(field: "cap-add", reason: "is also dropped", value: "CAP_KILL")) {
            try DefaultCapabilities.set(adding: ["KILL"], dropping: ["CAP_KILL"])
        }
    }

    @Test func `leave the inheritable and ambient sets empty (I-9)`() {
        let spec = DefaultCapabilities.spec(standard)
        #expect(spec.inheritable.isEmpty && spec.ambient.isEmpty)
        #expect(Set(spec.bounding) == Set(DefaultCapabilities.names))
        #expect(spec.effective == spec.bounding && spec.permitted == spec.bounding)
    }
}
