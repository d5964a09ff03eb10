import CommandGrammar
import Engine
import JSONCoding
import LinuxSystem

extension Command {
    /// `skiff df`
    static var diskUsage: Command {
        let verb = CommandVerb(
            "df", .engine, "Show what images, containers and volumes take on the disk",
            details: "Layers that images share are counted once.", operands: .none,
            options: [
                CommandOption("verbose", "v", "Each image, container and volume"),
                CommandOption("format", value: "FORMAT", "table or json"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let home = try invocation.home()
            let usage = try command { () throws(StepError) in try StoreUsage(home) }
            switch invocation.arguments.value("format") ?? "table" {
            case "json": return Output.show(json(usage))
            case "table":
                let isVerbose = invocation.arguments.isSet("verbose")
                return Output.show(isVerbose ? items(usage) : summary(usage))
            case let other: throw CommandError.usage("--format is table or json, not '\(other)'")
            }
        }
    }

    /// One kind of thing as a row.
    private struct Group {
        let name: String
        let items: [StoreUsage.Item]
        let bytes: Int64
        let reclaimable: Int64

        var active: Int { items.filter { $0.users > 0 }.count }
    }

    private static func groups(_ usage: StoreUsage) -> [Group] {
        func group(_ name: String, _ items: [StoreUsage.Item]) -> Group {
            Group(
                name: name, items: items, bytes: items.reduce(0) { $0 + $1.ownBytes },
                reclaimable: items.reduce(0) { $1.users == 0 ? $0 + $1.ownBytes : $0 })
        }
        return [
            Group(
                name: "images", items: usage.images, bytes: usage.layerBytes,
                reclaimable: usage.unusedLayerBytes),
            group("containers", usage.containers), group("volumes", usage.volumes),
        ]
    }

    private static func summary(_ usage: StoreUsage) -> String {
        var rows = [["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]]
        for group in groups(usage) {
            let percent = group.bytes == 0 ? 0 : group.reclaimable * 100 / group.bytes
            rows.append([
                group.name.prefix(1).uppercased() + group.name.dropFirst(), "\(group.items.count)",
                "\(group.active)", sizeText(group.bytes), "\(sizeText(group.reclaimable)) (\(percent)%)",
            ])
        }
        return TextTable.text(rows)
    }

    private static func items(_ usage: StoreUsage) -> String {
        var text = ""
        for group in groups(usage) {
            let isImages = group.name == "images"
            var rows = [[group.name.uppercased(), "ID", "SIZE"] + (isImages ? ["SHARED"] : []) + ["USED BY"]]
            for item in group.items {
                let id = item.id.hasPrefix("sha") ? String(item.id.drop { $0 != ":" }.dropFirst()) : item.id
                let names = item.names.isEmpty ? "<none>" : item.names.joined(separator: ", ")
                rows.append(
                    [names, String(id.prefix(12)), sizeText(item.ownBytes)]
                        + (isImages ? [sizeText(item.sharedBytes)] : []) + ["\(item.users)"])
            }
            text += TextTable.text(rows) + "\n"
        }
        return text
    }

    private static func json(_ usage: StoreUsage) -> [UInt8] {
        var writer = JSONWriter(.pretty)
        writer.object { writer in
            for group in groups(usage) {
                writer.field(group.name) { (writer: inout JSONWriter) in
                    writer.object { writer in
                        writer.field("total", group.items.count)
                        writer.field("active", group.active)
                        writer.field("size", group.bytes)
                        writer.field("reclaimable", group.reclaimable)
                        writer.field("items") { (writer: inout JSONWriter) in
                            writer.array { writer in
                                for item in group.items { writer.element { write(item, &$0) } }
                            }
                        }
                    }
                }
            }
        }
        return writer.finish()
    }

    private static func write(_ item: StoreUsage.Item, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("id", item.id)
            writer.field("names", item.names)
            writer.field("size", item.ownBytes)
            writer.field("shared", item.sharedBytes)
            writer.field("users", item.users)
        }
    }

    /// `skiff prune`
    static var prune: Command {
        let verb = CommandVerb(
            "prune", .engine,
            "Remove containers that do not run, images without a name, what broken loads left",
            details: "Asks first, unless --force is given. `skiff image prune` removes images only.",
            operands: .none,
            options: [
                CommandOption("all", "a", "All images that no container uses"),
                CommandOption("volumes", "Named volumes that no container mounts, too"),
                CommandOption("force", "f", "Do not ask"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let arguments = invocation.arguments
            let home = try invocation.home()
            guard arguments.isSet("force") || confirmPrune(arguments) else { return 1 }
            let result = try command { () throws(StepError) in
                try StorePrune(home).run(
                    allImages: arguments.isSet("all"), volumes: arguments.isSet("volumes"))
            }
            var lines = result.containers.map { "removed container: \($0)" }
            lines += result.volumes.map { "removed volume: \($0)" }
            lines += result.images.map { "deleted: \($0)" }
            lines.append("reclaimed: \(sizeText(result.reclaimedBytes))")
            return Output.show(lines.joined(separator: "\n") + "\n")
        }
    }

    private static func confirmPrune(_ arguments: ParsedArguments) -> Bool {
        var what = ["all containers that do not run"]
        what.append(
            arguments.isSet("all") ? "all images that no container uses" : "all images without a name")
        if arguments.isSet("volumes") { what.append("all volumes that no container mounts") }
        _ = Output.show("Remove \(what.joined(separator: ", "))? [y/N] ", toError: true)
        var answer = ""
        bestEffort("no answer means no") { () throws(SyscallError) in
            answer = String(decoding: try BorrowedFD.standardInput.read(max: 100), as: UTF8.self)
        }
        let word = answer.prefix { !$0.isNewline }.lowercased()
        return word == "y" || word == "yes"
    }
}

/// Bytes in powers of 1000 with one digit after the point, as docker prints them.
private func sizeText(_ bytes: Int64) -> String {
    var (unit, divisor): (String, Int64) = ("B", 1)
    for (name, value) in [("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000)] as [(String, Int64)]
    where bytes >= value {
        (unit, divisor) = (name, value)
    }
    if divisor == 1 { return "\(bytes)B" }
    let tenths = (bytes * 10 + divisor / 2) / divisor
    return tenths % 10 == 0 ? "\(tenths / 10)\(unit)" : "\(tenths / 10).\(tenths % 10)\(unit)"
}
