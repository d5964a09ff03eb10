package import LinuxSystem

extension SelfSeal.Facts {
    /// The facts of the running program. They come from the kernel alone: an environment variable that says "sealed"
    /// could be anybody's.
    /// - SeeAlso: fstatfs(2), statx(2), fcntl(2) F_GET_SEALS
    package static func current() throws(StepError) -> SelfSeal.Facts {
        try during("look at the runtime's own file") { () throws(SyscallError) in
            let file = try open("/proc/self/exe", .readOnly)
            var facts = SelfSeal.Facts()
            let fileSystem = try file.borrowed.fileSystemStatus()
            facts.isSealed =
                fileSystem.isOverlayReadOnly ? try isDetached(file.borrowed) : file.borrowed.isSealed()
            if facts.isSealed { return facts }
            let status = try file.borrowed.status()
            let protection = try file.borrowed.protection()
            facts.hasVerity = protection.hasVerity
            facts.isImmutable = protection.isImmutable
            facts.isOnReadOnlyImage = readOnlyByNature.contains(fileSystem.magic)
            facts.ownerID = status.userID
            facts.isWidelyWritable = status.mode & 0o022 != 0
            facts.canMount = effectiveUserID() == 0
            return facts
        }
    }

    /// erofs, squashfs, ISO 9660, cramfs. A read-only mount of another kind does not count: the same file may be
    /// writable through another mount.
    private static let readOnlyByNature: [UInt64] = [0xe0f5_e1e2, 0x7371_7368, 0x9660, 0x28cd_3d45]

    /// Whether the running file is in a mount that is attached nowhere, as our overlay is: then the path that the
    /// kernel gives for it starts at that mount and leads, if anywhere, to another file.
    private static func isDetached(_ file: BorrowedFD) throws(SyscallError) -> Bool {
        let path = try readLink("/proc/self/exe")
        guard let visible = try openIfPresent(path) else { return true }
        return try visible.borrowed.extendedAttributesAndMount().mountID
            != file.extendedAttributesAndMount().mountID
    }

    private static func openIfPresent(_ path: Path) throws(SyscallError) -> OwnedFD? {
        do throws(SyscallError) {
            return try open(path, .pathOnly)
        } catch {
            if error.errno == .ENOENT || error.errno == .ENOTDIR { return nil }
            throw error
        }
    }
}

extension FileSystemStatus {
    /// Whether it is an overlay that cannot be written.
    fileprivate var isOverlayReadOnly: Bool { magic == FileSystemStatus.overlay && isReadOnly }
}
