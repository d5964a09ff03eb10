import JSONCoding

/// A network interface of the host that moves into the container's network namespace.
/// - SeeAlso: runtime-spec config-linux.md §Network Devices
package struct NetDeviceSpec: Equatable, Sendable {
    /// Its name on the host.
    package var hostName: String
    /// Its name in the container; nil keeps the name.
    package var name: String?

    /// An interface, renamed if a new name is given.
    package init(hostName: String, name: String? = nil) {
        self.hostName = hostName
        self.name = name
    }

    /// Reads the object whose member names are the names on the host.
    static func list(from reader: inout JSONReader) throws(JSONError) -> [NetDeviceSpec] {
        var devices: [NetDeviceSpec] = []
        try reader.object { (hostName, reader) throws(JSONError) in
            var device = NetDeviceSpec(hostName: hostName)
            try reader.object { (key, reader) throws(JSONError) in
                if key == "name" { device.name = try reader.text() }
            }
            devices.append(device)
        }
        return devices
    }

    /// Writes the object whose member names are the names on the host.
    static func write(_ devices: [NetDeviceSpec], to writer: inout JSONWriter) {
        writer.object { writer in
            for device in devices {
                writer.field(device.hostName) { writer in
                    writer.object { writer in writer.field("name", device.name) }
                }
            }
        }
    }
}
