internal import Cgroups
internal import ContainerRuntime
internal import JSONCoding
internal import LinuxSystem

/// The end of a run: figures taken after the last process has gone and before the cgroup goes, receipt and exit record
/// written, state of the runtime removed.
struct RunOutcome {
    let started: FileTime
    let startedNanoseconds: Int64

    /// The run begins now.
    static func begin() -> RunOutcome {
        RunOutcome(started: Clock.wall(), startedNanoseconds: Clock.monotonicNanoseconds())
    }

    /// Records how the run ended. Returns the exit record and the receipt as JSON.
    ///
    /// - Parameter lock: the container's lock file, which keeps the outcome for those who wait.
    func record(
        _ result: WaitResult, of container: borrowing EngineContainer, lock: BorrowedFD
    ) throws(StepError) -> (exit: ExitRecord, receipt: [UInt8]) {
        let wall = Clock.monotonicNanoseconds() - startedNanoseconds
        let finished = Clock.wall()
        var exit = ExitRecord(
            exitCode: result.exit.shellCode, started: Clock.timestamp(started),
            finished: Clock.timestamp(finished))
        if case .signaled(let number) = result.exit { exit.signal = number }
        var statistics = CgroupStatistics()
        var cgroup: String?
        do throws(StepError) {
            if let runtime = try container.runtime() {
                cgroup = runtime.record.cgroup?.path
                if let found = try runtime.delete(force: true, account: true).statistics {
                    statistics = found
                }
            }
        } catch {
            exit.error = "clean up: \(error)"
        }
        var receipt = UsageReceipt(
            id: container.record.id, name: container.record.name, image: container.record.image,
            statistics: statistics, usage: result.usage, started: started, finished: finished,
            wallMicroseconds: UInt64(max(wall, 0) / 1000), exit: result.exit)
        receipt.labels = container.record.labels
        receipt.cgroup = cgroup
        exit.wasOutOfMemory = receipt.wasKilledForMemory
        let text = receipt.json()
        if let file = container.record.receiptFile {
            let failure = bestEffort("told by the exit record; the container's own receipt stays") {
                () throws(StepError) in try ReceiptFile(checked: file).append(receipt)
            }
            if let failure { exit.error = failure.description }
        }
        let folder = container.folder.borrowed
        try during("record how container \(container.record.name) ended") { () throws(SyscallError) in
            try replaceFile(ContainerFile.receipt, in: folder, text)
            try replaceFile(ContainerFile.exit, in: folder, exit.json())
            try lock.seek(to: 0)
            try lock.truncate(to: 0)
            try lock.writeAll(exit.json())
            try unlink(ContainerFile.run, in: folder)
        }
        return (exit, text)
    }
}

extension UsageReceipt {
    /// Whether the kernel killed the container's main process, or one of its processes, for want of memory.
    fileprivate var wasKilledForMemory: Bool {
        switch outOfMemory.verdict {
        case .innerLimit, .ownLimit, .outerLimit: true
        case .none, .unknown: false
        }
    }
}
