package import LinuxSystem

/// What the caller of checkpoint or restore decides about CRIU's work.
/// - SeeAlso: criu(8)
package struct CheckpointOptions: Sendable {
    /// What CRIU does about cgroups.
    package enum CgroupMode: String, Sendable, CaseIterable {
        case soft, full, strict, ignore
    }

    /// Where the images are.
    package var images: Path
    /// Where CRIU works and writes its log; nil: where the images are.
    package var work: Path?
    /// Images of an earlier pre-dump, as a path from `images`.
    package var parent: Path?
    /// Whether the container goes on after a checkpoint.
    package var leavesRunning = false
    /// Whether only memory is saved, in advance.
    package var isPreDump = false
    /// Whether connected TCP sockets are allowed.
    package var allowsConnections = false
    /// Whether connections that are being made are left out.
    package var skipsUnfinishedConnections = false
    /// Whether unlinked files may be linked back.
    package var remapsLinks = false
    /// Whether unix sockets may lead out of the container.
    package var allowsOutsideSockets = false
    /// Whether a session leader outside is allowed.
    package var isShellJob = false
    /// Whether file locks are saved.
    package var savesLocks = false
    /// Whether pages that did not change are removed from the parent images.
    package var deduplicates = false
    /// Whether pages are fetched when they are first used.
    package var isLazy = false
    /// A descriptor that gets a NUL byte when the lazy pages can be fetched.
    package var status: BorrowedFD?
    /// Where the pages are sent instead of into the images.
    package var pageServer: (address: String, port: Int32)?
    /// How cgroups are treated; nil: as CRIU does by itself.
    package var cgroups: CgroupMode?
    /// Label of the restored processes, `TYPE:NAME`.
    package var profile: String?
    /// SELinux context of the restored mounts.
    package var mountContext: String?

    /// The usual settings.
    package init(images: Path) { self.images = images }
}
