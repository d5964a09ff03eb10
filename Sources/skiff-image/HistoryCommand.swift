import ArgumentParser
import ImageSpec
import ImageStore
import JSONCoding
import LinuxSystem

/// `skiff history`: how an image was made, the last step first.
struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show how an image was made, the last step first.")

    @Argument(help: "A name or an id.") var image: String
    @Option(name: .long, help: "table or json.") var format = ImagesCommand.Format.table
    @Flag(name: .long, help: "Shorten nothing.") var noTrunc = false
    @Flag(name: .shortAndLong, help: "Print ids only.") var quiet = false
    @OptionGroup var storeOptions: StoreOptions

    func run() throws {
        guard let image = try storeOptions.open().resolve(image)?.image else {
            throw StepError("show the history of \(image)", refused: "no such image", code: .imageNotFound)
        }
        let steps = Self.steps(of: image)
        if format == .json { return Self.write(steps) }
        if quiet {
            for step in steps { Output.line(shown(step.id)) }
            return
        }
        var table = TextTable(["ID", "CREATED", "CREATED BY", "SIZE", "COMMENT"])
        for step in steps {
            let by = step.history.createdBy ?? ""
            table.add([
                shown(step.id), String(step.history.created?.prefix(10) ?? "unknown"),
                noTrunc || by.count <= 45 ? by : by.prefix(42) + "...", readableSize(step.size),
                step.history.comment ?? "",
            ])
        }
        Output.line(table.text)
    }

    private func shown(_ id: Digest?) -> String {
        id.map { noTrunc ? $0.description : $0.short } ?? "<missing>"
    }

    private struct Row {
        /// The image's for the last step; what the others made has no id.
        let id: Digest?
        let history: ImageConfig.History
        /// The layer that the step made.
        let layer: StoredImage.Layer?
        var size: Int64 { layer?.size ?? 0 }
    }

    private static func steps(of image: StoredImage) -> [Row] {
        var layers = image.layers[...]
        var rows: [Row] = []
        for history in image.config.history {
            let layer = history.isEmptyLayer ? nil : layers.popFirst()
            rows.insert(Row(id: nil, history: history, layer: layer), at: 0)
        }
        // An image need not say how its layers were made.
        while let layer = layers.popFirst() {
            rows.insert(Row(id: nil, history: ImageConfig.History(), layer: layer), at: 0)
        }
        guard let first = rows.first else { return rows }
        rows[0] = Row(id: image.configDigest, history: first.history, layer: first.layer)
        return rows
    }

    private static func write(_ rows: [Row]) {
        var writer = JSONWriter(.pretty)
        writer.array { writer in
            for row in rows {
                writer.element { (writer: inout JSONWriter) in
                    writer.object { writer in
                        writer.field("id", row.id)
                        writer.field("created", row.history.created)
                        writer.field("createdBy", row.history.createdBy)
                        writer.field("comment", row.history.comment)
                        writer.field("emptyLayer", row.layer == nil)
                        writer.field("diffID", row.layer?.diffID)
                        writer.field("size", row.size)
                    }
                }
            }
        }
        Output.line(String(decoding: writer.finish(), as: UTF8.self))
    }
}
