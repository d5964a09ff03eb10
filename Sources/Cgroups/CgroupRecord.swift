package import JSONCoding
internal import LinuxSystem
package import MessageBus

/// What the state file keeps of a cgroup, to find it again later.
package struct CgroupRecord: Sendable, Equatable, JSONReadable, JSONWritable {
    /// One directory.
    package struct Directory: Sendable, Equatable, JSONReadable, JSONWritable {
        /// In which tree.
        package var tree: CgroupTree
        /// What the tree controls.
        package var controllers: [Controller]
        /// The whole path.
        package var path: String

        /// A directory.
        package init(tree: CgroupTree, controllers: [Controller], path: String) {
            self.tree = tree
            self.controllers = controllers
            self.path = path
        }

        /// Reads the object; controllers that are not known are left out.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init(tree: .unified, controllers: [], path: "")
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "tree": tree = CgroupTree(name: try reader.read())
                case "controllers":
                    let names: [String] = try reader.read()
                    controllers = names.compactMap { Controller(rawValue: $0) }
                case "path": path = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("tree", tree.description)
                writer.field("controllers", controllers.map(\.rawValue))
                writer.field("path", path)
            }
        }
    }

    /// The unit of systemd that the cgroup belongs to.
    package struct Unit: Sendable, Equatable, JSONReadable, JSONWritable {
        /// Its name, such as `docker-0123.scope`.
        package var name: String
        /// Where its manager is reached.
        package var address: BusAddress

        /// A unit.
        package init(name: String, address: BusAddress) {
            self.name = name
            self.address = address
        }

        /// Reads the object.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init(name: "", address: BusAddress(socket: ""))
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "name": name = try reader.read()
                case "socket": address.socket = Path(try reader.read())
                case "peer": address.isPeer = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("name", name)
                writer.field("socket", address.socket.string)
                writer.fieldIfTrue("peer", address.isPeer)
            }
        }
    }

    /// The place in every tree, as /proc/PID/cgroup shows it.
    package var path: String
    /// Whether the place is in our own folder, which goes with its last container.
    package var isInOwnFolder: Bool
    /// The directories, v2 first.
    package var directories: [Directory]
    /// The scope, where systemd made the cgroup.
    package var unit: Unit?

    /// A record; without directories for a container that has no cgroup of its own.
    package init(path: String = "", isInOwnFolder: Bool = false, directories: [Directory] = []) {
        self.path = path
        self.isInOwnFolder = isInOwnFolder
        self.directories = directories
    }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init()
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "path": path = try reader.read()
            case "inOwnFolder": isInOwnFolder = try reader.read()
            case "directories": directories = try reader.read()
            case "unit": unit = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("path", path)
            writer.field("inOwnFolder", isInOwnFolder)
            writer.field("directories", directories)
            writer.field("unit", unit)
        }
    }

    /// Where the memory controller's files are, for those who watch for out-of-memory kills; nil if nowhere.
    package var memoryDirectory: String? {
        (directories.first { $0.tree != .unified && $0.controllers.contains(.memory) }
            ?? directories.first { $0.tree == .unified })?.path
    }
}
