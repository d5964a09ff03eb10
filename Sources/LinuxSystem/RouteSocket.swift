internal import CLinux

/// A network interface as the kernel describes it.
/// - SeeAlso: rtnetlink(7) RTM_GETLINK
package struct NetworkLink: Sendable, Equatable {
    /// Its number in its network namespace.
    package let index: Int32
    /// Its name there.
    package let name: String
    /// Whether it is set up.
    package let isUp: Bool
}

/// An address of a network interface.
/// - SeeAlso: rtnetlink(7) RTM_GETADDR
package struct NetworkAddress: Sendable, Equatable {
    /// AF_INET 2 or AF_INET6 10.
    package let family: UInt8
    /// Bits of the network part.
    package let prefixLength: UInt8
    /// IFA_F_*.
    package var flags: UInt32
    /// RT_SCOPE_*.
    package let scope: UInt8
    /// The interface that has it.
    package let link: Int32
    /// IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST and IFA_RT_PRIORITY, as far as they are there.
    package let attributes: [Attribute]

    /// One of its attributes.
    package struct Attribute: Sendable, Equatable {
        let type: UInt16
        let value: [UInt8]
    }

    /// Whether somebody set it for good and for all peers: not learnt, not for this link or host only.
    package var isPermanentAndGlobal: Bool { flags & 0x80 != 0 && scope == 0 }
}

/// A socket to the kernel's network configuration. It speaks to the network namespace in which it was made, wherever
/// its owner goes.
/// - SeeAlso: rtnetlink(7), netlink(7)
package struct RouteSocket: ~Copyable {
    private let fd: OwnedFD

    private static let family: Int32 = 16
    private static let raw: Int32 = 3
    private static let nameAttribute: UInt16 = 3
    private static let namespaceAttribute: UInt16 = 28
    private static let newIndexAttribute: UInt16 = 49
    private static let flagsAttribute: UInt16 = 8
    private static let up: UInt32 = 1

    /// A socket for the caller's network namespace.
    /// - SeeAlso: socket(2)
    package init() throws(SyscallError) {
        let number = try check(.socket, on: "AF_NETLINK", cl_socket(Self.family, Self.raw, 0))
        fd = OwnedFD(adopting: Int32(number))
    }

    /// Takes over such a socket.
    package init(adopting number: Int32) { fd = OwnedFD(adopting: number) }

    /// Gives the descriptor away.
    package consuming func release() -> Int32 { fd.release() }

    /// All interfaces.
    package func links() throws(SyscallError) -> [NetworkLink] {
        let answers = try ask(RouteMessage(.getLink, link: 0, .dump), on: "links")
        return answers.compactMap { Self.link($0) }
    }

    /// The interface of a name; nil if there is none.
    package func link(named name: String) throws(SyscallError) -> NetworkLink? {
        var message = RouteMessage(.getLink, link: 0)
        message.add(Self.nameAttribute, name)
        return try existing(message, on: name)
    }

    /// The interface of a number; nil if there is none.
    package func link(at index: Int32) throws(SyscallError) -> NetworkLink? {
        try existing(RouteMessage(.getLink, link: index), on: "link \(index)")
    }

    /// The addresses of an interface, in the kernel's order: primary ones first.
    package func addresses(of index: Int32) throws(SyscallError) -> [NetworkAddress] {
        let any = NetworkAddress(family: 0, prefixLength: 0, flags: 0, scope: 0, link: 0, attributes: [])
        let message = RouteMessage(.getAddress, address: any, link: 0, .dump)
        return try ask(message, on: "addresses").map { Self.address($0) }.filter { $0.link == index }
    }

    /// Moves an interface into another network namespace, under a name and, if given, a number there. What it was
    /// connected to stays; its addresses and routes go, and it comes down.
    package func move(
        link index: Int32, to namespace: BorrowedFD, name: String, newIndex: Int32?
    ) throws(SyscallError) {
        var message = RouteMessage(.newLink, link: index)
        message.add(Self.nameAttribute, name)
        message.add(Self.namespaceAttribute, UInt32(bitPattern: namespace.rawValue))
        if let newIndex { message.add(Self.newIndexAttribute, UInt32(bitPattern: newIndex)) }
        _ = try ask(message, on: name)
    }

    /// Sets an interface up.
    package func setUp(link index: Int32) throws(SyscallError) {
        _ = try ask(RouteMessage(.newLink, link: index, setting: Self.up, of: Self.up), on: "link \(index)")
    }

    /// Gives an interface an address.
    package func add(_ address: NetworkAddress, to index: Int32) throws(SyscallError) {
        var message = RouteMessage(.newAddress, address: address, link: index, [.create, .exclusive])
        for attribute in address.attributes { message.add(attribute.type, attribute.value) }
        message.add(Self.flagsAttribute, address.flags)
        _ = try ask(message, on: "address")
    }

    private func existing(_ message: RouteMessage, on name: String) throws(SyscallError) -> NetworkLink? {
        do throws(SyscallError) {
            return try ask(message, on: name).first.flatMap { Self.link($0) }
        } catch {
            guard error.errno == .ENODEV else { throw error }
            return nil
        }
    }

    /// Sends a request and collects the answers up to the acknowledgement.
    private func ask(_ message: RouteMessage, on operand: String) throws(SyscallError) -> [RouteBytes] {
        let socket = fd.borrowed
        try socket.sendMessage(message.encoded())
        var answers: [RouteBytes] = []
        while true {
            var bytes = RouteBytes(try socket.read(max: 1 << 16))
            if bytes.isEmpty { throw SyscallError(.receiveMessage, on: operand, .ECONNRESET) }
            while var next = bytes.nextMessage() {
                switch next.type {
                case Self.endOfDump: return answers
                case Self.acknowledgement:
                    let result = Int32(bitPattern: next.content.number(4))
                    guard result != 0 else { return answers }
                    throw SyscallError(.rtnetlink, on: operand, Errno(rawValue: -result))
                default: answers.append(next.content)
                }
            }
        }
    }

    private static let acknowledgement: UInt16 = 2
    private static let endOfDump: UInt16 = 3

    private static func link(_ answer: RouteBytes) -> NetworkLink? {
        var answer = answer
        _ = answer.number(4)
        let index = Int32(bitPattern: answer.number(4))
        let flags = answer.number(4)
        _ = answer.number(4)
        guard let name = answer.attributes().first(where: { $0.type == nameAttribute }) else { return nil }
        return NetworkLink(
            index: index, name: String(decoding: name.value.dropLast(), as: UTF8.self),
            isUp: flags & up != 0)
    }

    private static func address(_ answer: RouteBytes) -> NetworkAddress {
        var answer = answer
        let family = UInt8(truncatingIfNeeded: answer.number(1))
        let prefix = UInt8(truncatingIfNeeded: answer.number(1))
        var flags = answer.number(1)
        let scope = UInt8(truncatingIfNeeded: answer.number(1))
        let index = Int32(bitPattern: answer.number(4))
        var kept: [NetworkAddress.Attribute] = []
        for attribute in answer.attributes() {
            switch attribute.type {
            case 1, 2, 4, 9:
                kept.append(NetworkAddress.Attribute(type: attribute.type, value: attribute.value))
            case flagsAttribute:
                var number = RouteBytes(attribute.value)
                flags = number.number(4)
            default: break
            }
        }
        return NetworkAddress(
            family: family, prefixLength: prefix, flags: flags, scope: scope, link: index, attributes: kept)
    }
}
