package import LinuxSystem

/// The container's file system while it is being put together, in the child. Single-threaded.
package struct RootfsContext: ~Copyable {
    /// What is being done.
    package let plan: MountPlan
    /// The container's root mount; every path of the container is resolved below it.
    var rootTree: MountTree
    /// Host things that have not been mounted yet.
    var sources: MountSources
    /// The procfs that this plan mounted, held from before anything could cover parts of it (I-3).
    var procfs = TreeList()
    /// Mounts that become read-only at the end.
    var lateReadOnly = TreeList()

    /// The container's root directory, for lookups with `Resolve.inRoot`.
    package var root: BorrowedFD { rootTree.borrowed }

    /// The container's own procfs root, when the plan mounted one: a handle that no mount of the container can
    /// stand in for. Open files below it with `[.beneath, .noSymlinks, .noCrossDevice]`.
    package var trustedProcfs: BorrowedFD? { procfs.first }

    init(plan: MountPlan, rootTree: consuming MountTree, sources: consuming MountSources) {
        self.plan = plan
        self.rootTree = rootTree
        self.sources = sources
    }
}
