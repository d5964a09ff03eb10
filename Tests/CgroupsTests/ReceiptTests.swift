import Cgroups
import LinuxSystem
import Testing

@Suite struct ReceiptTests {
    private func receipt() -> UsageReceipt {
        var statistics = CgroupStatistics()
        statistics[.cpuUsage] = .value(1_204_567, source: "cpu.stat usage_usec")
        statistics[.memoryPeak] = .value(67_108_864, source: "memory.peak")
        statistics[.memoryLimit] = .unlimited(source: "memory.max")
        statistics[.memoryOOMKills] = .value(1, source: "memory.events oom_kill")
        statistics[.memoryOOMEvents] = .value(1, source: "memory.events oom")
        statistics[.processesPeak] = .unavailable("this kernel or cgroup has no pids.peak")
        var usage = ResourceUsage()
        usage.maximumResidentBytes = 1536
        return UsageReceipt(
            id: "abc", name: "web", image: "busybox:latest", statistics: statistics, usage: usage,
            started: FileTime(seconds: 1_700_000_000, nanoseconds: 5),
            finished: FileTime(seconds: 1_700_000_002),
            wallMicroseconds: 2_000_001, exit: .signaled(9))
    }

    @Test func `goes through JSON unchanged`() throws {
        #expect(try UsageReceipt(json: receipt().json()) == receipt())
    }

    @Test func `keeps labels, the cgroups above and what is not known`() throws {
        var receipt = receipt()
        receipt.labels = ["team": "blue"]
        receipt.cgroup = "/skiff/abc"
        receipt.bundle = "/bundle"
        receipt.started = nil
        receipt.wallMicroseconds = nil
        receipt.exit = nil
        receipt.memoryStatistics = ["anon": 4096, "file": 0]
        receipt.memoryEvents = [
            MemoryEvents(
                cgroup: "/skiff", limit: .unlimited(source: "memory.max"), events: ["oom": 2],
                local: ["oom": 1])
        ]
        receipt.outOfMemory = OutOfMemory(.outerLimit, outerCgroup: "/skiff")
        #expect(try UsageReceipt(json: receipt.json()) == receipt)
        let text = String(decoding: receipt.json(), as: UTF8.self)
        #expect(text.contains(#""unavailable":{"wallMicroseconds":"the start was not noted","exitCode":"#))
        #expect(receipt.text.contains("at the limit of the cgroup /skiff above"))
    }

    @Test func `never says 0 for unknown`() throws {
        let text = String(decoding: receipt().json(), as: UTF8.self)
        #expect(text.contains(#""processes.peak":{"unavailable":"this kernel or cgroup has no pids.peak"}"#))
        #expect(text.contains(#""io.read_bytes":{"unavailable":"#))
        #expect(receipt().text.contains("not available: this kernel or cgroup has no pids.peak"))
    }

    @Test func `names amounts, units and sources`() {
        let text = receipt().text
        #expect(text.contains("1.204 s"))
        #expect(text.contains("64.0 MiB"))
        #expect(text.contains("no limit"))
        #expect(text.contains("memory.peak"))
        #expect(text.contains("rusage ru_maxrss"))
        #expect(text.contains("signal 9 (SIGKILL)") || text.contains("signal 9 (KILL)"))
    }

    @Test func `tells whose limit killed (W-7)`() {
        func verdict(kills: UInt64?, own: UInt64?) -> OutOfMemory.Verdict {
            var statistics = CgroupStatistics()
            if let kills { statistics[.memoryOOMKills] = .value(kills, source: "") }
            if let own { statistics[.memoryOOMEvents] = .value(own, source: "") }
            return UsageReceipt(
                id: "", name: nil, statistics: statistics, usage: nil, started: FileTime(seconds: 0),
                finished: FileTime(seconds: 0), wallMicroseconds: 0, exit: nil
            ).outOfMemory.verdict
        }
        #expect(verdict(kills: nil, own: nil) == .unknown)
        #expect(verdict(kills: 0, own: 3) == .none)
        #expect(verdict(kills: 1, own: 1) == .ownLimit)
        #expect(verdict(kills: 1, own: 0) == .outerLimit)
    }

    @Test func `tells whose limit killed on v1, by the peak`() {
        func verdict(limit: Figure, peak: UInt64) -> OutOfMemory.Verdict {
            var statistics = CgroupStatistics()
            statistics[.memoryOOMKills] = .value(1, source: "")
            statistics[.memoryLimitHits] = .value(0, source: "")
            statistics[.memoryLimit] = limit
            statistics[.memoryPeak] = .value(peak, source: "")
            return UsageReceipt(
                id: "", name: nil, statistics: statistics, usage: nil, started: FileTime(seconds: 0),
                finished: FileTime(seconds: 0), wallMicroseconds: 0, exit: nil
            ).outOfMemory.verdict
        }
        #expect(verdict(limit: .value(64 << 20, source: ""), peak: 64 << 20) == .ownLimit)
        #expect(verdict(limit: .value(64 << 20, source: ""), peak: 20 << 20) == .outerLimit)
        #expect(verdict(limit: .unlimited(source: ""), peak: 20 << 20) == .outerLimit)
    }

    @Test(
        "numbers for people",
        arguments: [
            (FigureUnit.bytes, 1023, "1023 B"), (.bytes, 1024, "1.0 KiB"), (.bytes, 1_572_864, "1.5 MiB"),
            (.bytes, UInt64.max, "15.9 EiB"), (.microseconds, 999, "999 us"),
            (.microseconds, 1001, "1.001 ms"),
            (.microseconds, 61_000_050, "61.000 s"), (.count, 7, "7"),
        ] as [(FigureUnit, UInt64, String)])
    func numbers(_ unit: FigureUnit, _ number: UInt64, _ text: String) {
        #expect(unit.text(number) == text)
    }
}
