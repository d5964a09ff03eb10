package import Cgroups
package import JSONCoding
package import LinuxSystem

/// What has to be known of a container's beginning when its account is made: `account.json` in its state directory,
/// for containers whose request asks for an account.
package struct AccountRecord: Sendable, Equatable, JSONReadable, JSONWritable {
    static let fileName: Path = "account.json"

    /// Events of the cgroups above the container's, before its program ran.
    package var outerEvents: [MemoryEvents] = []
    /// When the program started; nil if it never did.
    package var started: FileTime?
    /// The same by the clock that never jumps, in nanoseconds since boot.
    package var startedMonotonic: Int64?

    /// Nothing is known.
    package init() {}

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var nanoseconds: Int64?
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "outerEvents": outerEvents = try reader.read()
            case "started": nanoseconds = try reader.integer()
            case "startedMonotonic": startedMonotonic = try reader.integer()
            default: break
            }
        }
        started = nanoseconds.map {
            FileTime(seconds: $0 / 1_000_000_000, nanoseconds: $0 % 1_000_000_000)
        }
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("outerEvents", outerEvents)
            writer.field("started", started.map { $0.seconds * 1_000_000_000 + $0.nanoseconds })
            writer.field("startedMonotonic", startedMonotonic)
        }
    }
}

/// How a container's program ended, as the process that waited for it saw it.
package struct ObservedEnd: Sendable {
    /// How.
    package var exit: ProcessExit
    /// What the main process and its waited-for children used.
    package var usage: ResourceUsage?

    /// The outcome of a wait.
    package init(_ result: WaitResult) {
        exit = result.exit
        usage = result.usage
    }
}

extension Container {
    /// What is kept for the account; empty if nothing is, or it cannot be read.
    func accountRecord() -> AccountRecord {
        var kept = AccountRecord()
        guard record.keepsAccount else { return kept }
        let path = store.root.appending(id.path).appending(AccountRecord.fileName)
        bestEffort("the account says then that the start was not noted") { () throws(SyscallError) in
            let bytes = try readFile(path, limit: 1 << 20)
            bestEffort("as above") { () throws(JSONError) in kept = try AccountRecord(json: bytes) }
        }
        return kept
    }

    /// Notes that the program has just started, if an account is wanted.
    func noteStart() {
        guard record.keepsAccount else { return }
        var kept = accountRecord()
        kept.started = Clock.wall()
        kept.startedMonotonic = Clock.monotonicNanoseconds()
        bestEffort("the account says then that the start was not noted") { () throws(StepError) in
            let directory = try store.directory(of: id)
            try during("note the start") { () throws(SyscallError) in
                try replaceFile(AccountRecord.fileName, in: directory.borrowed, kept.json())
            }
        }
    }

    /// The account of a container that has ended.
    func receipt(
        _ statistics: CgroupStatistics, _ kept: AccountRecord, _ end: ObservedEnd?
    ) -> UsageReceipt {
        let wall = kept.startedMonotonic.map { UInt64(max(Clock.monotonicNanoseconds() - $0, 0) / 1000) }
        var receipt = UsageReceipt(
            id: id.description, name: nil, statistics: statistics, usage: end?.usage, started: kept.started,
            finished: Clock.wall(), wallMicroseconds: wall, exit: end?.exit)
        receipt.bundle = record.bundle.isEmpty ? nil : record.bundle
        receipt.labels = record.annotations
        receipt.cgroup = record.cgroup?.path
        return receipt
    }
}

extension Reservation {
    /// Writes what the account will need, before the program runs.
    func write(_ account: AccountRecord) throws(StepError) {
        try during("write the account's beginning of \(id)") { () throws(SyscallError) in
            try replaceFile(AccountRecord.fileName, in: directory.borrowed, account.json())
        }
    }
}
