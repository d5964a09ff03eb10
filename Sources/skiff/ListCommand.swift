import CommandGrammar
import ContainerRuntime
import JSONCoding
import LinuxSystem
import RuntimeSpec

extension Command {
    /// `skiff list [--format table|json] [--quiet]`
    static var list: Command {
        let verb = CommandVerb(
            "list", .runtime, "List containers made from bundles", operands: .none,
            options: [
                CommandOption("format", "f", value: "FORMAT", "table or json"),
                CommandOption("quiet", "q", "Names only"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let store = invocation.store
            let isTable = try invocation.wantsTable()
            try checkRoot(store, invocation)
            let ids = try command { () throws(StepError) in try store.identifiers() }
            if invocation.arguments.isSet("quiet") {
                return Output.show(ids.reduce(into: "") { $0 += "\($1)\n" })
            }
            let rows = ids.compactMap { ListRow($0, store, invocation.output) }
            return isTable
                ? Output.show(ListRow.table(rows, invocation.style)) : Output.show(ListRow.json(rows))
        }
    }

    /// A state root that was named and is not there holds no containers, but runc takes it for a mistake.
    private static func checkRoot(_ store: StateStore, _ invocation: Invocation) throws(CommandError) {
        guard invocation.style == .runc, invocation.globals.root != nil else { return }
        try command { () throws(StepError) in
            try during("list the containers") { () throws(SyscallError) in
                _ = try open(store.root, [.pathOnly, .directory])
            }
        }
    }
}

/// One container in a list.
private struct ListRow {
    let container: Container
    let status: ContainerState.Status

    /// A container whose state cannot be read is warned about and left out; the others are still listed.
    init?(_ id: ContainerID, _ store: StateStore, _ output: Output) {
        do throws(StepError) {
            container = try Container.load(id, from: store)
            status = try container.status()
        } catch {
            output.warn("\(id): \(error)")
            return nil
        }
    }

    private var pid: Int32 { status == .stopped || status == .creating ? 0 : container.record.pid }

    static func table(_ rows: [ListRow], _ style: CommandStyle) -> String {
        let header =
            style == .crun
            ? ["NAME", "PID", "STATUS", "BUNDLE PATH", "CREATED", "OWNER"]
            : ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
        return TextTable.text(
            [header]
                + rows.map { row in
                    let record = row.container.record
                    return [
                        record.id, "\(row.pid)", row.status.rawValue, record.bundle, record.created,
                        record.owner,
                    ]
                }, narrowest: style == .runc ? 9 : 0)
    }

    static func json(_ rows: [ListRow]) -> [UInt8] {
        var writer = JSONWriter()
        writer.array { writer in
            for row in rows { writer.element { $0.raw(row.container.report(row.status, .compact)) } }
        }
        return writer.finish()
    }
}
