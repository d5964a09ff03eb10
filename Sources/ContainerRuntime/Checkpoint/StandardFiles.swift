import JSONCoding
import LinuxSystem

/// Standard input, output and error of a container that is saved. They usually lead out of it: then CRIU gets them
/// under a name, and a restore gives its own in their place.
///
/// The names are kept beside CRIU's images in `descriptors.json`, an array with one for each, as runc has it.
struct StandardFiles {
    private static let file: Path = "descriptors.json"

    /// What each is, by CRIU's names: `pipe:[INODE]`, `file[MOUNT:INODE]`, `tty[RDEV:DEV]`, or a path.
    private(set) var names: [String] = []

    /// Looks at those of a process.
    init(of pid: ProcessID, mounts: ContainerMounts) throws(StepError) {
        for number in 0..<3 {
            names.append(
                try during("look at descriptor \(number) of the container") { () throws(SyscallError) in
                    try Self.name(number, of: pid, mounts: mounts)
                })
        }
    }

    /// Reads the names that a checkpoint has kept.
    init(in images: BorrowedFD) throws(StepError) {
        let bytes = try during("read \(Self.file) of the images", code: .checkpointFailed) {
            () throws(SyscallError) in try readFile(Self.file, in: images, limit: 1 << 16)
        }
        do throws(JSONError) {
            names = try [String](json: bytes)
        } catch {
            throw StepError("read \(Self.file) of the images", refused: error.reason, code: .checkpointFailed)
        }
    }

    /// Keeps the names.
    func write(in images: BorrowedFD) throws(StepError) {
        let bytes = names.json()
        try during("write \(Self.file) beside the images") { () throws(SyscallError) in
            try replaceFile(Self.file, in: images, bytes)
        }
    }

    /// The names that CRIU must be told when it saves: it finds pipes by itself.
    var outside: [String] { names.filter { $0.hasPrefix("file[") || $0.hasPrefix("tty[") } }

    /// For a restore: the caller's descriptors in their place.
    var inherited: [(key: String, fd: Int32)] {
        names.enumerated().filter { _, name in
            name.hasPrefix("pipe:") || name.hasPrefix("file[") || name.hasPrefix("tty[")
        }.map { (key: $1, fd: Int32($0)) }
    }

    private static func name(
        _ number: Int, of pid: ProcessID, mounts: ContainerMounts
    ) throws(SyscallError) -> String {
        let link: String
        do throws(SyscallError) {
            link = try readLink("/proc/\(pid)/fd/\(number)").string
        } catch {
            if error.errno == .ENOENT { return "" }
            throw error
        }
        guard link.hasPrefix("/"), let mount = try mountID(number, of: pid), !mounts.contains(id: "\(mount)")
        else { return link }
        let status = try status(of: "/proc/\(pid)/fd/\(number)", following: true)
        let isTerminal = status.kind == .characterDevice && (136...143).contains(status.deviceNumber.major)
        if isTerminal {
            let number = status.deviceNumber
            let device = UInt64(number.major) << 8 | UInt64(number.minor)
            return "tty[\(String(device, radix: 16)):\(String(status.device, radix: 16))]"
        }
        return "file[\(String(mount, radix: 16)):\(String(status.inode, radix: 16))]"
    }

    /// In which mount the file was opened.
    private static func mountID(_ number: Int, of pid: ProcessID) throws(SyscallError) -> Int? {
        let text = String(decoding: try readFile("/proc/\(pid)/fdinfo/\(number)"), as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix("mnt_id:") {
            return Int(line.dropFirst(7).filter { $0 != "\t" && $0 != " " })
        }
        return nil
    }
}
