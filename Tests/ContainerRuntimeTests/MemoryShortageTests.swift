import Cgroups
import ContainerInit
import ContainerRuntime
import LinuxSystem
import Testing

/// RES-1: a memory limit too low for the start, by the figures of a v2 cgroup.
@Suite struct MemoryShortageTests {
    private static let killed = LaunchFailure(StepError("start init", refused: "init died", code: .initDied))

    /// A folder with files as a v2 kernel has them.
    private func explained(
        _ failure: LaunchFailure, limit: String = "65536", events: String = "max 0\noom_kill 0\n",
        name: String = #function
    ) throws -> StepError {
        let number = name.utf8.reduce(5381) { ($0 &* 33 &+ Int($1)) & 0xFFFF }
        let root: Path = "/tmp/skiff-test-\(currentProcessID())-shortage\(number)"
        try makeDirectory(root)
        let result: StepError
        do {
            for (file, text) in [
                ("memory.max", limit), ("memory.peak", "61440"), ("memory.events", events),
            ] {
                let opened = try open(root.appending(Path(file)), [.writeOnly, .create], mode: 0o644)
                try opened.borrowed.writeAll(text + "\n")
            }
            let cgroup = try Cgroup.reopen(
                from: CgroupRecord(
                    path: "/a", directories: [.init(tree: .unified, controllers: [], path: root.string)]))
            result = MemoryShortage.explaining(failure, cgroup.statistics()).error
        } catch {
            try removeTree(root)
            throw error
        }
        try removeTree(root)
        return result
    }

    @Test func `a killed init names limit and peak`() throws {
        let error = try explained(Self.killed, events: "max 3\noom_kill 1\n")
        #expect(error.code == .memoryTooLow && error.operand == "linux.resources.memory.limit")
        #expect(error.description.contains("the memory limit of 65536 bytes is too low"))
        #expect(error.description.contains("killed init for it with a peak of 61440 bytes in use"))
    }

    @Test func `a call without memory names its step`() throws {
        let failure = LaunchFailure(StepError("mount proc", SyscallError(.fsmount, .ENOMEM)))
        let error = try explained(failure, events: "max 7\noom_kill 0\n")
        #expect(error.code == .memoryTooLow)
        #expect(error.description.contains("mount proc got no memory"))
    }

    @Test func `a limit that was not hit is no cause`() throws {
        #expect(try explained(Self.killed) == Self.killed.error)
    }

    @Test func `other failures stay as they are`() throws {
        let failure = LaunchFailure(StepError("mount proc", SyscallError(.fsmount, .EPERM)))
        #expect(try explained(failure, events: "max 3\noom_kill 1\n") == failure.error)
    }

    @Test func `a kill without a limit of its own is the host's shortage`() throws {
        let error = try explained(Self.killed, limit: "max", events: "max 0\noom_kill 1\n")
        #expect(error.code == .hostExhausted)
        #expect(error.description.contains("the host, or a cgroup above, is out of memory"))
    }
}
