import LinuxSystem

/// A request to `criu swrk`. The numbers are those of the fields in CRIU's rpc.proto.
/// - SeeAlso: https://criu.org/RPC
struct CriuRequest {
    enum Kind: Int, Sendable {
        case dump = 1
        case restore = 2
        case preDump = 4
        case notify = 6
    }

    let kind: Kind
    /// What is specific to this container.
    var facts = CriuFacts()
    let options: CheckpointOptions

    /// The answer to a notification.
    static var acknowledgement: [UInt8] {
        var writer = ProtobufWriter()
        writer.add(1, Kind.notify.rawValue)
        writer.add(3, true)
        return writer.bytes
    }

    /// The message.
    var bytes: [UInt8] {
        var writer = ProtobufWriter()
        writer.add(1, kind.rawValue)
        writer.add(2) { inner in
            addPlaces(&inner)
            addOptions(&inner)
            addFacts(&inner)
        }
        return writer.bytes
    }

    private func addPlaces(_ writer: inout ProtobufWriter) {
        writer.add(1, Int(facts.imagesFD))
        if let pid = facts.pid { writer.add(2, Int(pid)) }
        writer.add(9, 4)  // the level of the log that has what explains a failure
        writer.add(10, facts.logName)
        writer.add(12, true)  // tell us what happens
        writer.add(13, facts.root)
        if let parent = options.parent {
            writer.add(14, parent.string)
            writer.add(15, true)
        }
        if let work = facts.workFD { writer.add(17, Int(work)) }
        writer.add(52, facts.configFile)
    }

    private func addOptions(_ writer: inout ProtobufWriter) {
        writer.add(3, options.leavesRunning)
        writer.add(4, options.allowsOutsideSockets)
        writer.add(5, options.allowsConnections)
        writer.add(7, options.isShellJob)
        writer.add(8, options.savesLocks)
        if let server = options.pageServer {
            writer.add(11) { inner in
                inner.add(1, server.address)
                inner.add(2, Int(server.port))
            }
        }
        writer.add(16, options.deduplicates)
        writer.add(18, options.remapsLinks)
        writer.add(34, options.cgroups?.number ?? 6)
        writer.add(46, options.skipsUnfinishedConnections)
        writer.add(48, options.isLazy)
        writer.add(50, true)  // hand over the terminal whose other end is outside
        writer.add(53, options.profile)
        writer.add(63, options.mountContext)
    }

    private func addFacts(_ writer: inout ProtobufWriter) {
        if kind == .restore {
            writer.add(6, true)  // a device may be reached by another path
            writer.add(26, true)  // what is restored is our child
        }
        for mount in facts.mounts {
            writer.add(23) { inner in
                inner.add(1, mount.key)
                inner.add(2, mount.value)
            }
        }
        for place in facts.cgroups {
            writer.add(25) { inner in
                inner.add(1, place.controller)
                inner.add(2, place.path)
            }
        }
        for file in facts.inherited {
            writer.add(27) { inner in
                inner.add(1, file.key)
                inner.add(2, Int(file.fd))
            }
        }
        if facts.slavesOutside {
            writer.add(29, true)
            writer.add(30, true)
        }
        for name in facts.outside { writer.add(37, name) }
        // Interfaces and addresses are not CRIU's: who gave them to the container gives them again, by hooks.
        writer.add(38, 0x4000_0000)
        for join in facts.joins {
            writer.add(39) { inner in
                inner.add(1, join.kind)
                inner.add(2, join.path)
            }
        }
        writer.add(44, facts.freezer)
    }
}

/// What CRIU must know of one container.
struct CriuFacts {
    /// Descriptor of the images' directory, in this process.
    var imagesFD: Int32 = -1
    /// Descriptor of the working directory, in this process.
    var workFD: Int32?
    /// Name of the log in the working directory.
    var logName = "criu.log"
    /// First process.
    var pid: Int32?
    /// The root file system on the host.
    var root: String?
    /// Further settings.
    var configFile: String?
    /// Mounts from outside. Dump: place inside and name; restore: name and source.
    var mounts: [(key: String, value: String)] = []
    /// Where the processes go, by controller.
    var cgroups: [(controller: String, path: String)] = []
    /// Descriptors of CRIU that take the place of files from outside.
    var inherited: [(key: String, fd: Int32)] = []
    /// Names of things that are outside the container: files, namespaces.
    var outside: [String] = []
    /// Namespaces to join.
    var joins: [(kind: String, path: String)] = []
    /// Whether mounts may receive from mounts outside.
    var slavesOutside = true
    /// The cgroup that freezes the container.
    var freezer: String?
}

extension CheckpointOptions.CgroupMode {
    /// As CRIU numbers them.
    fileprivate var number: Int {
        switch self {
        case .ignore: 0
        case .soft: 3
        case .full: 4
        case .strict: 5
        }
    }
}

/// What `criu swrk` says.
struct CriuResponse {
    /// An event during the work.
    struct Notification: Equatable {
        var name = ""
        var pid: Int32?
    }

    var kind = 0
    var success = false
    var notification: Notification?
    /// The first process, after a restore.
    var pid: Int32?

    /// An empty one.
    init() {}

    /// Reads a message; nil if it is none.
    init?(_ bytes: [UInt8]) {
        var reader = ProtobufReader(bytes[...])
        while !reader.isAtEnd {
            guard let (field, value) = reader.next() else { return nil }
            switch (field, value) {
            case (1, .number(let number)): kind = Int(truncatingIfNeeded: number)
            case (2, .number(let number)): success = number != 0
            case (4, .bytes(let inner)): pid = Self.number(1, in: inner)
            case (5, .bytes(let inner)):
                notification = Notification(
                    name: Self.text(1, in: inner) ?? "", pid: Self.number(2, in: inner))
            default: break
            }
        }
    }

    private static func number(_ wanted: Int, in bytes: ArraySlice<UInt8>) -> Int32? {
        var reader = ProtobufReader(bytes)
        while let (field, value) = reader.next() {
            if field == wanted, case .number(let number) = value { return Int32(truncatingIfNeeded: number) }
        }
        return nil
    }

    private static func text(_ wanted: Int, in bytes: ArraySlice<UInt8>) -> String? {
        var reader = ProtobufReader(bytes)
        while let (field, value) = reader.next() {
            if field == wanted, case .bytes(let text) = value { return String(decoding: text, as: UTF8.self) }
        }
        return nil
    }
}
