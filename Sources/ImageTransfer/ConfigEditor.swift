internal import ImageSpec
internal import JSONCoding
internal import LinuxSystem

/// Changes single members of an image configuration; all others stay byte for byte as they are, also those that skiff does
/// not know, in their order.
struct ConfigEditor {
    private var members: [(name: String, value: [UInt8])] = []

    /// A configuration or a part of it, which must be an object.
    init(_ bytes: [UInt8]) throws(StepError) {
        do throws(JSONError) {
            var reader = try JSONReader(bytes)
            var found: [(name: String, value: [UInt8])] = []
            try reader.object { (key, reader) throws(JSONError) in found.append((key, try reader.rawValue()))
            }
            members = found
        } catch {
            throw StepError("read the image's configuration", refused: "\(error)", code: .imageDamaged)
        }
    }

    /// An object without members.
    init() {}

    /// The value of a member as it stands.
    func value(_ name: String) -> [UInt8]? { members.first { $0.name == name }?.value }

    /// Replaces a member, or adds it at the end.
    mutating func set(_ name: String, _ value: [UInt8]) {
        if let index = members.firstIndex(where: { $0.name == name }) {
            members[index].value = value
        } else {
            members.append((name, value))
        }
    }

    /// Takes a member away.
    mutating func remove(_ name: String) { members.removeAll { $0.name == name } }

    /// Replaces the layers.
    mutating func setLayers(_ diffIDs: [Digest]) {
        var writer = JSONWriter()
        writer.object { writer in
            writer.field("type", "layers")
            writer.field("diff_ids", diffIDs)
        }
        set("rootfs", writer.finish())
    }

    /// The document.
    func bytes() -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            for (name, value) in members {
                writer.field(name) { (writer: inout JSONWriter) in writer.raw(value) }
            }
        }
        return writer.finish()
    }
}
