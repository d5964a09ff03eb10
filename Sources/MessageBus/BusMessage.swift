/// One message: a call, an answer, or a signal.
/// - SeeAlso: dbus-specification.html §Message Format
package struct BusMessage: Sendable, Equatable {
    /// What a message is, by its number on the wire.
    package enum Kind: UInt8, Sendable {
        case call = 1
        case answer = 2
        case error = 3
        case signal = 4
    }

    /// The header's fields by their codes.
    private enum Field: UInt8 {
        case path = 1
        case interface, member, errorName, answeredSerial, destination, sender, signature
    }

    /// What it is.
    package var kind: Kind
    /// The sender's number of this message; not 0.
    package var serial: UInt32 = 0
    /// The number of the message that this one answers.
    package var answeredSerial: UInt32 = 0
    /// The object.
    package var path = ""
    /// The group of methods or signals.
    package var interface = ""
    /// The method or signal.
    package var member = ""
    /// The name of an error.
    package var errorName = ""
    /// For whom it is; empty on a connection without a bus between.
    package var destination = ""
    /// The arguments.
    package var body: [BusValue] = []

    /// A message of a kind, empty.
    package init(_ kind: Kind) { self.kind = kind }

    /// A call of a method.
    package init(
        call member: String, of interface: String, at path: String, on destination: String,
        _ arguments: [BusValue] = []
    ) {
        kind = .call
        self.member = member
        self.interface = interface
        self.path = path
        self.destination = destination
        body = arguments
    }

    /// The bytes on the wire.
    package func encoded() -> [UInt8] {
        var content = BusEncoder()
        for value in body { content.encode(value) }
        var fields: [BusValue] = []
        func add(_ field: Field, _ value: BusValue, _ isThere: Bool) {
            if isThere { fields.append(.structure([.byte(field.rawValue), .variant(value)])) }
        }
        let signature = body.map(\.signature).joined()
        add(.path, .objectPath(path), !path.isEmpty)
        add(.interface, .string(interface), !interface.isEmpty)
        add(.member, .string(member), !member.isEmpty)
        add(.errorName, .string(errorName), !errorName.isEmpty)
        add(.answeredSerial, .uint32(answeredSerial), answeredSerial != 0)
        add(.destination, .string(destination), !destination.isEmpty)
        add(.signature, .signature(signature), !signature.isEmpty)
        var message = BusEncoder()
        for byte in [UInt8(ascii: "l"), kind.rawValue, 0, 1] { message.integer(byte) }
        message.integer(UInt32(content.bytes.count))
        message.integer(serial)
        message.encode(.array(of: "(yv)", fields))
        message.align(8)
        return message.bytes + content.bytes
    }

    /// How many bytes the message has that begins with `bytes`; nil while that cannot be told.
    static func length(of bytes: [UInt8]) throws(BusError) -> Int? {
        guard bytes.count >= 16 else { return nil }
        var decoder = try begin(bytes)
        let body = Int(try decoder.integer(UInt32.self))
        _ = try decoder.integer(UInt32.self)
        let fields = Int(try decoder.integer(UInt32.self))
        guard body <= 1 << 27, fields <= 1 << 26 else {
            throw BusError.malformed("a message that is too long")
        }
        return 16 + (fields + 7) / 8 * 8 + body
    }

    private static func begin(_ bytes: [UInt8]) throws(BusError) -> BusDecoder {
        switch bytes[0] {
        case UInt8(ascii: "l"): return BusDecoder(bytes, isLittleEndian: true, at: 4)
        case UInt8(ascii: "B"): return BusDecoder(bytes, isLittleEndian: false, at: 4)
        default: throw BusError.malformed("what is no message")
        }
    }

    /// Reads a whole message.
    package init(decoding bytes: [UInt8]) throws(BusError) {
        guard bytes.count >= 16, let kind = Kind(rawValue: bytes[1]) else {
            throw BusError.malformed("a message of unknown kind")
        }
        self.kind = kind
        var decoder = try Self.begin(bytes)
        _ = try decoder.integer(UInt32.self)
        serial = try decoder.integer(UInt32.self)
        let fields = try decoder.decode(all: "a(yv)")
        var signature = ""
        for case .structure(let pair) in fields.first?.elements ?? [] where pair.count == 2 {
            guard case .byte(let code) = pair[0] else { continue }
            switch (Field(rawValue: code), pair[1].unwrapped) {
            case (.path, .objectPath(let text)): path = text
            case (.interface, .string(let text)): interface = text
            case (.member, .string(let text)): member = text
            case (.errorName, .string(let text)): errorName = text
            case (.answeredSerial, .uint32(let number)): answeredSerial = number
            case (.signature, .signature(let text)): signature = text
            default: continue
            }
        }
        try decoder.align(8)
        var content = BusDecoder(
            Array(bytes[decoder.position...]), isLittleEndian: bytes[0] == UInt8(ascii: "l"))
        body = try content.decode(all: signature)
    }
}

extension BusValue {
    /// The elements of an array.
    package var elements: [BusValue] {
        if case .array(_, let values) = unwrapped { values } else { [] }
    }
}
