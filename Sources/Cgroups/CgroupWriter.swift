internal import LinuxSystem

/// Writes limits into one directory, in order.
struct CgroupWriter {
    let files: CgroupFiles
    /// For messages.
    let path: String

    /// Writes all; the first failure ends it.
    func apply(_ writes: [CgroupWrite]) throws(StepError) {
        var index = 0
        while index < writes.count {
            guard writes[index].orderDepends else {
                try apply(writes[index])
                index += 1
                continue
            }
            let end = writes[index...].firstIndex { !$0.orderDepends } ?? writes.count
            try applyInAnyOrder(Array(writes[index..<end]))
            index = end
        }
    }

    /// Writes values that the kernel checks against each other: what it refuses with EINVAL (v1's memory limits also
    /// with EBUSY) is tried again after its neighbours, as long as that helps.
    private func applyInAnyOrder(_ writes: [CgroupWrite]) throws(StepError) {
        var open = writes
        while !open.isEmpty {
            var refused: [CgroupWrite] = []
            var first: StepError?
            for write in open {
                do throws(StepError) {
                    try apply(write)
                } catch {
                    guard error.errno == .EINVAL else { throw error }
                    refused.append(write)
                    if first == nil { first = error }
                }
            }
            if let first, refused.count == open.count { throw first }
            open = refused
        }
    }

    /// Writes one value.
    func apply(_ write: CgroupWrite) throws(StepError) {
        do throws(SyscallError) {
            try put(write)
        } catch {
            // The kernel answers an unknown name with EACCES or EPERM where creating is not allowed at all.
            let isMissing =
                error.call == .openat && [.ENOENT, .EACCES, .EPERM].contains(error.errno)
                || hasFallback(write, error.errno)
            if isMissing {
                switch write.ifMissing {
                case .refuse: break
                case .skip: return
                case .alternative(let file, let value):
                    return try apply(CgroupWrite(file, value, for: write.field))
                }
            }
            throw StepError(
                "limit \(write.field) of cgroup \(path): set \(write)", error,
                hint: CgroupHints.forWriting(write, error.errno))
        }
    }

    /// BFQ's file is there for all disks once the scheduler is loaded, and refuses those that have another one.
    private func hasFallback(_ write: CgroupWrite, _ errno: Errno) -> Bool {
        guard case .alternative(let file, _) = write.ifMissing, errno == .EOPNOTSUPP else { return false }
        let missing = bestEffort("then the refusal stands") { () throws(SyscallError) in
            _ = try files.read(file)
        }
        return missing == nil
    }

    private func put(_ write: CgroupWrite) throws(SyscallError) {
        switch write.value {
        case .text(let text): try files.write(text, to: write.file)
        case .keepingFirstWord(let rest):
            let now = try files.text(write.file)
            try files.write("\(now.prefix { $0 != " " }) \(rest)", to: write.file)
        }
    }
}
