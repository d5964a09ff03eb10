import LinuxSystem
import Rootfs
import RuntimeSpec

/// The mounts of a running container, as the kernel lists them.
/// - SeeAlso: proc_pid_mountinfo(5)
struct ContainerMounts {
    private struct Mount {
        /// As in mountinfo and in fdinfo.
        let id: String
        /// What of its file system is there.
        let root: String
        /// Where, inside the container.
        let place: String
    }

    private let mounts: [Mount]

    /// Reads those of a process.
    init(of pid: ProcessID) throws(StepError) {
        let text = try during("list the mounts of the container") { () throws(SyscallError) in
            String(decoding: try readFile("/proc/\(pid)/mountinfo"), as: UTF8.self)
        }
        mounts = text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 4 else { return nil }
            return Mount(id: String(fields[0]), root: Self.plain(fields[3]), place: Self.plain(fields[4]))
        }
    }

    /// Whether a mount of this number is in the container.
    func contains(id: String) -> Bool { mounts.contains { $0.id == id } }

    /// Mounts that came from outside: where they are, and the name under which a restore gives them back. `root` is the
    /// container's root directory.
    func outside(_ spec: RuntimeSpec, root: BorrowedFD) throws(StepError) -> [(key: String, value: String)] {
        var found: [(key: String, value: String)] = []
        for (index, mount) in spec.mounts.enumerated() where mount.isBind {
            if !mount.uidMappings.isEmpty || !mount.gidMappings.isEmpty {
                throw StepError(
                    "", refused: "mounts[\(index)] is id-mapped, which CRIU cannot restore",
                    code: .unsupported, operand: "mounts[\(index)]")
            }
            let name = Path(mount.destination).lexicallyCleaned
            guard let place = Self.resolve(name, in: root), mounts.contains(where: { $0.place == place })
            else { continue }
            found.append((key: place, value: name.string))
        }
        let devices = OutsideDevices.paths(spec)
        let masked = spec.linux?.maskedPaths.map { Path($0).lexicallyCleaned.string } ?? []
        for mount in mounts where !found.contains(where: { $0.key == mount.place }) {
            if devices.contains(mount.place) {
                found.append((key: mount.place, value: mount.place))
            } else if masked.contains(mount.place), mount.root != "/" {
                found.append((key: mount.place, value: OutsideDevices.null))
            }
        }
        return found
    }

    /// What a path of the container leads to, symbolic links followed inside.
    private static func resolve(_ path: Path, in root: BorrowedFD) -> String? {
        var place: String?
        bestEffort("what has gone is no mount any more") { () throws(SyscallError) in
            let file = try open(path, .pathOnly, in: root, resolving: .inRoot)
            place = try readLink("/proc/self/fd/\(file.rawValue)").string
        }
        return place
    }

    /// Octal escapes stand for blanks and backslashes.
    private static func plain(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = field.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Device files of the host that a container may have as mounts.
enum OutsideDevices {
    /// What covers masked files.
    static let null = "/dev/null"
    private static let standard = ["null", "zero", "full", "random", "urandom", "tty"].map { "/dev/" + $0 }

    /// The standard ones and those of the configuration.
    static func paths(_ spec: RuntimeSpec) -> [String] {
        standard + (spec.linux?.devices.map(\.path) ?? []).filter { !standard.contains($0) }
    }
}

extension MountSpec {
    /// Whether it shows a directory or file of the host.
    fileprivate var isBind: Bool { type == "bind" || options.contains("bind") || options.contains("rbind") }
}
