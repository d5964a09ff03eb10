internal import LinuxSystem

/// A file for a result: it appears complete or not at all, and nothing is replaced.
enum NewFile {
    /// Writes a file that must not exist; a pipe or a device is written to.
    static func write(
        _ target: Path, _ body: (BorrowedFD) throws(StepError) -> Void
    ) throws(StepError) {
        if let existing = try existing(target) {
            guard [.fifo, .characterDevice].contains(existing) else { throw exists(target) }
            let file = try during("write \(target)") { () throws(SyscallError) in try open(target, .writeOnly)
            }
            try body(file.borrowed)
            return _ = file.borrowed
        }
        try make(target) { (draft) throws(StepError) in
            let file = try during("write \(target)") { () throws(SyscallError) in
                try open(draft, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o644)
            }
            try body(file.borrowed)
            do throws(SyscallError) {
                try file.close()
            } catch {
                throw StepError("write \(target)", error)
            }
        }
    }

    /// Makes something under another name beside the target, then gives it its own; on failure it is removed.
    static func make(_ target: Path, _ body: (Path) throws(StepError) -> Void) throws(StepError) {
        if try existing(target) != nil { throw exists(target) }
        let draft = Path("\(target).part-\(currentProcessID())")
        do throws(StepError) {
            try body(draft)
            try during("write \(target)") { () throws(SyscallError) in
                try rename(draft, to: target, exclusively: true)
            }
        } catch {
            bestEffort("the first error counts") { () throws(SyscallError) in try removeTree(draft) }
            throw error
        }
    }

    private static func existing(_ target: Path) throws(StepError) -> FileKind? {
        try during("write \(target)") { () throws(SyscallError) in
            try statusIfPresent(of: target, following: true)?.kind
        }
    }

    private static func exists(_ target: Path) -> StepError {
        StepError(
            "write \(target)", refused: "it exists", hint: "remove it, or choose another name", code: .inUse,
            operand: target.string)
    }
}
