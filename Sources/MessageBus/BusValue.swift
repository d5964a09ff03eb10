/// A value of the D-Bus type system.
/// - SeeAlso: dbus-specification.html §Type System
package indirect enum BusValue: Sendable, Equatable {
    case byte(UInt8)
    case boolean(Bool)
    case int16(Int16)
    case uint16(UInt16)
    case int32(Int32)
    case uint32(UInt32)
    case int64(Int64)
    case uint64(UInt64)
    case double(Double)
    case string(String)
    case objectPath(String)
    case signature(String)
    /// Values of one type, whose signature an empty array cannot tell.
    case array(of: String, [BusValue])
    case structure([BusValue])
    /// A pair of a dictionary, which is an array of such.
    case entry(BusValue, BusValue)
    /// A value that brings its type along.
    case variant(BusValue)

    /// Bytes as an array.
    package static func bytes(_ bytes: [UInt8]) -> BusValue { .array(of: "y", bytes.map { .byte($0) }) }

    /// Texts as an array.
    package static func strings(_ texts: [String]) -> BusValue { .array(of: "s", texts.map { .string($0) }) }

    /// The type as the protocol spells it, such as `a(sv)`.
    package var signature: String {
        switch self {
        case .byte: "y"
        case .boolean: "b"
        case .int16: "n"
        case .uint16: "q"
        case .int32: "i"
        case .uint32: "u"
        case .int64: "x"
        case .uint64: "t"
        case .double: "d"
        case .string: "s"
        case .objectPath: "o"
        case .signature: "g"
        case .array(let element, _): "a\(element)"
        case .structure(let members): "(\(members.map(\.signature).joined()))"
        case .entry(let key, let value): "{\(key.signature)\(value.signature)}"
        case .variant: "v"
        }
    }

    /// The text of a string, path or signature; looks into a variant.
    package var text: String? {
        switch self {
        case .string(let text), .objectPath(let text), .signature(let text): text
        case .variant(let inner): inner.text
        default: nil
        }
    }

    /// What a variant holds; any other value itself.
    package var unwrapped: BusValue {
        if case .variant(let inner) = self { inner } else { self }
    }
}

/// Cutting signatures into complete types.
/// - SeeAlso: dbus-specification.html §Type System
enum BusSignature {
    /// The specification's limit for arrays and structures each.
    static let depthLimit = 32

    /// Where the complete type that begins at `start` ends; nil if there is none.
    static func end(of signature: [UInt8], from start: Int, depth: Int = 0) -> Int? {
        guard start < signature.count, depth <= 2 * depthLimit else { return nil }
        switch signature[start] {
        case UInt8(ascii: "a"): return end(of: signature, from: start + 1, depth: depth + 1)
        case UInt8(ascii: "("):
            return end(of: signature, from: start + 1, closing: UInt8(ascii: ")"), depth: depth)
        case UInt8(ascii: "{"):
            return end(of: signature, from: start + 1, closing: UInt8(ascii: "}"), depth: depth)
        case let code: return "ybnqiuxtdsogvh".utf8.contains(code) ? start + 1 : nil
        }
    }

    private static func end(of signature: [UInt8], from start: Int, closing: UInt8, depth: Int) -> Int? {
        var position = start
        while position < signature.count, signature[position] != closing {
            guard let next = end(of: signature, from: position, depth: depth + 1) else { return nil }
            position = next
        }
        return position < signature.count && position > start ? position + 1 : nil
    }

    /// The complete types of a signature; nil if it is malformed.
    static func types(of signature: String) -> [String]? {
        let bytes = Array(signature.utf8)
        var types: [String] = []
        var position = 0
        while position < bytes.count {
            guard let next = end(of: bytes, from: position) else { return nil }
            types.append(String(decoding: bytes[position..<next], as: UTF8.self))
            position = next
        }
        return types
    }

    /// Multiples of how many bytes the values of a type start at.
    static func alignment(of code: UInt8) -> Int {
        switch code {
        case UInt8(ascii: "n"), UInt8(ascii: "q"): 2
        case UInt8(ascii: "b"), UInt8(ascii: "i"), UInt8(ascii: "u"), UInt8(ascii: "s"), UInt8(ascii: "o"),
            UInt8(ascii: "a"), UInt8(ascii: "h"):
            4
        case UInt8(ascii: "x"), UInt8(ascii: "t"), UInt8(ascii: "d"), UInt8(ascii: "("), UInt8(ascii: "{"): 8
        default: 1
        }
    }
}
