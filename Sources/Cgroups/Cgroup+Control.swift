package import LinuxSystem

extension Cgroup {
    /// Sends a signal to every process of the cgroup, new forks included for SIGKILL. A cgroup without processes is no
    /// error.
    /// - SeeAlso: cgroup-v2.rst §cgroup.kill
    package func kill(_ signal: Int32 = Self.killSignal) throws(StepError) {
        guard signal == Self.killSignal else { return try signalEach(signal) }
        if let unified {
            let error = bestEffort("kernels before 5.14 have no cgroup.kill, and then the loop below does it")
            {
                () throws(SyscallError) in try unified.write("1", to: "cgroup.kill")
            }
            if error == nil || error?.errno == .ENODEV { return }
        }
        try killByLoop()
    }

    /// SIGKILL.
    package static var killSignal: Int32 { 9 }

    /// Freezing keeps processes from forking away between the listing and the signal. A frozen process of v1 dies only
    /// when thawed, so the thawing must happen on every way out.
    private func killByLoop() throws(StepError) {
        let deadline = Deadline(milliseconds: 10_000)
        while try !processes().isEmpty {
            bestEffort("without a freezer the loop goes on until no process is left") {
                () throws(StepError) in
                try freeze()
            }
            let result = bestEffort("thawed first, thrown below") { () throws(StepError) in
                try signalEach(Self.killSignal)
            }
            bestEffort("there may be no freezer") { () throws(StepError) in try thaw() }
            if let result { throw result }
            try waitUntilEmpty(deadline)
        }
    }

    /// A pid may be given to a stranger between the listing and the opening of its pidfd; so membership is looked up
    /// again when the pidfds are open, some at a time because descriptors are limited (W-14).
    private func signalEach(_ signal: Int32) throws(StepError) {
        var rest = try processes()[...]
        while !rest.isEmpty {
            var batch = PidfdBatch()
            for pid in rest.prefix(128) {
                do throws(SyscallError) {
                    try batch.add(pid)
                } catch {
                    throw StepError("open process \(pid) of cgroup \(path)", error)
                }
            }
            rest = rest.dropFirst(128)
            let members = Set(try processes())
            for (pid, process) in batch.opened where members.contains(pid) {
                do throws(SyscallError) {
                    try process.sendSignal(signal)
                } catch {
                    if error.errno == .ESRCH { continue }
                    throw StepError("send signal \(signal) to process \(pid) of cgroup \(path)", error)
                }
            }
        }
    }

    /// Stops all processes of the cgroup and waits until they stand still.
    /// - SeeAlso: cgroup-v2.rst §cgroup.freeze, cgroup-v1/freezer-subsystem.rst
    package func freeze() throws(StepError) {
        try setFrozen(true)
    }

    /// Lets the processes run again.
    package func thaw() throws(StepError) {
        try setFrozen(false)
    }

    /// Whether all processes stand still.
    package func isFrozen() throws(StepError) -> Bool {
        try during("read the state of cgroup \(path)") { () throws(SyscallError) in
            if let unified {
                return try KernelText.value(of: "frozen", in: unified.read("cgroup.events")) == 1
            }
            guard let freezer = legacyFreezer else { return false }
            return try freezer.text("freezer.state") == "FROZEN"
        }
    }

    private var legacyFreezer: CgroupFiles? {
        trees.first { $0.tree != .unified && $0.controllers.contains(.freezer) }
    }

    private func setFrozen(_ frozen: Bool) throws(StepError) {
        let step: Step = "\(frozen ? "freeze" : "thaw") cgroup \(path)"
        let deadline = Deadline(milliseconds: 10_000)
        if let unified {
            let watch = try during(step) { () throws(SyscallError) in
                // Opened before the write, so that no change can be missed.
                let events = try EventsFile(unified)
                try unified.write(frozen ? "1" : "0", to: "cgroup.freeze")
                return events
            }
            let reached = try during(step) { () throws(SyscallError) in
                try watch.wait(until: "frozen", is: frozen ? 1 : 0, deadline)
            }
            if !reached {
                throw StepError(step, refused: "a process does not stand still (uninterruptible sleep)")
            }
        } else if let freezer = legacyFreezer {
            try setLegacyFreezer(freezer, frozen, step, deadline)
        } else {
            throw StepError(step, refused: "this container has no cgroup with a freezer")
        }
    }

    /// v1 reports no event, and freezing may stay half done while processes fork: the state is written again each time.
    private func setLegacyFreezer(
        _ freezer: CgroupFiles, _ frozen: Bool, _ step: Step, _ deadline: Deadline
    ) throws(StepError) {
        let state = frozen ? "FROZEN" : "THAWED"
        var pause: Int64 = 50_000
        while true {
            let now = try during(step) { () throws(SyscallError) in
                try freezer.write(state, to: "freezer.state")
                return try freezer.text("freezer.state")
            }
            if now == state { return }
            if deadline.isOver { throw StepError(step, refused: "the state stays \(now)") }
            Clock.sleep(nanoseconds: pause)
            pause = min(pause * 2, 10_000_000)
        }
    }
}

/// Some processes by pidfd.
private struct PidfdBatch: ~Copyable {
    private(set) var opened: [(ProcessID, BorrowedFD)] = []

    /// One that has ended meanwhile is left out.
    mutating func add(_ pid: ProcessID) throws(SyscallError) {
        do throws(SyscallError) {
            opened.append((pid, BorrowedFD(rawValue: try openPIDFD(pid).release())))
        } catch {
            if error.errno != .ESRCH { throw error }
        }
    }

    deinit {
        for (_, fd) in opened { _ = OwnedFD(adopting: fd.rawValue) }
    }
}
