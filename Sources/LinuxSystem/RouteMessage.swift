/// A message of the routing family under construction: the header that its type demands, then attributes, in the byte
/// order of the machine.
/// - SeeAlso: netlink(7), rtnetlink(7)
struct RouteMessage {
    /// Types of messages.
    enum Kind: UInt16 {
        case newLink = 16
        case getLink = 18
        case setLink = 19
        case newAddress = 20
        case getAddress = 22
    }

    /// NLM_F_* beside NLM_F_REQUEST and NLM_F_ACK.
    struct Flags: OptionSet {
        let rawValue: UInt16
        /// All of a kind.
        static let dump = Flags(rawValue: 0x300)
        /// Fail when it exists.
        static let exclusive = Flags(rawValue: 0x200)
        /// Make it.
        static let create = Flags(rawValue: 0x400)
    }

    private let kind: Kind
    private let flags: Flags
    private var body: [UInt8]

    /// A message about links; index 0 names none.
    init(_ kind: Kind, link index: Int32, setting flags: UInt32 = 0, of mask: UInt32 = 0, _ how: Flags = []) {
        self.kind = kind
        self.flags = how
        body = [0, 0, 0, 0]
        body += bytes(UInt32(bitPattern: index)) + bytes(flags) + bytes(mask)
    }

    /// A message about addresses.
    init(_ kind: Kind, address: NetworkAddress, link index: Int32, _ how: Flags) {
        self.kind = kind
        flags = how
        body = [
            address.family, address.prefixLength, UInt8(truncatingIfNeeded: address.flags), address.scope,
        ]
        body += bytes(UInt32(bitPattern: index))
    }

    /// Adds an attribute, padded to four bytes.
    mutating func add(_ type: UInt16, _ value: [UInt8]) {
        body += bytes(UInt16(value.count + 4)) + bytes(type) + value
        body += [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    }

    /// Adds a name with its NUL.
    mutating func add(_ type: UInt16, _ text: String) { add(type, Array(text.utf8) + [0]) }

    /// Adds a number.
    mutating func add(_ type: UInt16, _ number: UInt32) { add(type, bytes(number)) }

    /// The whole message as it is sent.
    func encoded() -> [UInt8] {
        let wanted = flags.contains(.dump) ? 0x1 | flags.rawValue : 0x5 | flags.rawValue
        return bytes(UInt32(body.count + 16)) + bytes(kind.rawValue) + bytes(wanted) + bytes(UInt32(1))
            + bytes(UInt32(0)) + body
    }
}

/// A message that the kernel sent, or a part of one, taken apart from its front.
struct RouteBytes {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }
    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// Whether nothing is left.
    var isEmpty: Bool { rest.isEmpty }

    /// A number of up to four bytes; 0 beyond the end.
    mutating func number(_ count: Int) -> UInt32 {
        var value: UInt32 = 0
        for (index, byte) in rest.prefix(count).enumerated() {
            #if _endian(big)
                value |= UInt32(byte) << UInt32(8 * (count - 1 - index))
            #else
                value |= UInt32(byte) << UInt32(8 * index)
            #endif
        }
        rest = rest.dropFirst(count)
        return value
    }

    /// The next message: type and content.
    mutating func nextMessage() -> (type: UInt16, content: RouteBytes)? {
        guard rest.count >= 16 else { return nil }
        var header = self
        let length = Int(header.number(4))
        let type = UInt16(truncatingIfNeeded: header.number(2))
        guard length >= 16, length <= rest.count else { return nil }
        let content = RouteBytes(rest.prefix(length).dropFirst(16))
        rest = rest.dropFirst((length + 3) & ~3)
        return (type, content)
    }

    /// The attributes from here on, by type; the two upper bits of a type are flags.
    mutating func attributes() -> [(type: UInt16, value: [UInt8])] {
        var list: [(type: UInt16, value: [UInt8])] = []
        while rest.count >= 4 {
            var header = self
            let length = Int(header.number(2))
            let type = UInt16(truncatingIfNeeded: header.number(2)) & 0x3FFF
            guard length >= 4, length <= rest.count else { return list }
            list.append((type, Array(rest.prefix(length).dropFirst(4))))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return list
    }
}

/// A number in the byte order of the machine.
private func bytes(_ value: UInt32) -> [UInt8] {
    #if _endian(big)
        [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    #else
        [UInt8(value & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value >> 16 & 0xFF), UInt8(value >> 24)]
    #endif
}

private func bytes(_ value: UInt16) -> [UInt8] {
    #if _endian(big)
        [UInt8(value >> 8), UInt8(value & 0xFF)]
    #else
        [UInt8(value & 0xFF), UInt8(value >> 8)]
    #endif
}
