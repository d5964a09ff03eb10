package import JSONCoding

/// A reference to content: what it is, its digest and its size.
/// - SeeAlso: image-spec descriptor.md
package struct Descriptor: Sendable, Equatable, JSONReadable, JSONWritable {
    /// The annotation that carries a tag in a layout's index.
    package static let referenceName = "org.opencontainers.image.ref.name"
    /// The annotation in which containerd and Docker put the full name.
    package static let imageName = "io.containerd.image.name"

    /// What the content is.
    package var mediaType: MediaType
    /// The content's digest.
    package var digest: Digest
    /// The content's length in bytes.
    package var size: Int64
    /// Free annotations.
    package var annotations: StringMap
    /// For which platform, in an index.
    package var platform: Platform?
    /// What an artifact manifest holds, if it is one.
    package var artifactType: String?
    /// The content itself in base64, which must then equal the blob; nil if absent.
    package var data: String?

    /// A descriptor of the values named.
    package init(
        mediaType: MediaType, digest: Digest, size: Int64, annotations: StringMap = [:],
        platform: Platform? = nil, artifactType: String? = nil, data: String? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.annotations = annotations
        self.platform = platform
        self.artifactType = artifactType
        self.data = data
    }

    /// Reads the object; media type, digest and size must be there, the size not negative. `urls` is ignored:
    /// content is only ever taken from the image itself.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var mediaType: MediaType?
        var digest: Digest?
        var size: Int64?
        var annotations = StringMap()
        var platform: Platform?
        var artifactType: String?
        var data: String?
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "mediaType": mediaType = try reader.read()
            case "digest": digest = try reader.read()
            case "size":
                let value: Int64 = try reader.read()
                if value < 0 { throw reader.refusal("a size is never negative") }
                size = value
            case "annotations": annotations = try reader.read()
            case "platform": platform = try reader.read()
            case "artifactType": artifactType = try reader.read()
            case "data": data = try reader.read()
            default: break
            }
        }
        guard let mediaType else { throw reader.refusal("a descriptor needs a mediaType") }
        guard let digest else { throw reader.refusal("a descriptor needs a digest") }
        guard let size else { throw reader.refusal("a descriptor needs a size") }
        self.init(
            mediaType: mediaType, digest: digest, size: size, annotations: annotations, platform: platform,
            artifactType: artifactType, data: data)
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("mediaType", mediaType)
            writer.field("digest", digest)
            writer.field("size", size)
            writer.fieldUnlessEmpty("annotations", annotations)
            writer.field("platform", platform)
            writer.field("artifactType", artifactType)
            writer.field("data", data)
        }
    }

    /// Whether the embedded `data` is `content`; true if there is none.
    /// - SeeAlso: image-spec descriptor.md §Embedded Content
    package func embeddedDataEquals(_ content: [UInt8]) -> Bool {
        guard let data else { return true }
        return Base64.decode(data) == content
    }
}

/// The base64 of RFC 4648 §4 with padding, which is how Go writes byte arrays into JSON.
enum Base64 {
    static func decode(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 4 == 0 else { return nil }
        let padding = digits.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2 else { return nil }
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        for (index, digit) in digits.dropLast(padding).enumerated() {
            guard let value = value(of: digit) else { return nil }
            bits = bits << 6 | value
            if index % 4 == 3 {
                bytes += [UInt8(bits >> 16 & 255), UInt8(bits >> 8 & 255), UInt8(bits & 255)]
                bits = 0
            }
        }
        if padding == 1 { bytes += [UInt8(bits >> 10 & 255), UInt8(bits >> 2 & 255)] }
        if padding == 2 { bytes.append(UInt8(bits >> 4 & 255)) }
        return bytes
    }

    private static func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
