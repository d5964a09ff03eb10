import CommandGrammar
import ContainerRuntime
import Engine
import JSONCoding
import LinuxSystem

/// `ps` without a container of the runtime: the engine's containers.
struct ContainerListing {
    private let invocation: Invocation

    /// For a command line.
    init(_ invocation: Invocation) { self.invocation = invocation }

    /// One container with what it does.
    private struct Row {
        let record: ContainerRecord
        let status: ContainerStatus
        let outcome: ExitRecord?
        let started: String?
    }

    /// Prints the table, the ids or the JSON.
    func run() throws(CommandError) -> Int32 {
        let home = try invocation.home()
        let showsAll = invocation.arguments.isSet("all")
        let store = try command { () throws(StepError) in try home.records() }
        let (records, broken) = try command { () throws(StepError) in try store.list() }
        for text in broken { invocation.output.warn(text) }
        var rows: [Row] = []
        for record in records.reversed() {
            guard let row = row(record, store, in: home, showsAll) else { continue }
            rows.append(row)
        }
        if invocation.arguments.isSet("quiet") {
            return Output.show(rows.reduce(into: "") { $0 += $1.record.shortID + "\n" })
        }
        switch invocation.arguments.value("format") ?? "table" {
        case "table": return Output.show(table(rows))
        case "json": return Output.show(json(rows))
        case let other: throw CommandError.usage("--format is table or json, not '\(other)'")
        }
    }

    /// Nil for a container that does not run, unless all are shown, or was removed at this moment.
    private func row(
        _ record: ContainerRecord, _ store: borrowing RecordStore, in home: EngineHome, _ showsAll: Bool
    ) -> Row? {
        do throws(StepError) {
            let folder = try store.openFolder(id: record.id)
            let container = EngineContainer(home: home, record: record, folder: folder)
            let status = try container.status()
            if !showsAll, !status.isActive { return nil }
            return Row(
                record: record, status: status, outcome: status.isActive ? nil : try container.exitRecord(),
                started: try container.started())
        } catch {
            if EngineContainer.exists(record.id, in: home) { invocation.output.warn(error.description) }
            return nil
        }
    }

    private func table(_ rows: [Row]) -> String {
        let heading = ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "NAMES"]
        return TextTable.text(
            [heading]
                + rows.map { row in
                    let command = row.record.command.joined(separator: " ")
                    let short = command.count > 24 ? command.prefix(23) + "…" : Substring(command)
                    return [
                        row.record.shortID, row.record.image, "\"\(short)\"",
                        String(row.record.created.prefix(19)),
                        text(row), row.record.name,
                    ]
                })
    }

    private func text(_ row: Row) -> String {
        switch row.status {
        case .created: "Created"
        case .running: "Up since \((row.started ?? "").prefix(19))"
        case .paused: "Paused"
        case .exited: "Exited (\(row.outcome?.exitCode ?? -1)) \((row.outcome?.finished ?? "").prefix(19))"
        case .dead: "Dead"
        }
    }

    private func json(_ rows: [Row]) -> [UInt8] {
        var writer = JSONWriter()
        writer.array { writer in
            for row in rows {
                writer.element { writer in
                    writer.object { writer in
                        writer.field("id", row.record.id)
                        writer.field("name", row.record.name)
                        writer.field("image", row.record.image)
                        writer.field("command", row.record.command)
                        writer.field("created", row.record.created)
                        writer.field("status", row.status.rawValue)
                        writer.field("started", row.started)
                        if row.status == .exited {
                            writer.field("exitCode", row.outcome?.exitCode)
                            writer.field("finished", row.outcome?.finished)
                        }
                        writer.field("labels", row.record.labels)
                    }
                }
            }
        }
        return writer.finish()
    }
}

extension Command {
    /// `skiff inspect CONTAINER…`
    static var inspect: Command {
        let verb = CommandVerb(
            "inspect", .engine, "Show all that is known of containers, as JSON",
            details: "An array with one object for each container; `skiff image inspect` shows images.",
            operands: CommandOperands("CONTAINER [CONTAINER…]", 1, nil))
        return Command(verb: verb) { (invocation) throws(CommandError) in
            var documents: [[UInt8]] = []
            for word in invocation.arguments.words {
                let container = try invocation.engineContainer(word)
                documents.append(try command { () throws(StepError) in try describe(container) })
            }
            var writer = JSONWriter(.pretty)
            writer.array { writer in
                for document in documents { writer.element { $0.raw(document) } }
            }
            return Output.show(writer.finish())
        }
    }

    private static func describe(_ container: borrowing EngineContainer) throws(StepError) -> [UInt8] {
        let record = container.record
        let status = try container.status()
        let outcome = try container.exitRecord()
        let started = try container.started()
        let pid = try container.processID()
        let configuration = try container.configuration()
        let path = container.path.string
        var writer = JSONWriter()
        writer.object { writer in
            writer.field("id", record.id)
            writer.field("name", record.name)
            writer.field("created", record.created)
            writer.field("image", record.image)
            writer.field("imageDigest", record.imageDigest)
            writer.field("command", record.command)
            writer.field("labels", record.labels)
            writer.field("network", record.network)
            writer.field("terminal", record.hasTerminal)
            writer.field("stopSignal", SignalName.name(record.stopSignal))
            writer.field("stopTimeoutSeconds", record.stopTimeoutSeconds)
            writer.field("removesItself", record.removesItself)
            writer.field("folder", path)
            writer.field("state") { writer in
                writer.object { writer in
                    writer.field("status", status.rawValue)
                    writer.field("pid", pid?.rawValue ?? 0)
                    writer.field("started", started)
                    if !status.isActive, let outcome {
                        writer.field("finished", outcome.finished)
                        writer.field("exitCode", outcome.exitCode)
                        writer.field("signal", outcome.signal)
                        writer.field("outOfMemory", outcome.wasOutOfMemory)
                        writer.field("error", outcome.error)
                    }
                }
            }
            writer.field("configuration") { $0.raw(configuration) }
        }
        return writer.finish()
    }
}
