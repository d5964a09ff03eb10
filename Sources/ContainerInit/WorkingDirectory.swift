package import LinuxSystem

/// Entering the program's working directory so that it is proven to lie inside the container.
package enum WorkingDirectory {
    /// Makes the directory if it is missing, with its parents, never outside the root.
    /// Preconditions: the mounts are made, and the root is not yet read-only.
    package static func create(_ path: String, inRoot root: BorrowedFD) throws(StepError) {
        _ = try during("make the working directory \(path)") { () throws(SyscallError) in
            try makeDirectories(Path(path), inRoot: root, mode: 0o755)
        }
    }

    /// Enters the directory as the program's user. The lookup follows no magic link, so `/proc/self/fd/7` leads
    /// nowhere, and the kernel is asked afterwards where we are.
    /// - SeeAlso: security invariants I-4, I-6
    package static func enter(_ path: String) throws(StepError) {
        let step: Step = "chdir to the working directory \(path)"
        try during(step) { () throws(SyscallError) in
            let root = try open("/", [.pathOnly, .directory])
            let directory = try open(
                Path(path), [.pathOnly, .directory], in: root.borrowed, resolving: .inRoot)
            try changeDirectory(to: directory.borrowed)
        }
        let place: Path
        do throws(SyscallError) {
            place = try workingDirectory()
        } catch  where error.errno == .EPERM {
            return  // The container's own filter forbids the question, which the lookup has answered already.
        } catch {
            throw StepError(step, error)
        }
        guard place.isAbsolute else {
            throw StepError(
                step, refused: "it lies outside the container (\(place))", code: .pathRefused,
                operand: path)
        }
    }
}
