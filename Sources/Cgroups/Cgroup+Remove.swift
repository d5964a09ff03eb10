package import LinuxSystem

extension Cgroup {
    /// The last figures; take them after the last process has gone and before `remove`.
    package func statistics() -> CgroupStatistics { CgroupStatistics.read(from: trees) }

    /// The last figures with all that belongs into an account.
    /// - Parameter before: what `outerMemoryEvents` gave before the container's start; empty if nobody asked.
    package func account(since before: [MemoryEvents]) -> CgroupStatistics {
        var statistics = CgroupStatistics.read(from: trees, detailed: true)
        statistics.addDetails(self, since: before)
        return statistics
    }

    /// What to tell when a process was killed for want of memory, such as a first process that cannot even start under
    /// its limit; nil if none was (W-6).
    package func memoryShortage() -> String? {
        let statistics = statistics()
        guard let kills = statistics[.memoryOOMKills].number, kills > 0 else { return nil }
        func text(_ kind: FigureKind) -> String { kind.text(statistics[kind]) }
        return "the memory limit is too low: \(text(.memoryLimit)), peak usage \(text(.memoryPeak)), "
            + "processes killed: \(kills)"
    }

    /// Kills what is left, waits until it is gone, and removes the directories in all trees, those that the container
    /// made below first, and our own folder with its last container. What is gone already is no error (CG-13, W-12).
    package func remove() throws(StepError) {
        if record.unit == nil, removeEmpty() { return }
        if try isPopulated() {
            try kill()
            try waitUntilEmpty(Deadline(milliseconds: 10_000))
        }
        var failure: StepError?
        if let unit = record.unit {
            do throws(StepError) {
                var systemd = try SystemdConversation.begin(unit)
                try systemd.stop()
            } catch {
                failure = error
            }
        }
        for tree in trees {
            do throws(StepError) {
                try removeAll(tree)
            } catch {
                if failure == nil { failure = error } else { failure?.notes.append("\(error)") }
            }
        }
        if let failure { throw failure }
    }

    /// What a launch that failed takes back: its processes, and the directories that `create` made. Those that were
    /// there before stay, with what is below them.
    package func takeBack() throws(StepError) {
        if record.unit != nil || isWhollyNew {
            try remove()
        } else if try isPopulated() {
            try kill()
            try waitUntilEmpty(Deadline(milliseconds: 10_000))
        }
        removeMade()
    }

    /// Removes the directories if nothing is in them, as it is when a container has ended; false if something stands
    /// against it. The kernel's refusal is the cheapest way to ask.
    private func removeEmpty() -> Bool {
        for tree in trees {
            let error = bestEffort("the thorough way finds out why and reports it") {
                () throws(SyscallError) in
                try removeDirectory(tree.path)
            }
            if error != nil { return false }
        }
        if record.isInOwnFolder { for tree in trees { removeOwnFolder(above: tree) } }
        return true
    }

    /// Waits until no process is left.
    func waitUntilEmpty(_ deadline: Deadline) throws(StepError) {
        let step: Step = "wait for the end of the processes of cgroup \(path)"
        var isEmpty = true
        if let unified {
            isEmpty = try during(step) { () throws(SyscallError) in
                do throws(SyscallError) {
                    return try EventsFile(unified).wait(until: "populated", is: 0, deadline)
                } catch {
                    // systemd removes a scope as soon as its last process is gone.
                    if error.errno == .ENOENT || error.errno == .ENODEV { return true }
                    throw error
                }
            }
        } else {
            for pid in try processes() {
                try during(step) { () throws(SyscallError) in try Self.waitForEnd(of: pid, deadline) }
            }
            isEmpty = !deadline.isOver
        }
        if isEmpty { return }
        let left = try processes().map(\.description).joined(separator: ", ")
        throw StepError(
            step, refused: "process \(left) was killed and does not end",
            hint: "it waits in the kernel, see /proc/PID/stack; delete again later")
    }

    /// A pidfd becomes readable when its process has ended.
    private static func waitForEnd(of pid: ProcessID, _ deadline: Deadline) throws(SyscallError) {
        do throws(SyscallError) {
            let process = try openPIDFD(pid)
            try LinuxSystem.waitForEnd(of: process.borrowed, deadline)
        } catch {
            if error.errno != .ESRCH { throw error }
        }
    }

    private func removeAll(_ tree: CgroupFiles) throws(StepError) {
        let deadline = Deadline(milliseconds: 5_000)
        var pause: Int64 = 50_000
        var hasWaited = false
        while true {
            do throws(SyscallError) {
                try removeDirectory(tree.path)
                break
            } catch {
                if error.errno == .ENOENT { break }
                let step: Step = "remove cgroup \(tree.path)"
                if error.errno != .EBUSY || deadline.isOver { throw StepError(step, error) }
                let removedChildren = try during(step) { () throws(SyscallError) in
                    try Self.removeChildren(of: tree.descriptor)
                }
                if removedChildren { continue }
                if tree.version == .unified, !hasWaited {
                    hasWaited = true
                    let isEmpty = try during(step) { () throws(SyscallError) in
                        try EventsFile(tree).wait(until: "populated", is: 0, deadline)
                    }
                    if isEmpty { continue }
                }
            }
            // A task that has ended leaves a v1 tree a moment after its parent saw the end; there is no event for it.
            Clock.sleep(nanoseconds: pause)
            pause = min(pause * 2, 20_000_000)
        }
        if record.isInOwnFolder { removeOwnFolder(above: tree) }
    }

    private func removeOwnFolder(above tree: CgroupFiles) {
        var path = tree.path
        for _ in 1..<max(Path(record.path).components.count, 1) {
            path = path.parent
            let error = bestEffort("other containers are in it, or have removed it") {
                () throws(SyscallError) in
                try removeDirectory(path)
            }
            if error != nil { return }
        }
    }

    /// Removes the cgroups below, innermost first; whether one is gone now.
    private static func removeChildren(of directory: BorrowedFD) throws(SyscallError) -> Bool {
        var progress = false
        for name in try children(of: directory) {
            do throws(SyscallError) {
                try removeDirectory(name, in: directory)
                progress = true
            } catch {
                if error.errno == .ENOENT { continue }
                if error.errno != .EBUSY { throw error }
                let child = try open(name, [.readOnly, .directory], in: directory)
                if try removeChildren(of: child.borrowed) { progress = true }
            }
        }
        return progress
    }
}
