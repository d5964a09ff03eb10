/// Writes values in the wire format, little-endian.
/// - SeeAlso: dbus-specification.html §Marshaling
struct BusEncoder {
    private(set) var bytes: [UInt8] = []

    mutating func encode(_ value: BusValue) {
        switch value {
        case .byte(let number): integer(number)
        case .boolean(let flag): integer(UInt32(flag ? 1 : 0))
        case .int16(let number): integer(number)
        case .uint16(let number): integer(number)
        case .int32(let number): integer(number)
        case .uint32(let number): integer(number)
        case .int64(let number): integer(number)
        case .uint64(let number): integer(number)
        case .double(let number): integer(number.bitPattern)
        case .string(let text), .objectPath(let text): string(text)
        case .signature(let text): signature(text)
        case .array(let element, let values): array(element, values)
        case .structure(let members):
            align(8)
            for member in members { encode(member) }
        case .entry(let key, let value):
            align(8)
            encode(key)
            encode(value)
        case .variant(let inner):
            signature(inner.signature)
            encode(inner)
        }
    }

    mutating func align(_ size: Int) {
        while bytes.count % size != 0 { bytes.append(0) }
    }

    mutating func integer<Number: FixedWidthInteger>(_ number: Number) {
        align(Number.bitWidth / 8)
        for index in 0..<Number.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: number >> (8 * index)))
        }
    }

    private mutating func string(_ text: String) {
        integer(UInt32(text.utf8.count))
        bytes += text.utf8
        bytes.append(0)
    }

    private mutating func signature(_ text: String) {
        bytes.append(UInt8(truncatingIfNeeded: text.utf8.count))
        bytes += text.utf8
        bytes.append(0)
    }

    /// The length does not count the padding before the first element.
    private mutating func array(_ element: String, _ values: [BusValue]) {
        integer(UInt32(0))
        let place = bytes.count - 4
        align(BusSignature.alignment(of: element.utf8.first ?? 0))
        let start = bytes.count
        for value in values { encode(value) }
        let length = UInt32(bytes.count - start)
        for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
    }
}
