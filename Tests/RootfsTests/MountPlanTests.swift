import LinuxSystem
import Rootfs
import RuntimeSpec
import Testing

/// Facts of a container with all its own namespaces on a cgroup v2 host.
func facts(
    without missing: Set<NamespaceKind> = [.user, .time], cgroups: CgroupView = .unified(ownDirectory: nil)
) -> RootfsFacts {
    let all: Set<NamespaceKind> = [.pid, .network, .mount, .ipc, .uts, .user, .cgroup, .time]
    return RootfsFacts(ownNamespaces: Array(all.subtracting(missing)), bundle: "/bundle", cgroups: cgroups)
}

func spec(
    _ mounts: [MountSpec] = [], readOnly: Bool = false, hostname: String? = nil,
    linux: LinuxSpec = LinuxSpec()
) -> RuntimeSpec {
    RuntimeSpec(
        ociVersion: "1.2.0", root: RootSpec(path: "rootfs", readonly: readOnly), hostname: hostname,
        mounts: mounts,
        linux: linux)
}

@Suite struct MountPlanTests {
    private func plan(_ mounts: MountSpec..., facts given: RootfsFacts = facts()) throws -> MountPlan {
        try MountPlan.make(spec: spec(mounts), facts: given)
    }

    @Test func `ROOT-1: a relative root is looked up in the bundle`() throws {
        #expect(try plan().rootSource == "/bundle/rootfs")
        var handed = facts()
        handed.hasRootTree = true
        let plan = try plan(facts: handed)
        #expect(plan.rootSource == nil)
        #expect(plan.attachPoint == "/bundle/rootfs")
    }

    @Test func `MNT-2: a relative destination starts at the root`() throws {
        #expect(try plan(MountSpec(destination: "data", type: "tmpfs")).entries[0].destination == "/data")
    }

    @Test func `MNT-3, MNT-4: a bind is a bind by its options, whatever its type says`() throws {
        let plan = try plan(
            MountSpec(destination: "/a", type: "none", source: "src", options: ["rbind", "ro"]),
            MountSpec(destination: "/b", type: "bind", source: "/abs"))
        #expect(plan.entries[0].origin == .bind("/bundle/src", recursive: true))
        #expect(plan.entries[0].flags.set == .readOnly)
        #expect(plan.entries[1].origin == .bind("/abs", recursive: true))
    }

