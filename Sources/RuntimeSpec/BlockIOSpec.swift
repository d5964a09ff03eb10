package import JSONCoding

extension ResourcesSpec {
    /// Weights and throttles of block devices.
    /// - SeeAlso: runtime-spec config-linux.md §Block IO
    package struct BlockIO: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Relative weight, 10 to 1000.
        package var weight: UInt16?
        /// Weight against the children; cgroup v1 only.
        package var leafWeight: UInt16?
        /// Weights by device.
        package var weightDevice: [WeightDevice]
        /// Read limits in bytes per second.
        package var throttleReadBpsDevice: [ThrottleDevice]
        /// Write limits in bytes per second.
        package var throttleWriteBpsDevice: [ThrottleDevice]
        /// Read limits in operations per second.
        package var throttleReadIOPSDevice: [ThrottleDevice]
        /// Write limits in operations per second.
        package var throttleWriteIOPSDevice: [ThrottleDevice]

        /// The values named; everything else as if absent from the document.
        package init(
            weight: UInt16? = nil, leafWeight: UInt16? = nil, weightDevice: [WeightDevice] = [],
            throttleReadBpsDevice: [ThrottleDevice] = [], throttleWriteBpsDevice: [ThrottleDevice] = [],
            throttleReadIOPSDevice: [ThrottleDevice] = [], throttleWriteIOPSDevice: [ThrottleDevice] = []
        ) {
            self.weight = weight
            self.leafWeight = leafWeight
            self.weightDevice = weightDevice
            self.throttleReadBpsDevice = throttleReadBpsDevice
            self.throttleWriteBpsDevice = throttleWriteBpsDevice
            self.throttleReadIOPSDevice = throttleReadIOPSDevice
            self.throttleWriteIOPSDevice = throttleWriteIOPSDevice
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "weight": weight = try reader.read()
                case "leafWeight": leafWeight = try reader.read()
                case "weightDevice": weightDevice = try reader.read()
                case "throttleReadBpsDevice": throttleReadBpsDevice = try reader.read()
                case "throttleWriteBpsDevice": throttleWriteBpsDevice = try reader.read()
                case "throttleReadIOPSDevice": throttleReadIOPSDevice = try reader.read()
                case "throttleWriteIOPSDevice": throttleWriteIOPSDevice = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("weight", weight)
                writer.field("leafWeight", leafWeight)
                writer.fieldUnlessEmpty("weightDevice", weightDevice)
                writer.fieldUnlessEmpty("throttleReadBpsDevice", throttleReadBpsDevice)
                writer.fieldUnlessEmpty("throttleWriteBpsDevice", throttleWriteBpsDevice)
                writer.fieldUnlessEmpty("throttleReadIOPSDevice", throttleReadIOPSDevice)
                writer.fieldUnlessEmpty("throttleWriteIOPSDevice", throttleWriteIOPSDevice)
            }
        }
    }

    /// Weight of one block device.
    package struct WeightDevice: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Major number.
        package var major: Int64
        /// Minor number.
        package var minor: Int64
        /// Relative weight, 10 to 1000.
        package var weight: UInt16?
        /// Weight against the children.
        package var leafWeight: UInt16?

        /// The values named; everything else as if absent from the document.
        package init(major: Int64 = 0, minor: Int64 = 0, weight: UInt16? = nil, leafWeight: UInt16? = nil) {
            self.major = major
            self.minor = minor
            self.weight = weight
            self.leafWeight = leafWeight
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "major": major = try reader.read()
                case "minor": minor = try reader.read()
                case "weight": weight = try reader.read()
                case "leafWeight": leafWeight = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("major", major)
                writer.field("minor", minor)
                writer.field("weight", weight)
                writer.field("leafWeight", leafWeight)
            }
        }
    }

    /// Limit of one block device.
    package struct ThrottleDevice: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Major number.
        package var major: Int64
        /// Minor number.
        package var minor: Int64
        /// Bytes or operations per second.
        package var rate: UInt64

        /// The values named; everything else as if absent from the document.
        package init(major: Int64 = 0, minor: Int64 = 0, rate: UInt64 = 0) {
            self.major = major
            self.minor = minor
            self.rate = rate
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "major": major = try reader.read()
                case "minor": minor = try reader.read()
                case "rate": rate = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("major", major)
                writer.field("minor", minor)
                writer.field("rate", rate)
            }
        }
    }
}
