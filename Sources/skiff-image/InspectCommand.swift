import ArgumentParser
import ImageSpec
import ImageStore
import JSONCoding
import LinuxSystem

/// `skiff image inspect`: an array with one object per image, in docker's words where docker has one.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what an image says, as JSON.")

    @Argument(help: "Names or ids.") var images: [String]
    @OptionGroup var storeOptions: StoreOptions

    func run() throws {
        let store = try storeOptions.open()
        let names = try store.images().map(\.named)
        var found: [(image: StoredImage, names: [String])] = []
        for text in images {
            guard let image = try store.resolve(text)?.image else {
                throw StepError("inspect \(text)", refused: "no such image", code: .imageNotFound)
            }
            let own = names.filter { $0.manifest == image.manifestDigest }
            found.append((image, own.map(\.name.description)))
        }
        var writer = JSONWriter(.pretty)
        writer.array { writer in
            for (image, names) in found {
                writer.element { writer in Self.write(image, names, &writer) }
            }
        }
        Output.line(String(decoding: writer.finish(), as: UTF8.self))
    }

    private static func write(_ image: StoredImage, _ names: [String], _ writer: inout JSONWriter) {
        let config = image.config
        writer.object { writer in
            writer.field("Id", image.configDigest)
            writer.field("Digest", image.manifestDigest)
            writer.field("RepoTags", names)
            writer.field("Created", config.created)
            writer.field("Author", config.author)
            writer.field("Os", config.platform.os)
            writer.field("Architecture", config.platform.architecture)
            writer.field("Variant", config.platform.variant)
            writer.field("Size", image.size)
            if let raw = rawConfig(image.configBytes) {
                writer.field("Config") { (writer: inout JSONWriter) in writer.raw(raw) }
            }
            writer.field("RootFS") { (writer: inout JSONWriter) in
                writer.object { writer in
                    writer.field("Type", "layers")
                    writer.field("Layers", config.diffIDs)
                }
            }
            writer.field("ChainIDs", image.layers.map(\.chainID))
        }
    }

    /// The configuration's `config` as it is written there.
    private static func rawConfig(_ bytes: [UInt8]) -> [UInt8]? {
        var raw: [UInt8]?
        do throws(JSONError) {
            var reader = try JSONReader(bytes)
            try reader.object { (key, reader) throws(JSONError) in
                if key == "config" { raw = try reader.rawValue() }
            }
        } catch {
            // It was read once when the record was; a failure here can only mean that there is nothing to
            // show.
            return nil
        }
        return raw
    }
}
