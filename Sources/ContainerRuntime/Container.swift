import Cgroups
import ContainerInit
package import JSONCoding
package import LinuxSystem
package import RuntimeSpec

/// A container as its state file describes it; everything that changes is asked of the kernel.
package struct Container: Sendable {
    /// Its name.
    package let id: ContainerID
    /// Where its state is.
    package let store: StateStore
    /// What was written at create.
    package let record: StateRecord

    init(id: ContainerID, store: StateStore, record: StateRecord) {
        self.id = id
        self.store = store
        self.record = record
    }

    /// Reads the state of a container. `container does not exist` if there is none.
    package static func load(_ id: ContainerID, from store: StateStore) throws(StepError) -> Container {
        let directory = try store.directory(of: id)
        let bytes: [UInt8]
        do throws(SyscallError) {
            bytes = try readFile(StateStore.FileName.state, in: directory.borrowed, limit: 1 << 22)
        } catch {
            guard error.errno == .ENOENT else {
                throw StepError("read the state", error, code: .stateDamaged)
            }
            throw StepError(
                "read the state", refused: "create did not finish", hint: "skiff delete --force \(id)",
                code: .stateDamaged)
        }
        if bytes.isEmpty {
            throw StepError(
                "read the state", refused: "create did not finish", hint: "skiff delete --force \(id)",
                code: .stateDamaged)
        }
        do throws(JSONError) {
            return Container(
                id: id, store: store, record: try StateRecord(json: StateRecord.lastLine(of: bytes)))
        } catch {
            throw StepError(
                "read the state", refused: "state.json is damaged: \(error.reason)",
                hint: "skiff delete --force \(id)", code: .stateDamaged)
        }
    }

    /// A descriptor for init; nil when it has ended. The start time proves that the number still means the same
    /// process (I-26); it is compared after the descriptor is open, so that nothing can come between.
    package func openInit() throws(StepError) -> OwnedFD? {
        guard record.pid > 0 else { return nil }
        let pid = ProcessID(rawValue: record.pid)
        do throws(SyscallError) {
            let pidfd = try openPIDFD(pid)
            guard try processStartTime(pid) == record.startTime else { return nil }
            return pidfd
        } catch {
            if error.errno == .ESRCH || error.errno == .EINVAL { return nil }
            throw StepError("look for init", error)
        }
    }

    /// Where in its life the container is now.
    package func status() throws(StepError) -> ContainerState.Status {
        if !record.isComplete { return try isBeingCreated() ? .creating : .stopped }
        guard try openInit() != nil else { return .stopped }
        return try statusOfLiving()
    }

    /// The status, given that init lives.
    func statusOfLiving() throws(StepError) -> ContainerState.Status {
        let gate = try during("look for the start gate") { () throws(SyscallError) in
            try statusIfPresent(of: store.gatePath(of: id))
        }
        if gate != nil { return .created }
        return try isFrozen() ? .paused : .running
    }

    private func isFrozen() throws(StepError) -> Bool {
        guard let cgroup = record.cgroup else { return false }
        return try Cgroup.isFrozen(cgroup)
    }

    /// Whether somebody holds the lock that create takes.
    private func isBeingCreated() throws(StepError) -> Bool {
        let directory = try store.directory(of: id)
        do throws(SyscallError) {
            _ = try FileLock(directory, exclusive: false, blocking: false)
            return false
        } catch {
            if error.errno == .EAGAIN { return true }
            throw StepError("look whether create is under way", error)
        }
    }

    /// The state as the specification has it; the pid is absent unless there is a process.
    package func state(_ status: ContainerState.Status) -> ContainerState {
        ContainerState(
            ociVersion: record.ociVersion, id: id.description, status: status,
            pid: status == .stopped || status == .creating ? nil : Int(record.pid), bundle: record.bundle,
            annotations: record.annotations)
    }

    /// The state as `skiff state` prints it: with the further fields that engines read, and pid 0 when stopped.
    package func report(_ status: ContainerState.Status, _ style: JSONWriter.Style = .pretty) -> [UInt8] {
        var writer = JSONWriter(style)
        writer.object { writer in
            writer.field("ociVersion", record.ociVersion)
            writer.field("id", id.description)
            writer.field("pid", status == .stopped || status == .creating ? 0 : record.pid)
            writer.field("status", status)
            writer.field("bundle", record.bundle)
            writer.field("rootfs", record.rootfs)
            writer.field("created", record.created)
            writer.fieldUnlessEmpty("annotations", record.annotations)
            writer.field("owner", record.owner)
        }
        return writer.finish()
    }

    /// The configuration as it was at create.
    package func configuration() throws(StepError) -> RuntimeSpec {
        let directory = try store.directory(of: id)
        let bytes = try during("read the configuration kept at create") { () throws(SyscallError) in
            try readFile(StateStore.FileName.configuration, in: directory.borrowed)
        }
        do throws(JSONError) {
            return try RuntimeSpec(json: bytes)
        } catch {
            throw StepError(
                "read the configuration kept at create", refused: error.reason, code: .stateDamaged)
        }
    }
}
