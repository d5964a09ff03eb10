import Cgroups
import LinuxSystem
import RuntimeSpec
import Testing

/// A host with all controllers in the v2 tree.
private let unified = CgroupHost(
    unified: "/sys/fs/cgroup",
    unifiedControllers: ["cpuset", "cpu", "io", "memory", "pids", "hugetlb", "rdma"])
/// A host with v1 trees only.
private let legacy = CgroupHost(
    unified: nil,
    legacy: [
        .init(name: "memory", controllers: [.memory], mountPoint: "/sys/fs/cgroup/memory"),
        .init(name: "cpu", controllers: [.cpu], mountPoint: "/sys/fs/cgroup/cpu"),
        .init(name: "blkio", controllers: [.io], mountPoint: "/sys/fs/cgroup/blkio"),
    ])

/// A host with memory in a v1 tree and a v2 tree beside it.
private let hybrid = CgroupHost(
    unified: "/sys/fs/cgroup/unified", unifiedControllers: ["hugetlb"],
    legacy: [.init(name: "memory", controllers: [.memory], mountPoint: "/sys/fs/cgroup/memory")])

/// Resources as in config.json, and what the plan says to them.
struct LimitRefusal: Sendable, CustomTestStringConvertible {
    let resources: String
    let message: String
    let kind: SpecError.Kind
    let host: CgroupHost

    init(_ resources: String, _ message: String, _ kind: SpecError.Kind = .invalid, on host: CgroupHost) {
        self.resources = resources
        self.message = message
        self.kind = kind
        self.host = host
    }

    var testDescription: String { message }
}

@Suite struct `Refusals of limits` {
    @Test(arguments: [
        LimitRefusal(
            #"{"cpu":{"idle":2}}"#, #"linux.resources.cpu.idle "2": must be 0 or 1"#, on: unified),
        LimitRefusal(
            #"{"cpu":{"quota":1000,"burst":2000}}"#,
            #"linux.resources.cpu.burst "2000": must not be above the quota 1000"#, on: unified),
        LimitRefusal(
            #"{"cpu":{"realtimeRuntime":1000}}"#,
            #"linux.resources.cpu.realtimeRuntime "1000": realtime limits do not exist in cgroup v2"#,
            .unsupported, on: unified),
        LimitRefusal(
            #"{"cpu":{"cpus":"0-x"}}"#,
            #"linux.resources.cpu.cpus "0-x": must be a list of numbers and ranges such as 0-3,7"#,
            on: unified),
        LimitRefusal(
            #"{"memory":{"swap":5000}}"#,
            #"linux.resources.memory.swap "5000": memory and swap cannot be limited without a memory limit"#,
            on: unified),
        LimitRefusal(
            #"{"memory":{"swappiness":10}}"#,
            #"linux.resources.memory.swappiness "10": does not exist in cgroup v2"#, .unsupported, on: unified
        ),
        LimitRefusal(
            #"{"memory":{"disableOOMKiller":true}}"#,
            #"linux.resources.memory.disableOOMKiller "true": does not exist in cgroup v2"#, .unsupported,
            on: unified),
        LimitRefusal(
            #"{"memory":{"swappiness":101}}"#,
            #"linux.resources.memory.swappiness "101": must be 0 to 100"#, on: legacy),
        LimitRefusal(
            #"{"blockIO":{"leafWeight":20}}"#,
            #"linux.resources.blockIO.leafWeight "20": the kernel has no leaf weights"#, .unsupported,
            on: unified),
        LimitRefusal(
            #"{"blockIO":{"weight":5}}"#, #"linux.resources.blockIO.weight "5": must be 10 to 1000"#,
            on: unified),
        LimitRefusal(
            #"{"rdma":{"a b":{"hcaHandles":1}}}"#,
            #"linux.resources.rdma "a b": is not a device name"#, on: unified),
        LimitRefusal(
            #"{"rdma":{"mlx5":{}}}"#, "linux.resources.rdma.mlx5: needs hcaHandles or hcaObjects",
            on: unified),
        LimitRefusal(
            #"{"unified":{"memory/max":"1"}}"#,
            #"must be the name of a file in the cgroup"#, on: unified),
        LimitRefusal(
            #"{"unified":{"nodot":"1"}}"#, #"must have the form controller.file"#, on: unified),
        LimitRefusal(
            #"{"unified":{"cgroup.procs":"1"}}"#, #"is not a limit and is set by the runtime only"#,
            on: unified),
        LimitRefusal(
            #"{"unified":{"nosuch.max":"1"}}"#,
            #"linux.resources.unified "nosuch.max": this host's cgroup v2 tree has no controller nosuch"#,
            .controllerMissing, on: unified),
        LimitRefusal(
            #"{"unified":{"pids.max":"1"}}"#,
            #"linux.resources.unified "pids.max": this host has no cgroup v2 tree"#,
            .controllerMissing, on: legacy),
        LimitRefusal(
            #"{"unified":{"memory.high":"1"}}"#,
            "the memory controller lives in cgroup v1 on this host, which has no such file",
            .controllerMissing, on: hybrid),
        LimitRefusal(
            #"{"devices":[{"allow":true,"type":"c","major":4096,"minor":1}]}"#,
            #"linux.resources.devices[0].major "4096": is not a device number: 0 to 4095"#, on: hybrid),
        LimitRefusal(
            #"{"devices":[{"allow":true,"access":"rx"}]}"#,
            #"linux.resources.devices[0].access "rx": must be made of r, w and m"#, on: hybrid),
        LimitRefusal(
            #"{"pids":{"limit":5}}"#,
            "linux.resources.pids.limit: this host has no pids controller, so the limit cannot be applied",
            .controllerMissing, on: legacy),
    ])
    func `a limit that cannot be had is refused with its field and the reason`(refusal: LimitRefusal) throws {
        let resources = try ResourcesSpec(json: Array(refusal.resources.utf8))
        let path = try CgroupPath(cgroupsPath: "/x", id: "x")
        var error: SpecError?
        do throws(SpecError) {
            _ = try CgroupPlan.make(resources: resources, path: path, host: refusal.host)
        } catch let found {
            error = found
        }
        let found = try #require(error)
        #expect(found.description.hasSuffix(refusal.message), "\(found)")
        #expect(found.kind == refusal.kind)
    }

    @Test(arguments: [
        ("/", "must not be the root cgroup"), ("/a/../b", "must not contain .."),
        ("/a\u{7}b", "must not hold control characters"),
    ])
    func `a path that is no place for a container is refused`(path: String, reason: String) {
        #expect {
            _ = try CgroupPath(cgroupsPath: path, id: "x")
        } throws: { error in
            "\(error)".hasPrefix("linux.cgroupsPath \"") && "\(error)".hasSuffix("\": \(reason)")
        }
    }
}
