internal import LinuxSystem

/// Brings a limit file back to what it held before a write.
struct LimitRestore {
    let files: CgroupFiles
    /// The undoing write.
    let write: CgroupWrite
    /// The whole text before.
    private let original: String

    /// To be made before the write: one for each file that it may go to. A file that cannot be read is left out (then it
    /// is not there, or takes writes only).
    static func all(undoing write: CgroupWrite, in files: CgroupFiles) -> [LimitRestore] {
        alternatives(of: write).compactMap { LimitRestore(undoing: $0, in: files) }
    }

    private init?(undoing write: CgroupWrite, in files: CgroupFiles) {
        guard let text = Self.text(write.file, in: files) else { return nil }
        self.files = files
        original = text
        self.write = CgroupWrite(
            write.file, Self.restored(text, after: write), for: write.field, ifMissing: .skip,
            orderDepends: write.orderDepends)
    }

    /// Whether the file was changed since.
    var isNeeded: Bool { Self.text(write.file, in: files) != original }

    private static func text(_ file: String, in files: CgroupFiles) -> String? {
        var text: String?
        bestEffort("a file that cannot be read is reported by the write itself") { () throws(SyscallError) in
            text = try files.text(file)
        }
        return text
    }

    private static func alternatives(of write: CgroupWrite) -> [CgroupWrite] {
        guard case .alternative(let file, let value) = write.ifMissing else { return [write] }
        return [write, CgroupWrite(file, value, for: write.field)]
    }

    /// What to write so that the file shows `text` again. Files with a line for each device get the line of the device
    /// that is written to, or that file's word for "no limit".
    private static func restored(_ text: String, after write: CgroupWrite) -> String {
        if write.file == "memory.oom_control" {
            return text.split(whereSeparator: \.isNewline).contains("oom_kill_disable 1") ? "1" : "0"
        }
        guard case .text(let new) = write.value, let key = lineKey(of: write.file, new) else {
            return text.isEmpty ? "\n" : text
        }
        let line = text.split(separator: "\n").first {
            $0.split(separator: " ").first.map(String.init) == key
        }
        if let line { return String(line) }
        return "\(key) \(noLimit(write.file))"
    }

    /// The first word of a line that stands for one device, nil in files with one value.
    private static func lineKey(of file: String, _ text: String) -> String? {
        switch file {
        case "io.max", "io.latency", "rdma.max", "misc.max", "net_prio.ifpriomap":
            return String(text.prefix { $0 != " " })
        case "io.weight", "io.bfq.weight":
            return text.contains(" ") ? String(text.prefix { $0 != " " }) : "default"
        default:
            return file.hasPrefix("blkio.throttle.") || file.hasSuffix("weight_device")
                ? String(text.prefix { $0 != " " }) : nil
        }
    }

    private static func noLimit(_ file: String) -> String {
        switch file {
        case "io.max": "rbps=max wbps=max riops=max wiops=max"
        case "rdma.max": "hca_handle=max hca_object=max"
        case "misc.max": "max"
        case "io.weight", "io.bfq.weight": "default"
        case "io.latency": "target=0"
        default: "0"
        }
    }
}
