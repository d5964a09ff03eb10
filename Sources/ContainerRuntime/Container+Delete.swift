package import Cgroups
package import LinuxSystem
import Rootfs
import RuntimeSpec

extension Container {
    /// What a deleted container leaves behind for its account.
    package struct Remains: Sendable, Equatable {
        /// The last figures of its cgroup, taken after its last process was gone; nil without a cgroup.
        package var statistics: CgroupStatistics?
        /// Failures of poststop hooks, which do not stop the removal.
        package var warnings: [String] = []
    }

    /// Deletes the container of a name. With `force` one that is not there is no failure, and what an interrupted
    /// create or a damaged state file has left is cleared.
    @discardableResult
    package static func delete(_ id: ContainerID, from store: StateStore, force: Bool) throws(StepError)
        -> Remains
    {
        let container: Container
        do throws(StepError) {
            container = try load(id, from: store)
        } catch {
            guard force else { throw error }
            if try store.contains(id) { try store.remove(id) }
            return Remains()
        }
        return try container.delete(force: force)
    }

    /// Removes what create has made: leftover processes, the cgroup, the state; runs the poststop hooks. A running
    /// container is refused unless `force`.
    /// With `account` the last figures are handed back, for an account that the caller makes; otherwise they are read
    /// only if a receipt is wanted, which is added to its file then.
    /// - Parameter end: how the program ended, if the caller has waited for it.
    @discardableResult
    package func delete(
        force: Bool, account: Bool = false, end: ObservedEnd? = nil
    ) throws(StepError) -> Remains {
        let directory = try store.directory(of: id)
        let lock = try lock(directory.borrowed, force: force)
        let status = record.isComplete ? try status() : .stopped
        if !force { try StateTransition.delete.check(status) }
        // A create that was killed may have left an init that has heard nothing of it.
        if status != .stopped || (!record.isComplete && record.pid > 0) { try endAll() }
        var remains = Remains()
        let kept = accountRecord()
        let receipt = account || (kept.started == nil && end == nil) ? nil : record.receiptFile
        remains.statistics = try phase(.cgroupFailed) { () throws(StepError) in
            try removeCgroup(account: account || receipt != nil, since: kept.outerEvents) { statistics in
                guard let receipt else { return }
                let failure = bestEffort("told as a warning: the container goes all the same") {
                    () throws(StepError) in
                    try ReceiptFile(checked: receipt).append(self.receipt(statistics, kept, end))
                }
                if let failure { remains.warnings.append(failure.description) }
            }
        }
        try record.resctrl?.remove()
        try record.attachedRoot?.detach()
        if record.hasPoststop {
            let hooks = try configuration().hooks?.poststop ?? []
            remains.warnings = runPoststop(hooks, state(.stopped))
        }
        try store.remove(id)
        _ = consume lock
        return remains
    }

    /// Who creates or deletes holds this; a plain delete does not wait for a create.
    private func lock(_ directory: BorrowedFD, force: Bool) throws(StepError) -> FileLock {
        do throws(SyscallError) {
            let lock = try FileLock(try directory.duplicate(), blocking: force)
            // Whoever had the lock before may have deleted it, and the id may be another container's by now.
            if try directory.status().linkCount > 0 { return lock }
        } catch {
            if error.errno == .EAGAIN {
                throw StepError(
                    "", refused: "the container is being created or deleted", code: .containerBusy)
            }
            throw StepError("lock the container's state", error)
        }
        throw StepError("", refused: "container does not exist", code: .containerNotFound)
    }

    private func removeCgroup(
        account: Bool, since before: [MemoryEvents], _ listener: (CgroupStatistics) -> Void
    ) throws(StepError) -> CgroupStatistics? {
        guard let saved = record.cgroup else {
            if account { listener(CgroupStatistics()) }
            return nil
        }
        let cgroup = try Cgroup.reopen(from: saved)
        if account { try cgroup.endLeftovers() }
        let statistics = account ? cgroup.account(since: before) : nil
        if let statistics { listener(statistics) }
        try cgroup.remove()
        return statistics
    }
}

extension Cgroup {
    /// Processes that outlive init exist only where the pid namespace is shared.
    fileprivate func endLeftovers() throws(StepError) {
        if try isPopulated() { try kill() }
    }
}

extension StateStore {
    /// Whether there is a directory for the id.
    package func contains(_ id: ContainerID) throws(StepError) -> Bool {
        try during("look for the state of \(id)") { () throws(SyscallError) in
            try statusIfPresent(of: root.appending(id.path)) != nil
        }
    }

    /// Removes a container's directory.
    func remove(_ id: ContainerID) throws(StepError) {
        try during("remove the state of \(id)") { () throws(SyscallError) in
            let parent = try open(root, [.readOnly, .directory])
            let directory = try open(id.path, [.readOnly, .directory, .noFollow], in: parent.borrowed)
            for name in FileName.all {
                bestEffort("what is not there needs no removal; the directory tells the rest") {
                    () throws(SyscallError) in
                    try unlink(name, in: directory.borrowed)
                }
            }
            do throws(SyscallError) {
                try removeDirectory(id.path, in: parent.borrowed)
            } catch {
                guard error.errno == .ENOTEMPTY else { throw error }
                try removeTree(id.path, in: parent.borrowed)
            }
        }
    }
}
