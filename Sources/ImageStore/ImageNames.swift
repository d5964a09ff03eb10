package import ImageSpec
package import JSONCoding
internal import LinuxSystem

/// A name of the store and the image that it means.
package struct NamedImage: Sendable, Equatable {
    /// The name with its tag, without a digest.
    package let name: ImageReference
    /// The manifest's digest.
    package let manifest: Digest
    /// When the name was given, RFC 3339.
    package let loaded: String

    /// A name of the values named.
    package init(name: ImageReference, manifest: Digest, loaded: String) {
        self.name = name
        self.manifest = manifest
        self.loaded = loaded
    }
}

/// The file `names.json`: all names, sorted.
struct ImageNames: JSONReadable, JSONWritable {
    var names: [NamedImage] = []

    init(from reader: inout JSONReader) throws(JSONError) {
        var found: [NamedImage] = []
        try reader.object { (key, reader) throws(JSONError) in
            if key == "images" { found = try reader.read() }
        }
        names = found
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in writer.field("images", names) }
    }

    /// Gives a name to an image, taking it from the one that had it.
    mutating func set(_ image: NamedImage) {
        names.removeAll { $0.name == image.name }
        names.append(image)
        names.sort { $0.name.description < $1.name.description }
    }

    private init() {}

    /// Reads the names of the store; one without the file has none.
    static func read(_ root: BorrowedFD) throws(StepError) -> ImageNames {
        let step: Step = "read the names of the image store"
        let bytes = try during(step) { () throws(SyscallError) in
            try readFileIfPresent("names.json", in: root)
        }
        guard let bytes else { return ImageNames() }
        return try parse(bytes, step)
    }

    /// Writes the names in one step; the caller holds the exclusive lock.
    func write(_ root: BorrowedFD) throws(StepError) {
        try during("write the names of the image store") { () throws(SyscallError) in
            try replaceFile("names.json", in: root, json(.pretty), durable: true)
        }
    }
}

extension NamedImage: JSONReadable, JSONWritable {
    /// Reads the object.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var name: ImageReference?
        var manifest: Digest?
        var loaded = ""
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "name": name = try reader.read()
            case "manifest": manifest = try reader.read()
            case "loaded": loaded = try reader.read()
            default: break
            }
        }
        guard let name, let manifest else { throw reader.refusal("an image needs a name and a manifest") }
        self.init(name: name, manifest: manifest, loaded: loaded)
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("name", name)
            writer.field("manifest", manifest)
            writer.field("loaded", loaded)
        }
    }
}
