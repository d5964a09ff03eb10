import Cgroups
import LinuxSystem
import Testing

private let record = CgroupRecord(
    path: "/skiff/web", isInOwnFolder: true,
    directories: [
        .init(tree: .unified, controllers: [.hugetlb], path: "/sys/fs/cgroup/unified/skiff/web"),
        .init(tree: .legacy("memory"), controllers: [.memory], path: "/sys/fs/cgroup/memory/skiff/web"),
        .init(
            tree: .legacy("cpu,cpuacct"), controllers: [.cpu], path: "/sys/fs/cgroup/cpu,cpuacct/skiff/web"),
    ])

/// The paths below the container's cgroup, in the order of the trees.
private func below(_ texts: [String]) throws -> [String] {
    try record.below(try texts.map { try SubCgroup($0) }).directories.map { directory in
        String(
            directory.path.split(separator: "/skiff/web", maxSplits: 1, omittingEmptySubsequences: false)[1])
    }
}

@Suite struct SubCgroupTests {
    @Test(arguments: [
        (["a"], ["/a", "/a", "/a"]), (["/a/b/"], ["/a/b", "/a/b", "/a/b"]), (["/"], ["", "", ""]),
        (["memory:m"], ["", "/m", ""]), (["memory,cpu:m"], ["", "/m", "/m"]),
        (["memory:m", "cpu:c"], ["", "/m", "/c"]),
        (["hugetlb:h"], ["/h", "", ""]),
    ])
    func `a path goes below the container's cgroup in the trees meant (CLI-4)`(
        texts: [String], expected: [String]
    ) throws {
        #expect(try below(texts) == expected)
    }

    @Test(arguments: [
        ["../x"], ["a/../.."], ["memory:.."], [":a"], ["memory,:a"], ["nosuch:a"], ["memory:a", "memory:b"],
        ["a", "memory:b"],
    ])
    func `paths that lead up and names that mean nothing are refused`(texts: [String]) {
        #expect(throws: StepError.self) { try below(texts) }
    }

    @Test func `a cgroup is found where a process is now`() throws {
        let own = try record.following(currentProcessID())
        #expect(own.directories.count == record.directories.count)
        #expect(own.directories[0].path.hasPrefix("/sys/fs/cgroup/unified"))
        #expect(!own.directories[0].path.hasSuffix("/skiff/web"))
    }
}
