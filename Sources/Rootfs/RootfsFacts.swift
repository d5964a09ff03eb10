package import LinuxSystem
package import RuntimeSpec

/// One cgroup v1 hierarchy with the container's own place in it.
package struct CgroupHierarchy: Sendable, Hashable {
    /// The name below `/sys/fs/cgroup`: `memory`, `cpu,cpuacct`, `systemd`.
    package var name: String
    /// The container's own directory on the host, absolute.
    package var ownDirectory: Path

    /// A hierarchy.
    package init(name: String, ownDirectory: Path) {
        self.name = name
        self.ownDirectory = ownDirectory
    }
}

/// What a mount of type `cgroup` can show.
package enum CgroupView: Sendable, Hashable {
    /// The host has only cgroup v2; the container's own directory on the host, when it has one.
    case unified(ownDirectory: Path?)
    /// The host has v1 hierarchies, and perhaps v2 at `unified`; only those that the container has a place in.
    case hybrid([CgroupHierarchy], unified: Path?)
    /// The container has no cgroup of its own.
    case none
}

/// How the container's root becomes `/`.
package enum RootChange: Sendable, Hashable {
    /// pivot_root(2) and detach of everything else: the normal case.
    case pivot
    /// Moving the mount over `/` and chroot(2), for hosts whose root is a ramdisk (`--no-pivot`).
    case move
    /// chroot(2) alone, in a mount namespace that others use too.
    case chroot
}

/// What the mount plan has to know beyond config.json. All of it is found out before anything is done.
package struct RootfsFacts: Sendable, Equatable {
    /// Kinds of namespaces that are not the runtime's own, found by comparing the namespaces themselves.
    package var ownNamespaces: [NamespaceKind]
    /// Whether the mount namespace is a fresh copy (and not one that others use).
    package var hasNewMountNamespace: Bool
    /// Whether the runtime lacks CAP_SYS_ADMIN, so that the child has to open mount sources.
    package var opensInChild: Bool
    /// The bundle's absolute path.
    package var bundle: Path
    /// Whether a ready mount tree is handed over instead of `root.path`.
    package var hasRootTree: Bool
    /// What cgroup mounts show.
    package var cgroups: CgroupView
    /// Whether `--no-pivot` was given.
    package var avoidsPivot: Bool

    /// Whether the host can label mounts: it runs SELinux.
    package var labelsMounts = true

    /// Facts; the defaults are those of a root runtime on a cgroup v2 host.
    package init(
        ownNamespaces: [NamespaceKind], bundle: Path, hasNewMountNamespace: Bool = true,
        opensInChild: Bool = false, hasRootTree: Bool = false,
        cgroups: CgroupView = .unified(ownDirectory: nil), avoidsPivot: Bool = false
    ) {
        self.ownNamespaces = ownNamespaces
        self.hasNewMountNamespace = hasNewMountNamespace
        self.opensInChild = opensInChild
        self.bundle = bundle
        self.hasRootTree = hasRootTree
        self.cgroups = cgroups
        self.avoidsPivot = avoidsPivot
    }
}