    @Test func `PROP-2: a bind never shares with the host unless root and mount both ask for it`() throws {
        let slave = PropagationChange(.isSlave, recursive: true)
        let shared = PropagationChange(.isShared, recursive: true)
        let bind = { (options: [String]) in
            MountSpec(destination: "/a", source: "/x", options: ["rbind"] + options)
        }
        #expect(try plan(bind([])).entries[0].propagation == [slave])
        #expect(
            try plan(bind(["rprivate"])).entries[0].propagation == [
                PropagationChange(.isPrivate, recursive: true)
            ])
        #expect(try plan(bind(["rshared"])).entries[0].propagation == [slave, shared])
        let both = try MountPlan.make(
            spec: spec([bind(["rshared"])], linux: LinuxSpec(rootfsPropagation: .rshared)), facts: facts())
        #expect(both.entries[0].propagation == [shared])
    }

    @Test func `a read-only tmpfs that gets something inside turns read-only at the end`() throws {
        let plan = try plan(
            MountSpec(destination: "/dev", type: "tmpfs", options: ["ro"]),
            MountSpec(destination: "/run", type: "tmpfs", options: ["ro", "nosuid"]),
            MountSpec(destination: "/run/lock", type: "tmpfs"),
            MountSpec(destination: "/tmp", type: "tmpfs", options: ["ro"]))
        #expect(plan.entries.map(\.becomesReadOnlyLate) == [true, true, false, false])
        #expect(plan.entries[1].flags.set == .noSetUserID)
        #expect(plan.entries[3].flags.set == .readOnly)
    }

    @Test func `MNT-25: a cgroup mount shows only the container's own`() throws {
        let mount = MountSpec(destination: "/sys/fs/cgroup", type: "cgroup", options: ["ro", "nosuid"])
        let fresh = try plan(mount).entries
        #expect(fresh.map(\.origin) == [.fresh(type: "cgroup2", source: "cgroup", parameters: [])])
        #expect(fresh[0].flags.set == [.readOnly, .noSetUserID])

        let shared = try plan(
            mount,
            facts: facts(without: [.cgroup, .user], cgroups: .unified(ownDirectory: "/sys/fs/cgroup/c")))
        #expect(shared.entries.map(\.origin) == [.bind("/sys/fs/cgroup/c", recursive: true)])

        let hierarchies = [
            CgroupHierarchy(name: "memory", ownDirectory: "/sys/fs/cgroup/memory/c"),
            CgroupHierarchy(name: "cpu,cpuacct", ownDirectory: "/sys/fs/cgroup/cpu,cpuacct/c"),
        ]
        let hybrid = try plan(
            mount, facts: facts(cgroups: .hybrid(hierarchies, unified: "/sys/fs/cgroup/unified/c"))
        ).entries
        #expect(
            hybrid.map(\.destination) == [
                "/sys/fs/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu,cpuacct",
                "/sys/fs/cgroup/unified",
            ])
        #expect(hybrid[0].becomesReadOnlyLate)
        #expect(
            hybrid[0].links == [
                MountParameter("cpu", "cpu,cpuacct"), MountParameter("cpuacct", "cpu,cpuacct"),
            ])
        #expect(hybrid[1].flags.set.contains(.readOnly))

        let none = try plan(mount, facts: facts(cgroups: .none)).entries
        #expect(none.count == 1)
        #expect(none[0].flags.set.contains(.readOnly))
    }

    @Test func `MNT-24, I-24: in a user namespace without the matching one the host's instance is bound`()
        throws
    {
        let given = facts(without: [.network, .pid, .ipc])
        let plan = try plan(
            MountSpec(destination: "/sys", type: "sysfs"), MountSpec(destination: "/proc", type: "proc"),
            MountSpec(destination: "/dev/mqueue", type: "mqueue"), facts: given)
        #expect(plan.entries[0].origin == .bind("/sys", recursive: true))
        #expect(plan.entries[0].recursiveFlags.set == .readOnly)
        #expect(plan.entries[1].origin == .bind("/proc", recursive: true))
        #expect(plan.entries[2].origin == .bind("/dev/mqueue", recursive: true))
    }

    @Test func `MNT-27: the gid of devpts is dropped when it has no mapping`() throws {
        let mount = MountSpec(
            destination: "/dev/pts", type: "devpts", options: ["newinstance", "gid=5", "mode=0620"])
        let one = [IDMappingSpec(containerID: 0, hostID: 1000, size: 1)]
        let few = try MountPlan.make(
            spec: spec([mount], linux: LinuxSpec(uidMappings: one, gidMappings: one)),
            facts: facts(without: []))
        #expect(
            few.entries[0].origin
                == .fresh(
                    type: "devpts", source: "devpts",
                    parameters: [MountParameter("newinstance"), MountParameter("mode", "0620")]))
        let many = [IDMappingSpec(containerID: 0, hostID: 100000, size: 65536)]
        let all = try MountPlan.make(
            spec: spec([mount], linux: LinuxSpec(uidMappings: many, gidMappings: many)),
            facts: facts(without: []))
        guard case .fresh(_, _, let parameters) = all.entries[0].origin else {
            Issue.record("not fresh"); return
        }
        #expect(parameters.contains(MountParameter("gid", "5")))
    }

    @Test(
        "bad entries are refused with the field's name",
        arguments: [
            (MountSpec(type: "tmpfs"), "mounts[0].destination: is required"),
            (MountSpec(destination: "/a"), "mounts[0].type"),
            (MountSpec(destination: "/a", options: ["bind"]), "mounts[0].source"),
            (MountSpec(destination: "/a\0b", type: "tmpfs"), "NUL"),
            (MountSpec(destination: "/proc", type: "tmpfs"), "only a proc mount may cover /proc"),
            (
                MountSpec(destination: "/x/../proc/.", source: "/v", options: ["bind"]),
                "only a proc mount may cover /proc"
            ),
            (MountSpec(destination: "/proc/self/attr", source: "/v", options: ["bind"]), "inside /proc"),
            (MountSpec(destination: "/a", source: "/v", options: ["bind", "idmap"]), "idmap needs mappings"),
            (
                MountSpec(
                    destination: "/a", source: "/v", options: ["bind"], uidMappings: [IDMappingSpec(size: 1)]),
                "must be given together"
            ),
        ])
    func refusals(mount: MountSpec, text: String) throws {
        let error = #expect(throws: SpecError.self) { try plan(mount) }
        #expect(error.map { "\($0)".contains(text) } == true, "\(String(describing: error))")
    }

    @Test func `files of procfs that engines replace may be mounted on`() throws {
        let plan = try plan(MountSpec(destination: "/proc/cpuinfo", source: "/v", options: ["bind"]))
        #expect(plan.entries[0].mayLandOnProc)
    }

    @Test func `DEV-1, DEV-5: listed devices come first, defaults complete them`() throws {
        let listed = [
            DeviceSpec(kind: .character, path: "/dev/null", major: 1, minor: 3, fileMode: 0o600, uid: 7),
            DeviceSpec(kind: .fifo, path: "/run/p"),
        ]
        let plan = try MountPlan.make(spec: spec(linux: LinuxSpec(devices: listed)), facts: facts())
        #expect(
            plan.devices.map(\.path) == [
                "/dev/null", "/run/p", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
            ])
        #expect(plan.devices[0].mode == 0o600)
        #expect(plan.devices[0].userID == 7)
        #expect(plan.devices[1].kind == .fifo)
        let mapped = try MountPlan.make(
            spec: spec(linux: LinuxSpec(devices: listed)), facts: facts(without: []))
        #expect(mapped.devices[0].bindSource == "/dev/null")
        #expect(mapped.devices[1].bindSource == nil)
    }

    @Test func `MNT-29: a long list of overlay layers is taken apart`() throws {
        let long = String(repeating: "x", count: 200)
        let mount = MountSpec(
            destination: "/m", type: "overlay",
            options: ["lowerdir=/a\\:b:/\(long):/c::/data", "upperdir=/u", "workdir=/w"])
        #expect(
            try plan(mount).entries[0].origin
                == .fresh(
                    type: "overlay", source: "overlay",
                    parameters: [
                        MountParameter("lowerdir", "/a\\:b:/\(long):/c::/data"),
                        MountParameter("upperdir", "/u"),
                        MountParameter("workdir", "/w"),
                    ]))
        let longer = MountSpec(
            destination: "/m", type: "overlay",
            options: ["lowerdir=/a\\:b:/\(long):/\(long):/c::/data", "userxattr"])
        #expect(
            try plan(longer).entries[0].origin
                == .fresh(
                    type: "overlay", source: "overlay",
                    parameters: [
                        MountParameter("lowerdir+", "/a:b"), MountParameter("lowerdir+", "/" + long),
                        MountParameter("lowerdir+", "/" + long), MountParameter("lowerdir+", "/c"),
                        MountParameter("datadir+", "/data"), MountParameter("userxattr"),
                    ]))
    }

    @Test func `a /dev that is bound is left alone`() throws {
        let plan = try plan(MountSpec(destination: "/dev", source: "/dev", options: ["rbind"]))
        #expect(!plan.furnishesDev)
        #expect(plan.devices.isEmpty)
    }

    @Test func `HST-1, HST-3: names need a uts namespace and fit into 64 bytes`() throws {
        #expect(try MountPlan.make(spec: spec(hostname: "web"), facts: facts()).hostname == "web")
        #expect(throws: SpecError.self) {
            try MountPlan.make(spec: spec(hostname: "web"), facts: facts(without: [.uts]))
        }
        let long = String(repeating: "x", count: 65)
        #expect(throws: SpecError.self) { try MountPlan.make(spec: spec(hostname: long), facts: facts()) }
    }

    @Test func `NS-4: without a mount namespace the root is changed by chroot`() throws {
        var given = facts(without: [.mount, .user])
        given.hasNewMountNamespace = false
        let plan = try MountPlan.make(spec: spec(), facts: given)
        #expect(plan.sharesHostMounts && plan.rootChange == .chroot)
        given.opensInChild = true
        #expect(throws: SpecError.self) { try MountPlan.make(spec: spec(), facts: given) }
    }
}

