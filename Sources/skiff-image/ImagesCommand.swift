import ArgumentParser
import ImageSpec
import ImageStore
import JSONCoding
import LinuxSystem

/// `skiff images`.
struct ImagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "images", abstract: "List the images of the store.")

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    @Flag(name: .long, help: "Print JSON; the same as --format json.") var json = false
    @Option(name: .long, help: "table or json.") var format = Format.table
    @Flag(name: .shortAndLong, help: "Print ids only.") var quiet = false
    @OptionGroup var storeOptions: StoreOptions

    func run() throws {
        let images = try storeOptions.open().images()
        if json || format == .json {
            var writer = JSONWriter(.pretty)
            writer.array { writer in
                for (named, image) in images {
                    writer.element { writer in Self.write(named, image, &writer) }
                }
            }
            return Output.line(String(decoding: writer.finish(), as: UTF8.self))
        }
        if quiet {
            var seen: Set<String> = []
            for (_, image) in images where seen.insert(image.configDigest.hex).inserted {
                Output.line(image.configDigest.short)
            }
            return
        }
        var table = TextTable(["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"])
        for (named, image) in images {
            table.add([
                named.name.name, named.name.tag ?? "<none>", image.configDigest.short,
                String(image.config.created?.prefix(10) ?? "unknown"), readableSize(image.size),
            ])
        }
        Output.line(table.text)
    }

    private static func write(_ named: NamedImage, _ image: StoredImage, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("name", named.name.name)
            writer.field("tag", named.name.tag)
            writer.field("id", image.configDigest)
            writer.field("digest", image.manifestDigest)
            writer.field("created", image.config.created)
            writer.field("loaded", named.loaded)
            writer.field("size", image.size)
            writer.field("layers", image.layers.count)
        }
    }
}
