import LinuxSystem

/// A pty of the container's own devpts instance.
struct ContainerTerminal: ~Copyable {
    private let primary: OwnedFD
    private let replica: OwnedFD

    /// Opens a pty below a container's root. The device is proven to belong to a devpts before it is used.
    /// - SeeAlso: pty(7), security invariant I-28
    static func open(in root: BorrowedFD, for process: ProcessPlan) throws(StepError) -> ContainerTerminal {
        let step: Step = "open a terminal in /dev/pts"
        do throws(SyscallError) {
            let rules: Resolve = [.inRoot, .noMagicLinks]
            let directory = try LinuxSystem.open(
                "dev/pts", [.pathOnly, .directory], in: root, resolving: rules)
            guard try directory.borrowed.fileSystemStatus().magic == FileSystemStatus.devpts else {
                throw SyscallError(.openat2, on: "/dev/pts", .ENODEV)
            }
            let primary = try Terminal.openPrimary(ptmx: "ptmx", in: directory.borrowed)
            guard try primary.borrowed.fileSystemStatus().magic == FileSystemStatus.devpts else {
                throw SyscallError(.openat, on: "/dev/pts/ptmx", .ENODEV)
            }
            let replica = try Terminal.openReplica(of: primary.borrowed)
            if process.keepsNewlines { try Terminal.keepNewlines(of: primary.borrowed) }
            if let size = process.windowSize {
                try Terminal.setWindowSize(of: primary.borrowed, to: size)
            }
            // So that the program can open it again, as /dev/stdin. The group stays tty.
            if process.userID != 0 {
                try replica.borrowed.changeOwner(userID: process.userID, groupID: .max)
            }
            return ContainerTerminal(primary: primary, replica: replica)
        } catch {
            let isMissing = error.errno == .ENOENT || error.errno == .ENODEV
            throw StepError(
                step, error, hint: isMissing ? "process.terminal needs a mount of type devpts" : nil)
        }
    }

    private init(primary: consuming OwnedFD, replica: consuming OwnedFD) {
        self.primary = primary
        self.replica = replica
    }

    /// Both sides as numbers that the caller owns.
    consuming func ends() -> (primary: Int32, replica: Int32) {
        (primary: primary.release(), replica: replica.release())
    }
}
