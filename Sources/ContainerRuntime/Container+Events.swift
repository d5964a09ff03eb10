package import Cgroups
import JSONCoding
package import LinuxSystem

/// Something about a running container that its watcher is told, a JSON object in the form of `runc events`.
package enum ContainerEvent: Sendable {
    /// What it uses now.
    case statistics(StatisticsReport)
    /// A process of it was killed for want of memory.
    case outOfMemory

    /// The object.
    package func json(of id: ContainerID) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            switch self {
            case .statistics(let report):
                writer.field("type", "stats")
                writer.field("id", id.description)
                writer.field("data", report)
            case .outOfMemory:
                writer.field("type", "oom")
                writer.field("id", id.description)
            }
        }
        return writer.finish()
    }
}

extension Container {
    /// What the container uses now.
    package func usage() throws(StepError) -> ContainerEvent {
        try StateTransition.processes.check(try status())
        return .statistics(try report())
    }

    private func report() throws(StepError) -> StatisticsReport {
        let cgroup = try openCgroup("read the usage")
        var report = StatisticsReport(of: cgroup)
        if let group = record.resctrl {
            report.resctrl = ResctrlReport(of: group, in: try ResctrlTree.find())
        }
        return report
    }

    /// Tells `listener` what the container uses, every `nanoseconds`, and each time that one of its processes is
    /// killed for want of memory, until the container ends or the listener gives false. Between events it sleeps in
    /// poll(2).
    package func watch(
        every nanoseconds: Int64, _ listener: (ContainerEvent) -> Bool
    ) throws(StepError) {
        try StateTransition.processes.check(try status())
        guard let initial = try openInit() else {
            throw StepError("", refused: "container not running", code: .containerNotRunning)
        }
        let cgroup = try openCgroup("watch the container")
        var memory = try OutOfMemoryWatch.begin(cgroup)
        let step: Step = "watch the container"
        let timer = try during(step) { () throws(SyscallError) in
            let timer = try TimerDescriptor()
            try timer.set(firstNanoseconds: nanoseconds, intervalNanoseconds: nanoseconds)
            return timer
        }
        while true {
            var list: [(fd: BorrowedFD, events: PollEvents)] = [
                (initial.borrowed, .readable), (timer.fd.borrowed, .readable),
            ]
            if let interest = memory?.interest { list.append(interest) }
            let found = try during(step) { () throws(SyscallError) in try poll(list) }
            // Asked at the end, too: it may be why the container has ended.
            let kills = try memory?.take() ?? 0
            for _ in 0..<kills where !listener(.outOfMemory) { return }
            if !found[0].isEmpty { return }
            if found[1].isEmpty { continue }
            try during(step) { () throws(SyscallError) in _ = try timer.fd.borrowed.read(max: 8) }
            if !listener(.statistics(try report())) { return }
        }
    }
}
