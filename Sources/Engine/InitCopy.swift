internal import LinuxSystem

/// The program that `--init` puts in front of the container's own: a copy of skiff's file, made once per boot.
///
/// It is a copy and not the file itself, so that no container ever has a path to the program that root runs on the
/// host (CVE-2019-5736): a container that breaks the read-only mount changes this copy at most.
enum InitCopy {
    /// The copy's host path below the state root; made when it is missing.
    static func path(in state: Path) throws(StepError) -> Path {
        let step: Step = "copy skiff for --init"
        return try during(step) { () throws(SyscallError) in
            let own = try open("/proc/self/exe", .readOnly)
            let facts = try own.borrowed.status()
            let folder = state.appending(".init")
            try makeDirectories(state, mode: 0o700)
            try makeDirectoryIfMissing(folder, mode: 0o700)
            let name: Path = "skiff-\(facts.size)-\(facts.modified.seconds)-\(facts.modified.nanoseconds)"
            let path = folder.appending(name)
            if try statusIfPresent(of: path) != nil { return path }
            let directory = try open(folder, [.readOnly, .directory])
            try write(own.borrowed, as: name, in: directory.borrowed)
            return path
        }
    }

    private static func write(
        _ own: BorrowedFD, as name: Path, in directory: BorrowedFD
    ) throws(SyscallError) {
        let draft: Path = ".\(name).\(currentProcessID())"
        let copy = try open(draft, [.writeOnly, .create, .exclusive], mode: 0o700, in: directory)
        do throws(SyscallError) {
            while try own.copy(max: 1 << 30, to: copy.borrowed) > 0 {}
            try copy.borrowed.changeMode(0o555)
            try rename(draft, in: directory, to: name, in: directory)
        } catch {
            bestEffort("the first error counts") { () throws(SyscallError) in try unlink(draft, in: directory)
            }
            throw error
        }
    }
}
