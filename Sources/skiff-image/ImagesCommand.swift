import ArgumentParser
import ImageSpec
import ImageStore
import JSONCoding
import LinuxSystem

/// `skiff images`.
struct ImagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "images", abstract: "List the images of the store.", aliases: ["ls", "list"])

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    @Argument(help: "Only images whose name matches; * stands for anything.") var pattern: String?
    @Flag(name: .long, help: "Print JSON; the same as --format json.") var json = false
    @Option(name: .long, help: "table or json.") var format = Format.table
    @Option(
        name: .shortAndLong,
        help: "reference, label, label!, dangling, before, since or until, as KEY=VALUE; may be repeated.")
    var filter: [String] = []
    @Flag(name: .shortAndLong, help: "Print ids only.") var quiet = false
    @Flag(name: .long, help: "Show the manifests' digests.") var digests = false
    @Flag(name: .long, help: "Shorten no id.") var noTrunc = false
    @Flag(name: .shortAndLong, help: "Accepted; all images are always listed.") var all = false
    @OptionGroup var storeOptions: StoreOptions

    func run() throws {
        let store = try storeOptions.open()
        let texts = filter + (pattern.map { ["reference=\($0)"] } ?? [])
        let filter = try ImageFilter(texts, in: store)
        let references = try ImageFilter(texts.filter { $0.hasPrefix("reference=") }, in: store)
        var rows: [(name: NamedImage?, image: StoredImage)] = []
        for listed in try store.allImages() where filter.takes(listed) {
            for name in listed.names {
                // A pattern means names, and an image may have others, too.
                let alone = ListedImage(image: listed.image, names: [name], users: listed.users)
                if references.takes(alone) { rows.append((name, listed.image)) }
            }
            if listed.isDangling { rows.append((nil, listed.image)) }
        }
        rows.sort { ($0.name?.name.description ?? "~") < ($1.name?.name.description ?? "~") }
        if json || format == .json { return Self.write(rows) }
        if quiet {
            var seen: Set<String> = []
            for (_, image) in rows where seen.insert(image.configDigest.hex).inserted {
                Output.line(shown(image.configDigest))
            }
            return
        }
        show(rows)
    }

    private func shown(_ id: Digest) -> String { noTrunc ? id.description : id.short }

    private func show(_ rows: [(name: NamedImage?, image: StoredImage)]) {
        let titles = ["REPOSITORY", "TAG"] + (digests ? ["DIGEST"] : []) + ["IMAGE ID", "CREATED", "SIZE"]
        var table = TextTable(titles)
        for (named, image) in rows {
            table.add(
                [named?.name.name ?? "<none>", named?.name.tag ?? "<none>"]
                    + (digests ? [image.manifestDigest.description] : [])
                    + [
                        shown(image.configDigest), String(image.config.created?.prefix(10) ?? "unknown"),
                        readableSize(image.size),
                    ])
        }
        Output.line(table.text)
    }

    private static func write(_ rows: [(name: NamedImage?, image: StoredImage)]) {
        var writer = JSONWriter(.pretty)
        writer.array { writer in
            for (named, image) in rows {
                writer.element { writer in write(named, image, &writer) }
            }
        }
        Output.line(String(decoding: writer.finish(), as: UTF8.self))
    }

    private static func write(_ named: NamedImage?, _ image: StoredImage, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("name", named?.name.name)
            writer.field("tag", named?.name.tag)
            writer.field("id", image.configDigest)
            writer.field("digest", image.manifestDigest)
            writer.field("created", image.config.created)
            writer.field("loaded", named?.loaded)
            writer.field("size", image.size)
            writer.field("layers", image.layers.count)
        }
    }
}
