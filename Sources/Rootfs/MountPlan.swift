package import LinuxSystem

/// An identity mapping for a mount: ids on disk and the ids that they appear as.
package struct MountIdentityMap: Sendable, Hashable {
    /// One range, as in config.json.
    package struct Range: Sendable, Hashable {
        /// First id inside.
        package var inside: UInt32
        /// First id outside.
        package var outside: UInt32
        /// Number of ids.
        package var count: UInt32

        /// A range of the values named.
        package init(inside: UInt32, outside: UInt32, count: UInt32) {
            self.inside = inside
            self.outside = outside
            self.count = count
        }
    }
    /// User ids.
    package var users: [Range]
    /// Group ids.
    package var groups: [Range]
    /// Whether submounts get it too.
    package var recursive: Bool
    /// A user namespace that has the mapping, in place of the ranges: one that the container joins.
    package var namespace: Path?
}

/// One mount that will be made, with everything decided.
package struct MountEntry: Sendable, Hashable {
    /// Where the mount comes from.
    package enum Origin: Sendable, Hashable {
        /// A new instance of a file system.
        case fresh(type: String, source: String, parameters: [MountParameter])
        /// A clone of a host directory or file.
        case bind(Path, recursive: Bool)
        /// A change of what is mounted there already; parameters go to the file system unless `bind`.
        case remount(bind: Bool, parameters: [MountParameter])
    }

    /// Position in the `mounts` list of config.json, for error texts.
    package var index: Int
    /// Where it comes from.
    package var origin: Origin
    /// Absolute path in the container.
    package var destination: Path
    /// Flags of the mount; for a fresh one, `clear` has no meaning.
    package var flags = MountFlagChange()
    /// Flags for it and all its submounts.
    package var recursiveFlags = MountFlagChange()
    /// File system flags by name, see `MountOptions.superblockFlags`.
    package var superblockFlags: [String] = []
    /// Propagation settings to apply, in order.
    package var propagation: [PropagationChange] = []
    /// Read-only comes last, because something must still be made inside.
    package var becomesReadOnlyLate = false
    /// Whether a new tmpfs starts with what it covers.
    package var copiesUp = false
    /// Identity mapping.
    package var identityMap: MountIdentityMap?
    /// Whether every name of the destination must be a real directory: procfs and sysfs (I-13).
    package var refusesSymlinks = false
    /// Whether it may land on a file of procfs.
    package var mayLandOnProc = false
    /// Whether the destination is inside a file system that this plan has made new: nobody else can change it then.
    package var isInsideFresh = false
    /// Links to make inside after mounting: comounted cgroup controllers.
    package var links: [MountParameter] = []

    /// For error texts: `proc` or the source path.
    package var sourceName: String {
        switch origin {
        case .fresh(let type, _, _): type
        case .bind(let path, _): path.string
        case .remount: "remount"
        }
    }

    /// What goes into a failure's step: `mount tmpfs on /dev/shm (mounts[3])`.
    package var step: Step { Step("mount \(sourceName) on \(destination) (mounts[\(index)])") }
}

/// A device node of the container.
package struct DeviceEntry: Sendable, Hashable {
    /// Absolute path in the container.
    package var path: Path
    /// Character, block or FIFO.
    package var kind: FileKind
    /// Which device.
    package var number: DeviceNumber
    /// Permission bits, exact whatever the umask.
    package var mode: UInt32
    /// Owner.
    package var userID: UInt32
    /// Group.
    package var groupID: UInt32
    /// The host's node to bind instead of making one, in a user namespace.
    package var bindSource: Path?
}

/// A kernel parameter of a namespace.
package struct SysctlEntry: Sendable, Hashable {
    /// The key as configured, for error texts.
    package var key: String
    /// The path below /proc/sys.
    package var path: Path
    /// What to write.
    package var value: String
}

/// Everything that will be done to give a container its file system: pure, printable, comparable.
package struct MountPlan: Sendable, Equatable {
    /// The root directory on the host; nil when a mount tree is handed over.
    package var rootSource: Path?
    /// Where in the child's copy of the host's mounts the root is attached, so that hooks find it; nil means `/`.
    package var attachPoint: Path?
    /// Whether the root ends read-only.
    package var rootIsReadOnly = false
    /// Propagation that the root ends with; nil leaves it private.
    package var rootPropagation: PropagationChange?
    /// How it becomes `/`.
    package var rootChange = RootChange.pivot
    /// Whether the container has the runtime's own mount namespace, so that its mounts are the host's.
    package var sharesHostMounts = false
    /// What is mounted, in order.
    package var entries: [MountEntry] = []
    /// Device nodes, the listed ones first.
    package var devices: [DeviceEntry] = []
    /// Whether the runtime furnishes /dev: default nodes, ptmx, links, console.
    package var furnishesDev = true
    /// Whether a procfs is mounted at /proc by this plan, so that links into it lead somewhere.
    package var mountsProc = false
    /// Paths that become unreadable.
    package var maskedPaths: [Path] = []
    /// Paths that become read-only.
    package var readOnlyPaths: [Path] = []
    /// Kernel parameters.
    package var sysctls: [SysctlEntry] = []
    /// Host name to set.
    package var hostname: String?
    /// NIS domain name to set.
    package var domainname: String?
    /// Whether the child opens sources and the root by itself (rootless).
    package var opensInChild = false
    /// Whether the container has a user namespace.
    package var isInUserNamespace = false
    /// The bundle's absolute path: relative sources start there.
    package var bundle: Path = "/"

    /// A host path as seen from the container's root, if it is below it.
    func pathInRoot(_ path: Path) -> Path? {
        guard let rootSource else { return nil }
        let root = rootSource.lexicallyCleaned
        guard root != "/" else { return nil }
        let clean = path.lexicallyCleaned
        return clean.isBelow(root) ? Path(bytes: Array(clean.bytes.dropFirst(root.bytes.count))) : nil
    }

    /// Whether a host path is below the container's root.
    func isInRoot(_ path: Path) -> Bool { pathInRoot(path) != nil }

    /// Whether init opens the source of a bind when its turn comes, so that the kernel lists the mounts in the order of the
    /// configuration: by age, since 6.8. In a namespace of its user it may not, in one that others use it would see their
    /// mounts, and what spreads to the host must be cloned from the host's mount itself.
    func opensInTurn(_ entry: MountEntry) -> Bool {
        rootChange != .chroot && !isInUserNamespace && entry.identityMap == nil
            && entry.propagation.first?.kind != .isShared
    }

    /// An empty plan.
    package init() {}
}
