import JSONCoding
import RuntimeSpec
import Testing

struct RoundTripTests {
    @Test func `every field is read and written`() throws {
        let source = try Fixture.bytes("json/every-field.json")
        let spec = try RuntimeSpec(json: source)
        #expect(try Fixture.tree(spec.json()) == Fixture.tree(source))
        #expect(try Fixture.tree(spec.json(.pretty)) == Fixture.tree(source))
        _ = try Validation.validate(spec)
    }

    @Test func `every field of features and state is read and written (FEAT-1, LIFE-9)`() throws {
        let features = try Fixture.bytes("json/features.json")
        #expect(try Fixture.tree(Features(json: features).json()) == Fixture.tree(features))
        let state = try Fixture.bytes("json/state.json")
        #expect(try Fixture.tree(ContainerState(json: state).json()) == Fixture.tree(state))
    }

    @Test func `fields arrive where they belong`() throws {
        let spec = try RuntimeSpec(json: Fixture.bytes("json/every-field.json"))
        #expect(spec.process?.rlimits == [RlimitSpec(type: .openFiles, soft: 1024, hard: .max)])
        #expect(spec.process?.scheduler?.flags == [.resetOnFork])
        #expect(spec.process?.ioPriority == IOPrioritySpec(schedulingClass: .bestEffort, priority: 4))
        #expect(
            spec.linux?.namespaces.map(\.kind) == [.pid, .network, .mount, .ipc, .uts, .user, .cgroup, .time])
        #expect(spec.linux?.timeOffsets?.monotonic == TimeOffsetsSpec.Offset(seconds: -5, nanoseconds: 7))
        #expect(
            spec.linux?.netDevices == [
                NetDeviceSpec(hostName: "eth1", name: "lan0"), NetDeviceSpec(hostName: "eth2"),
            ])
        #expect(
            spec.linux?.seccomp?.syscalls.first?.args == [
                SeccompSpec.Argument(index: 0, value: .max, valueTwo: 1, op: .maskedEqual)
            ])
        #expect(spec.linux?.resources?.memory?.disableOOMKiller == false)
        #expect(spec.linux?.rootfsPropagation == .rslave)
        #expect(spec.linux?.memoryPolicy?.mode == .bind)
        #expect(spec.hooks?.byName.map { $0.hooks.first?.timeout } == [1, 2, 3, 4, 5, 6])
    }

    @Test func `the fixtures are there`() {
        #expect(Fixture.configurations.count >= 19)
        #expect(Fixture.processes.count == 3)
    }

    @Test(arguments: Fixture.configurations)
    func `configurations of engines are read, valid and keep everything`(name: String) throws {
        let spec = try RuntimeSpec(json: Fixture.bytes(name))
        #expect(try Validation.validate(spec).spec == spec)
        let written = spec.json()
        #expect(try RuntimeSpec(json: written) == spec)
        #expect(try RuntimeSpec(json: spec.json(.pretty)) == spec)
        #expect(spec.process != nil && spec.root != nil && spec.linux != nil)
    }

    @Test(arguments: Fixture.processes)
    func `processes of engines are read, valid and keep everything`(name: String) throws {
        let process = try ProcessSpec(json: Fixture.bytes(name))
        try Validation.validate(process: process)
        #expect(try ProcessSpec(json: process.json()) == process)
        #expect(!process.args.isEmpty && process.capabilities?.bounding.isEmpty == false)
    }

    @Test func `unknown properties and sections of other platforms are ignored (BND-4, BND-9)`() throws {
        let text = #"""
            {"ociVersion": "1.2.0", "windows": {"layerFolders": ["c:\\x"], "root": 7}, "solaris": {},
             "vm": {"kernel": {}},
             "zos": {"namespaces": [{"type": "x"}]}, "freebsd": [1], "x-foo": {},
             "root": {"path": "r", "x-foo": {}},
             "process": {"user": {"username": "x", "x-foo": [{}]}, "commandLine": "y", "args": ["a"],
             "cwd": "/",
              "x-foo": {}}, "linux": {"x-foo": {"type": 1},
             "resources": {"x-foo": {}, "memory": {"x-foo": 1}},
              "intelRdt": {"enableCMT": true}}, "hostname": null, "mounts": null, "hooks": {"x-foo": 1}}
            """#
        let spec = try RuntimeSpec(json: Array(text.utf8))
        #expect(spec.root?.path == "r")
        #expect(spec.mounts == [] && spec.hostname == nil)
        _ = try Validation.validate(spec)
    }

    @Test func `empty text counts as absent where absence means something`() throws {
        let text = #"""
            {"ociVersion": "1.2.0", "hostname": "", "process": {"apparmorProfile": "", "selinuxLabel": ""},
             "linux":
             {"rootfsPropagation": "", "cgroupsPath": "", "mountLabel": "",
             "namespaces": [{"type": "pid", "path": ""}],
             "resources": {"devices": [{"allow": true, "type": "", "access": ""}]}}}
            """#
        let spec = try RuntimeSpec(json: Array(text.utf8))
        #expect(
            spec.linux
                == LinuxSpec(
                    namespaces: [NamespaceSpec(kind: .pid)],
                    resources: ResourcesSpec(devices: [.init(allow: true)])))
        #expect(spec.process == ProcessSpec() && spec.hostname == nil)
    }

    @Test(arguments: [
        (
            #"{"linux":{"namespaces":[{"type":"pid"},{"type":"foo"}]}}"#,
            "linux.namespaces[1].type: unknown namespace type \"foo\" "
                + "(known: pid, network, mount, ipc, uts, user, cgroup, time) (line 1, byte 47)"
        ),
        (
            #"{"linux":{"namespaces":[{"path":"/x"}]}}"#,
            "linux.namespaces[0]: \"type\" is required (line 1, byte 24)"
        ),
        (
            #"{"process":{"rlimits":[{"type":"RLIMIT_FOO"}]}}"#,
            "process.rlimits[0].type: unknown resource limit \"RLIMIT_FOO\" (known: RLIMIT_AS,"
        ),
        (#"{"process":{"rlimits":[{"soft":1,"hard":1}]}}"#, "process.rlimits[0]: \"type\" is required"),
        (
            #"{"process":{"scheduler":{"policy":"X"}}}"#,
            "process.scheduler.policy: unknown scheduling policy \"X\""
        ),
        (
            #"{"process":{"scheduler":{"policy":"SCHED_RR","flags":["X"]}}}"#,
            "process.scheduler.flags[0]: unknown scheduling flag \"X\""
        ),
        (
            #"{"process":{"ioPriority":{"class":"X"}}}"#,
            "process.ioPriority.class: unknown I/O priority class \"X\""
        ),
        (
            #"{"process":{"user":{"uid":4294967296}}}"#,
            "process.user.uid: the number does not fit the range 0...4294967295"
        ),
        (
            #"{"process":{"user":{"uid":-1}}}"#,
            "process.user.uid: the number does not fit the range 0...4294967295"
        ),
        (#"{"process":{"args":"sh"}}"#, "process.args: expected an array, found a string"),
        (#"{"linux":{"rootfsPropagation":"X"}}"#, "linux.rootfsPropagation: unknown mount propagation \"X\""),
        (
            #"{"linux":{"devices":[{"type":"x"}]}}"#,
            "linux.devices[0].type: unknown device type \"x\" (known: c, u, b, p)"
        ),
        (
            #"{"linux":{"resources":{"devices":[{"type":"x"}]}}}"#,
            "linux.resources.devices[0].type: unknown device rule type \"x\""
        ),
        (
            #"{"linux":{"seccomp":{"defaultAction":"X"}}}"#,
            "linux.seccomp.defaultAction: unknown seccomp action \"X\""
        ),
        (#"{"linux":{"seccomp":{}}}"#, "linux.seccomp: \"defaultAction\" is required"),
        (#"{"linux":{"seccomp":{"flags":["X"]}}}"#, "linux.seccomp.flags[0]: unknown seccomp flag \"X\""),
        (
            #"{"linux":{"seccomp":{"architectures":["X"]}}}"#,
            "linux.seccomp.architectures[0]: unknown seccomp architecture \"X\""
        ),
        (
            #"{"linux":{"seccomp":{"syscalls":[{"args":[{"op":"X"}]}]}}}"#,
            "linux.seccomp.syscalls[0].args[0].op: unknown seccomp operator \"X\""
        ),
        (
            #"{"linux":{"memoryPolicy":{"mode":"X"}}}"#,
            "linux.memoryPolicy.mode: unknown memory policy mode \"X\""
        ),
        (
            #"{"linux":{"memoryPolicy":{"flags":["X"]}}}"#,
            "linux.memoryPolicy.flags[0]: unknown memory policy flag \"X\""
        ),
        (
            #"{"linux":{"personality":{"domain":"X"}}}"#,
            "linux.personality.domain: unknown personality domain \"X\" (known: LINUX, LINUX32)"
        ),
        (#"{"annotations":{"a":1}}"#, "annotations.a: expected a string, found a number"),
        (#"{"linux":{"sysctl":{"a":"1","a":"2"}}}"#, "linux.sysctl.a: the name occurs twice in one object"),
    ])
    func `a wrong value is refused by its path (BND-5, BND-8, PRC-11, ANN-1)`(text: String, expected: String)
    {
        let text = message { () throws(JSONError) in _ = try RuntimeSpec(json: Array(text.utf8)) }
        #expect(text?.hasPrefix(expected) == true, "\(text ?? "accepted")")
    }
}

struct DefaultSpecTests {
    @Test func `the default configuration is valid and reads back (CLI-15)`() throws {
        let spec = RuntimeSpec.default
        #expect(try Validation.validate(spec).spec == spec)
        #expect(try RuntimeSpec(json: spec.json(.indented(by: "\t"))) == spec)
        #expect(spec.process?.terminal == true && spec.process?.args == ["sh"])
        #expect(spec.process?.capabilities?.inheritable == [] && spec.process?.capabilities?.ambient == [])
        #expect(
            spec.process?.capabilities?.bounding == ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"])
        #expect(spec.linux?.resources?.devices == [.init(allow: false, access: "rwm")])
    }

    @Test func `the rootless variant maps only the caller and drops what needs more (MNT-27)`() throws {
        let spec = RuntimeSpec.rootless(uid: 1000, gid: 1001)
        _ = try Validation.validate(spec)
        #expect(spec.linux?.uidMappings == [IDMappingSpec(containerID: 0, hostID: 1000, size: 1)])
        #expect(spec.linux?.gidMappings == [IDMappingSpec(containerID: 0, hostID: 1001, size: 1)])
        #expect(spec.linux?.namespaces.map(\.kind) == [.pid, .ipc, .uts, .mount, .cgroup, .user])
        #expect(spec.linux?.resources == nil)
        #expect(!spec.mounts.flatMap(\.options).contains { $0.hasPrefix("gid=") })
        #expect(spec.mounts.first { $0.destination == "/sys" }?.options.contains("rbind") == true)
    }
}
