package import JSONCoding

/// The five capability sets, by names such as `CAP_KILL`. Names that are not known only deserve a warning, so
/// they stay text.
/// - SeeAlso: runtime-spec config.md §Linux Process, capabilities(7)
package struct CapabilitiesSpec: Equatable, Sendable, JSONReadable, JSONWritable {
    /// Bounding set.
    package var bounding: [String]
    /// Effective set.
    package var effective: [String]
    /// Inheritable set.
    package var inheritable: [String]
    /// Permitted set.
    package var permitted: [String]
    /// Ambient set.
    package var ambient: [String]

    /// The values named; everything else as if absent from the document.
    package init(
        bounding: [String] = [], effective: [String] = [], inheritable: [String] = [],
        permitted: [String] = [], ambient: [String] = []
    ) {
        self.bounding = bounding
        self.effective = effective
        self.inheritable = inheritable
        self.permitted = permitted
        self.ambient = ambient
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "bounding": bounding = try reader.read()
            case "effective": effective = try reader.read()
            case "inheritable": inheritable = try reader.read()
            case "permitted": permitted = try reader.read()
            case "ambient": ambient = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.fieldUnlessEmpty("bounding", bounding)
            writer.fieldUnlessEmpty("effective", effective)
            writer.fieldUnlessEmpty("inheritable", inheritable)
            writer.fieldUnlessEmpty("permitted", permitted)
            writer.fieldUnlessEmpty("ambient", ambient)
        }
    }
}
