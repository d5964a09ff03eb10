/// Reads values in the wire format of either byte order. Nothing that a peer sends can make it read outside of the
/// bytes or go deeper than the specification allows.
/// - SeeAlso: dbus-specification.html §Marshaling
struct BusDecoder {
    private let bytes: [UInt8]
    private let isLittleEndian: Bool
    private(set) var position: Int

    /// Alignment counts from the beginning of `bytes`.
    init(_ bytes: [UInt8], isLittleEndian: Bool, at position: Int = 0) {
        self.bytes = bytes
        self.isLittleEndian = isLittleEndian
        self.position = position
    }

    /// The values of a signature, one for each complete type.
    mutating func decode(all signature: String) throws(BusError) -> [BusValue] {
        guard let types = BusSignature.types(of: signature) else {
            throw BusError.malformed("the signature \(signature)")
        }
        var values: [BusValue] = []
        for type in types { values.append(try decode(Array(type.utf8), depth: 0)) }
        return values
    }

    mutating func align(_ size: Int) throws(BusError) {
        let end = (position + size - 1) / size * size
        if end > bytes.count { throw BusError.malformed("a message that ends early") }
        position = end
    }

    mutating func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws(BusError) -> Number {
        let size = Number.bitWidth / 8
        try align(size)
        let part = try take(size)
        var number: Number = 0
        for byte in isLittleEndian ? Array(part.reversed()) : Array(part) {
            number = (size == 1 ? 0 : number << 8) | Number(truncatingIfNeeded: byte)
        }
        return number
    }

    private mutating func take(_ count: Int) throws(BusError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - position else {
            throw BusError.malformed("a message that ends early")
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    private mutating func decode(_ type: [UInt8], depth: Int) throws(BusError) -> BusValue {
        guard depth <= 2 * BusSignature.depthLimit else {
            throw BusError.malformed("a value that is too deep")
        }
        switch type.first {
        case UInt8(ascii: "y"): return .byte(try integer(UInt8.self))
        case UInt8(ascii: "b"): return .boolean(try integer(UInt32.self) != 0)
        case UInt8(ascii: "n"): return .int16(try integer(Int16.self))
        case UInt8(ascii: "q"): return .uint16(try integer(UInt16.self))
        case UInt8(ascii: "i"): return .int32(try integer(Int32.self))
        case UInt8(ascii: "u"), UInt8(ascii: "h"): return .uint32(try integer(UInt32.self))
        case UInt8(ascii: "x"): return .int64(try integer(Int64.self))
        case UInt8(ascii: "t"): return .uint64(try integer(UInt64.self))
        case UInt8(ascii: "d"): return .double(Double(bitPattern: try integer(UInt64.self)))
        case UInt8(ascii: "s"): return .string(try text(length: Int(try integer(UInt32.self))))
        case UInt8(ascii: "o"): return .objectPath(try text(length: Int(try integer(UInt32.self))))
        case UInt8(ascii: "g"): return .signature(try text(length: Int(try integer(UInt8.self))))
        case UInt8(ascii: "a"): return try array(Array(type.dropFirst()), depth)
        case UInt8(ascii: "("): return .structure(try members(of: type, depth))
        case UInt8(ascii: "{"):
            let pair = try members(of: type, depth)
            guard pair.count == 2 else { throw BusError.malformed("a dictionary of other than pairs") }
            return .entry(pair[0], pair[1])
        case UInt8(ascii: "v"):
            let type = Array(try text(length: Int(try integer(UInt8.self))).utf8)
            guard BusSignature.end(of: type, from: 0) == type.count else {
                throw BusError.malformed("a variant without one type")
            }
            return .variant(try decode(type, depth: depth + 1))
        default: throw BusError.malformed("a value of an unknown type")
        }
    }

    private mutating func text(length: Int) throws(BusError) -> String {
        let text = String(decoding: try take(length), as: UTF8.self)
        _ = try take(1)
        return text
    }

    private mutating func array(_ element: [UInt8], _ depth: Int) throws(BusError) -> BusValue {
        let length = Int(try integer(UInt32.self))
        try align(BusSignature.alignment(of: element.first ?? 0))
        guard length <= 1 << 26, length <= bytes.count - position else {
            throw BusError.malformed("an array that is longer than its message")
        }
        let end = position + length
        var values: [BusValue] = []
        while position < end { values.append(try decode(element, depth: depth + 1)) }
        return .array(of: String(decoding: element, as: UTF8.self), values)
    }

    private mutating func members(of type: [UInt8], _ depth: Int) throws(BusError) -> [BusValue] {
        try align(8)
        let inner = String(decoding: type.dropFirst().dropLast(), as: UTF8.self)
        var values: [BusValue] = []
        for member in BusSignature.types(of: inner) ?? [] {
            values.append(try decode(Array(member.utf8), depth: depth + 1))
        }
        return values
    }
}
