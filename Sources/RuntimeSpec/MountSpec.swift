package import JSONCoding

/// One mount below the root.
/// - SeeAlso: runtime-spec config.md §Mounts
package struct MountSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Where in the container; a relative path counts from `/`.
    package var destination: String
    /// File system type; a dummy if the options hold `bind` or `rbind`.
    package var type: String?
    /// Device, directory or file on the host; a relative one counts from the bundle.
    package var source: String?
    /// Options as mount(8) spells them; unknown ones are data for the file system.
    package var options: [String]
    /// User ids of an id-mapped mount.
    package var uidMappings: [IDMappingSpec]
    /// Group ids of an id-mapped mount.
    package var gidMappings: [IDMappingSpec]

    /// The values named; everything else as if absent from the document.
    package init(
        destination: String = "", type: String? = nil, source: String? = nil, options: [String] = [],
        uidMappings: [IDMappingSpec] = [], gidMappings: [IDMappingSpec] = []
    ) {
        self.destination = destination
        self.type = type
        self.source = source
        self.options = options
        self.uidMappings = uidMappings
        self.gidMappings = gidMappings
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "destination": destination = try reader.read()
            case "type": type = try reader.text()
            case "source": source = try reader.text()
            case "options": options = try reader.read()
            case "uidMappings": uidMappings = try reader.read()
            case "gidMappings": gidMappings = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("destination", destination)
            writer.field("type", type)
            writer.field("source", source)
            writer.fieldUnlessEmpty("options", options)
            writer.fieldUnlessEmpty("uidMappings", uidMappings)
            writer.fieldUnlessEmpty("gidMappings", gidMappings)
        }
    }
}
