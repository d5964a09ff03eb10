package import LinuxSystem

/// Where a bus, or a single service without a bus, listens.
/// - SeeAlso: dbus-specification.html §Server Addresses
package struct BusAddress: Sendable, Equatable {
    /// The socket.
    package var socket: Path
    /// Whether a service listens there itself: then there are no names, and nobody passes messages on.
    package var isPeer: Bool

    /// An address.
    package init(socket: Path, isPeer: Bool = false) {
        self.socket = socket
        self.isPeer = isPeer
    }

    /// Reads `unix:path=/run/user/1000/bus`; of a list of addresses the first one with a path.
    package init(parsing text: String) throws(BusError) {
        for address in text.split(separator: ";") {
            guard let colon = address.firstIndex(of: ":"), address[..<colon] == "unix" else { continue }
            for pair in address[address.index(after: colon)...].split(separator: ",") {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, parts[0] == "path", let path = Self.unescaped(parts[1]) else {
                    continue
                }
                self.init(socket: Path(bytes: path))
                return
            }
        }
        throw BusError.address(text, reason: "has no unix:path=")
    }

    /// `%2d` stands for the byte 0x2d.
    private static func unescaped(_ text: Substring) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard let value = UInt8(digits, radix: 16), digits.utf8.count == 2 else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return bytes.isEmpty || bytes.contains(0) ? nil : bytes
    }
}