@Suite struct SysctlTests {
    @Test(
        "SYS-1, SYS-2: both separators lead to the same file",
        arguments: [
            ("net.ipv4.ip_forward", "net/ipv4/ip_forward"), ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
            ("net.ipv4.conf.eth0/1.mtu", "net/ipv4/conf/eth0.1/mtu"),
            ("net/ipv4/conf/eth0.1/mtu", "net/ipv4/conf/eth0.1/mtu"),
            ("kernel.shm_rmid_forced", "kernel/shm_rmid_forced"),
            ("fs.mqueue.msg_max", "fs/mqueue/msg_max"), ("kernel.domainname", "kernel/domainname"),
        ])
    func paths(key: String, path: String) throws {
        let plan = try MountPlan.make(spec: spec(linux: LinuxSpec(sysctl: [key: "1"])), facts: facts())
        #expect(plan.sysctls.map(\.path) == [Path(path)])
    }

    @Test(
        "SYS-2, I-14: what is not a namespace's own parameter, or not one line, is refused",
        arguments: [
            ("kernel.core_pattern", "|/x"), ("kernel.hostname", "x"), ("vm.swappiness", "1"),
            ("user.max_user_namespaces", "1"),
            ("net..ipv4", "1"), ("net.ipv4.ip_forward", "1\n2"), ("net.ipv4.ip_forward", "1\u{0}"),
            ("net/../kernel/core_pattern", "x"), ("net.ipv4+kernel.core_pattern", "x"), ("net", "1"),
            ("", "1"),
            ("kernel/shmmax/../core_pattern", "x"), ("net.ipv4.ip_forward=1\nkernel.core_pattern", "x"),
            ("/net/ipv4", "1"),
        ])
    func refusals(key: String, value: String) {
        #expect(throws: SpecError.self) {
            try MountPlan.make(spec: spec(linux: LinuxSpec(sysctl: [key: value])), facts: facts())
        }
    }

    @Test(
        "SYS-3: a parameter of a namespace that is the host's is refused",
        arguments: [
            ("net.core.somaxconn", NamespaceKind.network), ("kernel.msgmax", .ipc),
            ("kernel.domainname", .uts),
        ])
    func shared(key: String, kind: NamespaceKind) {
        #expect(throws: SpecError.self) {
            try MountPlan.make(
                spec: spec(linux: LinuxSpec(sysctl: [key: "1"])), facts: facts(without: [.user, kind]))
        }
    }
}
