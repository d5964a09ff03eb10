package import JSONCoding

/// The name of an image in the store: `name[:tag][@digest]`.
///
/// Names are kept as they were given: `debian` stays `debian`, nothing is put before it. A reference without
/// tag and digest means the tag `latest`.
/// - SeeAlso: distribution-spec §Pulling manifests (the grammars of name and tag)
package struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    /// The name, perhaps with a registry's host and port before it.
    package let name: String
    /// The tag; nil if only a digest was given.
    package let tag: String?
    /// The digest of the manifest, if one was given.
    package let digest: Digest?

    /// Reads a reference.
    /// - Throws: `ReferenceError` with what is wrong, in words.
    package init(_ text: String) throws(ReferenceError) {
        var rest = Substring(text)
        var digest: Digest?
        if let at = rest.firstIndex(of: "@") {
            let part = rest[rest.index(after: at)...]
            guard let value = Digest(part) else {
                throw ReferenceError(text, "\"\(part.prefix(140))\" is not a digest")
            }
            digest = value
            rest = rest[..<at]
        }
        var tag: String?
        // A colon before the last slash belongs to a port.
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            let part = rest[rest.index(after: colon)...]
            guard Self.isTag(part) else {
                throw ReferenceError(
                    text, "\"\(part.prefix(140))\" is not a tag (letters, digits, _ . -, at most 128)")
            }
            tag = String(part)
            rest = rest[..<colon]
        }
        if let reason = Self.whyNotName(rest) { throw ReferenceError(text, reason) }
        name = String(rest)
        self.digest = digest
        self.tag = tag ?? (digest == nil ? "latest" : nil)
    }

    private init(name: String, tag: String?, digest: Digest?) {
        self.name = name
        self.tag = tag
        self.digest = digest
    }

    /// `name[:tag][@digest]`
    package var description: String {
        name + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// What stands for the name of an image that has none: `sha256@sha256:…`, an id rather than a name.
    package init(untagged manifest: Digest) {
        self.init(name: manifest.algorithm.rawValue, tag: nil, digest: manifest)
    }

    /// The same reference without its digest, which is how the store lists it; without a tag it gets
    /// `latest`.
    package var withoutDigest: ImageReference {
        ImageReference(name: name, tag: tag ?? "latest", digest: nil)
    }

    /// The names that mean this image, this one first. Archives of Docker and podman carry long names
    /// (`docker.io/library/debian:12`, `localhost/web:latest`) for what people call `debian:12` and `web`.
    package var alternatives: [ImageReference] {
        let prefixes = ["docker.io/library/", "docker.io/", "localhost/"]
        var names = [name]
        if let prefix = prefixes.first(where: name.hasPrefix) {
            names.append(String(name.dropFirst(prefix.count)))
        } else {
            names += prefixes.map { $0 + name }
        }
        return names.map { ImageReference(name: $0, tag: tag, digest: digest) }
    }

    private static func isTag(_ text: Substring) -> Bool {
        guard (1...128).contains(text.utf8.count), let first = text.utf8.first else { return false }
        if first == UInt8(ascii: ".") || first == UInt8(ascii: "-") { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
    }

    private static func whyNotName(_ text: Substring) -> String? {
        if text.isEmpty { return "the name is empty" }
        if text.utf8.count > 255 { return "the name is longer than 255 bytes" }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == 0, parts.count > 1, isHost(part) { continue }
            if let reason = whyNotComponent(part) { return reason }
        }
        return nil
    }

    /// What stands before the first slash is a registry when it could not be a plain name, as in Docker.
    private static func isHost(_ text: Substring) -> Bool {
        guard text.contains(".") || text.contains(":") || text == "localhost" else { return false }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 2, UInt16(parts[1]) == nil { return false }
        guard parts.count <= 2, let host = parts.first else { return false }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    /// Lower-case letters and digits, put together by single dots, one or two underscores, or any number of
    /// dashes.
    private static func whyNotComponent(_ text: Substring) -> String? {
        if text.isEmpty { return "the name has an empty part" }
        var separator: [UInt8] = []
        var hasBegun = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                let isGood =
                    separator.isEmpty || separator == [0x2E] || separator == [0x5F]
                    || separator == [0x5F, 0x5F] || separator.allSatisfy { $0 == 0x2D }
                if !isGood || (!hasBegun && !separator.isEmpty) {
                    return "\"\(text)\" has separators that a name may not have"
                }
                separator = []
                hasBegun = true
            case 0x2E, 0x5F, 0x2D: separator.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): return "\"\(text)\" has capital letters"
            default: return "\"\(text)\" has characters that a name may not have"
            }
        }
        return separator.isEmpty ? nil : "\"\(text)\" ends with a separator"
    }
}

private func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    default: false
    }
}

extension ImageReference: JSONReadable, JSONWritable {
    /// Reads a string that must be a reference.
    package init(from reader: inout JSONReader) throws(JSONError) {
        let text = try reader.string()
        do throws(ReferenceError) {
            self = try ImageReference(text)
        } catch {
            throw reader.refusal("\(error)")
        }
    }

    /// Writes the text form.
    package func write(to writer: inout JSONWriter) { writer.string(description) }
}

/// A text that is no image reference.
package struct ReferenceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was given.
    package let text: String
    /// What is wrong with it, in lower case.
    package let reason: String

    /// A refusal of `text`.
    package init(_ text: String, _ reason: String) {
        self.text = text
        self.reason = reason
    }

    /// `image reference "X": reason`
    package var description: String { "image reference \"\(text.prefix(300))\": \(reason)" }
}
