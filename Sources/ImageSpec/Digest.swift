package import JSONCoding

/// The name of content: a digest function and its value, `sha256:` and 64 lower-case hexadecimal digits.
///
/// Only the registered functions are accepted, so a digest is always safe as a file name.
/// - SeeAlso: image-spec descriptor.md §Digests
package struct Digest: Sendable, Hashable, CustomStringConvertible {
    /// The registered digest functions.
    package enum Algorithm: String, Sendable, CaseIterable {
        /// SHA-256, which every implementation must know.
        case sha256
        /// SHA-512, which is optional.
        case sha512

        /// Length of the value in hexadecimal digits.
        package var digits: Int { self == .sha256 ? 64 : 128 }
    }

    /// The digest function.
    package let algorithm: Algorithm
    /// The value in lower-case hexadecimal digits.
    package let hex: String

    /// Reads `sha256:…`; nil for anything else, upper-case digits included.
    package init?(_ text: some StringProtocol) {
        guard let colon = text.firstIndex(of: ":"),
            let algorithm = Algorithm(rawValue: String(text[..<colon]))
        else { return nil }
        self.init(algorithm, hex: text[text.index(after: colon)...])
    }

    /// A digest of hexadecimal digits; nil if their number or a digit is wrong.
    package init?(_ algorithm: Algorithm, hex: some StringProtocol) {
        guard hex.utf8.count == algorithm.digits, hex.utf8.allSatisfy(isLowerHexadecimal) else { return nil }
        self.algorithm = algorithm
        self.hex = String(hex)
    }

    /// A digest of the raw bytes that the function gave.
    /// - Precondition: as many bytes as the function has.
    package init(_ algorithm: Algorithm, bytes: [UInt8]) {
        precondition(bytes.count * 2 == algorithm.digits, "\(bytes.count) bytes are no \(algorithm)")
        let digits = Array("0123456789abcdef".utf8)
        self.algorithm = algorithm
        hex = String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// `sha256:…`
    package var description: String { "\(algorithm.rawValue):\(hex)" }

    /// The first twelve digits, for tables that people read.
    package var short: String { String(hex.prefix(12)) }
}

extension Digest: JSONReadable, JSONWritable {
    /// Reads a string that must be a digest.
    package init(from reader: inout JSONReader) throws(JSONError) {
        let text = try reader.string()
        guard let digest = Digest(text) else {
            throw reader.refusal(
                "\"\(text.prefix(140))\" is not a digest (sha256 or sha512, a colon, lower-case hex digits)")
        }
        self = digest
    }

    /// Writes the text form.
    package func write(to writer: inout JSONWriter) { writer.string(description) }
}

func isLowerHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
    default: false
    }
}
