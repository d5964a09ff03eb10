/// Writes the little of protocol buffers that CRIU's requests need: numbers, booleans, texts, nested messages.
/// - SeeAlso: https://protobuf.dev/programming-guides/encoding/
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    /// A number; negative ones take ten bytes, as int32 has it.
    mutating func add(_ field: Int, _ number: Int) {
        addVarint(UInt64(field) << 3)
        addVarint(UInt64(bitPattern: Int64(number)))
    }

    /// A boolean; false is left out, which means the same to the reader.
    mutating func add(_ field: Int, _ flag: Bool) {
        if flag { add(field, 1) }
    }

    /// A text; nil is left out.
    mutating func add(_ field: Int, _ text: String?) {
        guard let text else { return }
        add(field, bytes: Array(text.utf8))
    }

    /// A message inside.
    mutating func add(_ field: Int, message: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        message(&inner)
        add(field, bytes: inner.bytes)
    }

    private mutating func add(_ field: Int, bytes other: [UInt8]) {
        addVarint(UInt64(field) << 3 | 2)
        addVarint(UInt64(other.count))
        bytes += other
    }

    private mutating func addVarint(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
