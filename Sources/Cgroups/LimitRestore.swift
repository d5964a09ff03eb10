internal import LinuxSystem

/// Finds the write that brings a limit file back to what it holds now.
enum LimitRestore {
    /// The undoing of a write that has not happened yet; nil for a file that cannot be read (then it was not there, or
    /// takes writes only).
    static func write(undoing write: CgroupWrite, in files: CgroupFiles) -> CgroupWrite? {
        for candidate in alternatives(of: write) {
            var text: String?
            bestEffort("a missing file is reported by the write itself") { () throws(SyscallError) in
                text = try files.text(candidate.file)
            }
            guard let text else { continue }
            return CgroupWrite(
                candidate.file, restored(text, after: candidate), for: write.field, ifMissing: .skip,
                orderDepends: write.orderDepends)
        }
        return nil
    }

    private static func alternatives(of write: CgroupWrite) -> [CgroupWrite] {
        guard case .alternative(let file, let value) = write.ifMissing else { return [write] }
        return [write, CgroupWrite(file, value, for: write.field)]
    }

    /// What to write so that the file shows `text` again. Files with a line for each device get the line of the device
    /// that is written to, or that file's word for "no limit".
    private static func restored(_ text: String, after write: CgroupWrite) -> String {
        if write.file == "memory.oom_control" {
            return text.contains("oom_kill_disable 1") ? "1" : "0"
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
