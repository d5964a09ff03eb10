package import CapabilityBinding
package import LinuxSystem
package import RuntimeSpec

/// Keeps containers from writing to the runtime's own file, which they could reach through /proc/self/exe while the
/// runtime runs in their namespaces.
///
/// The cheapest way that holds is chosen: nothing, when the file cannot be written anyway; a second start through
/// a read-only overlay that is mounted nowhere; a second start from a sealed copy in memory.
package enum SelfSeal {
    /// What to do.
    package enum Decision: Equatable, Sendable {
        /// Go on: a container cannot write the file.
        case nothing
        /// Start again through a read-only overlay.
        case overlay
        /// Start again from a sealed copy in memory.
        case memoryCopy
    }

    /// What is known about the running file and about who will run next to it.
    package struct Facts: Equatable, Sendable {
        /// The program already runs from an overlay or a copy of ours.
        package var isSealed = false
        /// The file system cannot be written by its nature (erofs, squashfs, ISO 9660).
        package var isOnReadOnlyImage = false
        /// fs-verity guards the file.
        package var hasVerity = false
        /// The file has the immutable attribute.
        package var isImmutable = false
        /// Owner of the file, as this process sees it.
        package var ownerID: UInt32 = 0
        /// Group or others may write to the file.
        package var isWidelyWritable = false
        /// This process may make mounts.
        package var canMount = true

        /// Facts of a plain writable file of root's.
        package init() {}
    }

    /// The decision for a container with bounding set `bounding`, whose user namespace maps these host user ids
    /// (nil without a user namespace of its own).
    package static func decide(
        _ facts: Facts, bounding: CapabilitySet, mappedUserIDs: [IDMappingSpec]?
    ) -> Decision {
        if facts.isSealed || facts.isOnReadOnlyImage || facts.hasVerity { return .nothing }
        if facts.isImmutable, !bounding.contains(.linuxImmutable) { return .nothing }
        if let mappedUserIDs, !facts.isWidelyWritable,
            !mappedUserIDs.contains(where: { $0.includes(hostID: facts.ownerID) })
        {
            return .nothing
        }
        return facts.canMount ? .overlay : .memoryCopy
    }

    /// Does what `decision` says. Comes back only for ``Decision/nothing``: the new start finds ``Facts/isSealed``.
    /// Where the kernel or the file system does not give the overlay, the copy is taken.
    package static func carryOut(_ decision: Decision) throws(StepError) {
        if decision == .nothing { return }
        if decision == .overlay {
            bestEffort("the copy in memory does the same at a higher price") { () throws(SyscallError) in
                try restartThroughOverlay()
            }
        }
        try during("start again from a sealed copy of the runtime") { () throws(SyscallError) in
            try restartFromCopy()
        }
    }

    /// Starts this program again with the same arguments and environment through ``overlay(of:)``.
    private static func restartThroughOverlay() throws(SyscallError) {
        let file = try readLink("/proc/self/exe")
        guard let name = file.lastComponent else {
            throw SyscallError(.readlinkat, on: "/proc/self/exe", .EINVAL)
        }
        let tree = try overlay(of: file.parent)
        try executeAgain(name, in: tree.borrowed)
    }

    /// Starts this program again with the same arguments and environment from ``sealedCopy()``.
    private static func restartFromCopy() throws(SyscallError) {
        let copy = try sealedCopy()
        try executeAgain(in: copy.borrowed)
    }

    /// An overlay of `directory` without an upper layer, so that nothing can ever be written through it. It is
    /// attached nowhere and goes with the last file that is open in it.
    /// - SeeAlso: https://docs.kernel.org/filesystems/overlayfs.html
    static func overlay(of directory: Path) throws(SyscallError) -> MountTree {
        let context = try FileSystemContext(type: "overlay")
        // Without an upper layer the kernel wants two lower ones; the second only has to exist and be elsewhere.
        let bytes = directory.bytes + Array(":/sys".utf8)
        let special = Array(#":,\"#.utf8)
        if bytes.count < 256, !directory.bytes.contains(where: { special.contains($0) }) {
            try context.set("lowerdir", to: Path(bytes: bytes))
        } else {
            // Linux 6.7.
            try context.set("lowerdir+", to: directory)
            try context.set("lowerdir+", to: "/sys" as Path)
        }
        return try context.mount([.readOnly, .noSetUserID, .noDevices])
    }

    /// A copy of the running program in memory, sealed against every change.
    /// - SeeAlso: memfd_create(2), fcntl(2) F_ADD_SEALS
    static func sealedCopy() throws(SyscallError) -> OwnedFD {
        let original = try open("/proc/self/exe", .readOnly)
        let copy = try memoryFile(named: "skiff", executable: true, sealable: true)
        while try original.borrowed.copy(max: 1 << 30, to: copy.borrowed) > 0 {}
        try copy.borrowed.sealAgainstChange()
        return copy
    }
}

extension IDMappingSpec {
    /// Whether the mapping gives the container the host's id `hostID`.
    fileprivate func includes(hostID id: UInt32) -> Bool {
        id >= hostID && UInt64(id) < UInt64(hostID) + UInt64(size)
    }
}
