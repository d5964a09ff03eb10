package import ImageStore
package import LinuxSystem

/// Writes all files of a container as one tar archive, as the container sees them but for what is mounted.
package enum ImageExporter {
    /// Exports.
    /// - Parameters:
    ///   - container: the name of its snapshot.
    ///   - target: the file, which must not be there yet; nil for standard output.
    ///   - ids: how owners on the disk become those that the container sees.
    package static func export(
        _ container: String, to target: Path?, ids: IDShift, from store: borrowing ImageStore
    ) throws(StepError) {
        // The image's files have their own ids on the disk, what the container wrote those of its namespace.
        if ids.reaches(below: 65536) {
            throw StepError(
                "export \(container.prefix(12))",
                refused: "its user namespace has ids below 65536, which cannot be told from the image's",
                hint: "skiff commit and skiff save tell them apart", code: .unsupported)
        }
        let tree = try store.snapshot(named: container).mountForReading()
        let root = try during("open the files of \(container.prefix(12))") { () throws(SyscallError) in
            try open(".", [.readOnly, .directory], in: tree.borrowed)
        }
        guard let target else { return try write(root.borrowed, to: .standardOutput, "standard output", ids) }
        let reference = root.borrowed
        try NewFile.write(target) { (file) throws(StepError) in
            try write(reference, to: file, target.string, ids)
        }
        _ = root.borrowed
    }

    private static func write(
        _ root: BorrowedFD, to file: BorrowedFD, _ name: String, _ ids: IDShift
    ) throws(StepError) {
        var archiver = TreeArchiver(TarOutput(file, hashes: false), .plain, ids: ids)
        try archiver.archive(root, "write \(name)")
    }
}
