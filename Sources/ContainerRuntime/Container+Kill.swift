import Cgroups
package import LinuxSystem
import RuntimeSpec

extension Container {
    private static let kill: Int32 = 9

    /// Sends a signal to the container's first process. SIGKILL to a container that shares its pid namespace goes to
    /// all its processes: nothing else would end them.
    package func kill(_ signal: Int32) throws(StepError) {
        let reachesAll = signal == Self.kill && !record.namespaces.contains(.pid)
        guard let initial = try openInit() else {
            // What init has left behind in a shared pid namespace can still be ended.
            if reachesAll, try hasProcesses() { return try killAll(signal) }
            throw StepError("", refused: "container not running", code: .containerNotRunning)
        }
        if reachesAll { return try killAll(signal) }
        do throws(SyscallError) {
            try initial.borrowed.sendSignal(signal)
        } catch {
            if error.errno == .ESRCH {
                throw StepError("", refused: "container not running", code: .containerNotRunning)
            }
            throw StepError("send \(SignalName.name(signal))", error)
        }
        if signal == Self.kill { thawAfterKill() }
    }

    /// Sends a signal to every process of the container; none left is no error.
    package func killAll(_ signal: Int32) throws(StepError) {
        if let cgroup = record.cgroup, !cgroup.directories.isEmpty {
            try Cgroup.reopen(from: cgroup).kill(signal)
        } else if let initial = try openInit() {
            bestEffort("it may have ended just now") { () throws(SyscallError) in
                try initial.borrowed.sendSignal(signal)
            }
        }
    }

    private func hasProcesses() throws(StepError) -> Bool {
        guard let cgroup = record.cgroup, !cgroup.directories.isEmpty else { return false }
        return try Cgroup.reopen(from: cgroup).isPopulated()
    }

    /// Ends every process of the container and waits for the first one.
    func endAll() throws(StepError) {
        let initial = try openInit()
        try killAll(Self.kill)
        guard let initial else { return }
        let view = initial.borrowed
        bestEffort("it may have ended just now") { () throws(SyscallError) in try view.sendSignal(Self.kill) }
        thawAfterKill()
        try during("wait for the end of init") { () throws(SyscallError) in
            try waitForEnd(of: view, Deadline(milliseconds: 10_000))
            // A parent that does not wait leaves a zombie; as the parent we take it away ourselves.
            bestEffort("init is usually somebody else's child") { () throws(SyscallError) in
                try waitForExit(of: .pidfd(view), blocking: false)
            }
        }
    }

    /// A frozen process ends only once it is thawed.
    private func thawAfterKill() {
        guard let cgroup = record.cgroup, !cgroup.directories.isEmpty else { return }
        bestEffort("a cgroup that is not frozen, or gone, needs no thawing") { () throws(StepError) in
            let cgroup = try Cgroup.reopen(from: cgroup)
            if try cgroup.isFrozen() { try cgroup.thaw() }
        }
    }
}
