import Cgroups
import LinuxSystem
import RuntimeSpec
import Testing

extension KernelTests {
    @Suite struct LifecycleTests {
        @Test func `processes are listed, killed and gone after removal (CG-13)`() throws {
            for host in [try host(), try unifiedHost(), try legacyHost()] where host.layout != .none {
                let plan = try CgroupPlan.make(resources: nil, path: freshPath(), host: host)
                let cgroup = try Cgroup.create(plan)
                let guest = try Guest("sleep 100 & sleep 100", in: cgroup)
                #expect(try eventually { try cgroup.processes().count >= 2 })
                #expect(try cgroup.processes().contains(guest.pid))
                try cgroup.remove()
                #expect(try guest.wait() == .signaled(9))
                for tree in cgroup.trees { #expect(try !exists(tree.path)) }
            }
        }

        @Test func `cgroups that the container made are removed too (CG-13)`() throws {
            try withCgroup(on: host()) { cgroup in
                for tree in cgroup.trees {
                    try makeDirectories(tree.path.appending("a/b"))
                    try makeDirectory(tree.path.appending("c"))
                }
                let guest = try Guest("exec sleep 100", in: cgroup)
                if let unified = cgroup.trees.first(where: { $0.tree == .unified }) {
                    try writeFile(unified.path.appending("a/b/cgroup.procs"), "\(guest.pid)")
                }
                #expect(try cgroup.processes() == [guest.pid])
            }
        }

        @Test func `a child enters all v1 trees by itself`() throws {
            try withCgroup(on: host()) { cgroup in
                let guest = try Guest("exec sleep 100", in: cgroup)
                let text = String(decoding: try readFile("/proc/\(guest.pid)/cgroup"), as: UTF8.self)
                let legacy = cgroup.trees.filter { $0.version == .legacy }
                for tree in legacy {
                    let controller = try #require(tree.controllers.first?.legacyFolder)
                    let line = ":\(controller):\(cgroup.path)\n"
                    #expect(text.contains(line), "\(text)")
                }
                #expect(text.contains("0::\(cgroup.path)\n") || legacy.count == cgroup.trees.count)
            }
        }

        @Test func `our own folder goes with its last container`() throws {
            let host = try host()
            let first = try CgroupPath(cgroupsPath: nil, id: "test-\(currentProcessID())-a")
            let second = try CgroupPath(cgroupsPath: nil, id: "test-\(currentProcessID())-b")
            try withCgroup(on: host, at: first) { _ in
                try withCgroup(on: host, at: second) { _ in }
            }
        }

        @Test func `many containers may come and go at once`() async throws {
            let host = try host()
            try await withThrowingTaskGroup { group in
                for lane in 0..<8 {
                    group.addTask {
                        for round in 0..<10 {
                            let path = try CgroupPath(
                                cgroupsPath: nil, id: "churn-\(currentProcessID())-\(lane)-\(round)")
                            try withCgroup(on: host, at: path) { _ in }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }

        @Test func `a cgroup in use is refused (CG-5)`() throws {
            let path = try freshPath()
            try withCgroup(on: host(), at: path) { cgroup in
                let guest = try Guest("exec sleep 100", in: cgroup)
                #expect {
                    _ = try Cgroup.create(CgroupPlan.make(resources: nil, path: path, host: host()))
                } throws: { "\($0)".contains("is not empty") }
                #expect(try processStartTime(guest.pid) != nil)
            }
        }

        @Test func `a failure half way leaves nothing behind`() throws {
            let path = try freshPath()
            let host = try host()
            var plan = try CgroupPlan.make(resources: nil, path: path, host: host)
            let last = try #require(plan.directories.indices.last)
            plan.directories[last].writes = [CgroupWrite("no.such.file", "1", for: "unified.no.such.file")]
            let bad = plan
            #expect {
                _ = try Cgroup.create(bad)
            } throws: { error in
                let text = "\(error)"
                return text.contains("no.such.file = 1") && text.contains("unified.no.such.file")
            }
            for directory in plan.directories {
                let left = directory.mountPoint.appending(path.relative)
                #expect(try !exists(left), "\(left) is left")
            }
        }

        @Test func `freezing stops and thawing goes on, killing works while frozen`() throws {
            for host in [try host(), try unifiedHost(), try legacyHost()] where host.layout != .none {
                let plan = try CgroupPlan.make(resources: nil, path: freshPath(), host: host)
                let cgroup = try Cgroup.create(plan)
                let guest = try Guest("while :; do :; done", in: cgroup)
                try cgroup.freeze()
                #expect(try cgroup.isFrozen())
                let before = cgroup.statistics()[.cpuUsage].number
                pause(milliseconds: 50)
                #expect(cgroup.statistics()[.cpuUsage].number == before)
                try cgroup.thaw()
                #expect(try !cgroup.isFrozen())
                #expect(eventually { (cgroup.statistics()[.cpuUsage].number ?? 0) > (before ?? 0) })
                try cgroup.freeze()
                try cgroup.remove()
                #expect(try guest.wait() == .signaled(9))
            }
        }

        @Test func `other signals reach every process`() throws {
            try withCgroup(on: host()) { cgroup in
                let guest = try Guest("trap 'exit 7' USR1; while :; do sleep 0.01; done", in: cgroup)
                pause(milliseconds: 100)
                try cgroup.kill(10)
                let exit = try guest.wait()
                #expect(exit == .exited(7) || exit == .signaled(10))
            }
        }

        @Test func `a record opens the cgroup again, also when it is gone`() throws {
            let cgroup = try Cgroup.create(CgroupPlan.make(resources: nil, path: freshPath(), host: host()))
            let record = try CgroupRecord(json: cgroup.record.json())
            let again = try Cgroup.reopen(from: record)
            #expect(again.trees.map(\.path) == cgroup.trees.map(\.path))
            #expect(again.record == record)
            try again.remove()
            try cgroup.remove()
            #expect(try Cgroup.reopen(from: record).trees.isEmpty)
            #expect(cgroup.statistics()[.memoryCurrent].number == nil)
        }

        @Test func `a host without cgroups gives a container without figures`() throws {
            try withCgroup(on: CgroupHost(unified: nil)) { cgroup in
                #expect(cgroup.v2Directory == nil)
                let processes = try cgroup.processes()
                #expect(processes.isEmpty)
                for kind in FigureKind.allCases { #expect(cgroup.statistics()[kind].number == nil) }
            }
        }
    }
}
