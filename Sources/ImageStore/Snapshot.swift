package import ImageSpec
internal import JSONCoding
package import LinuxSystem

/// The writable top of one container over the layers of its image. It stays in the store until ``remove()``;
/// this value only holds its directory open.
package struct Snapshot: ~Copyable {
    /// What it holds of the store.
    package let lease: Lease
    private let storeRoot: OwnedFD
    private let directory: OwnedFD
    /// The host path of what the container wrote, in overlay form (whiteouts are char 0:0).
    package let upperPath: Path

    fileprivate init(
        lease: Lease, storeRoot: consuming OwnedFD, directory: consuming OwnedFD, upperPath: Path
    ) {
        self.lease = lease
        self.storeRoot = storeRoot
        self.directory = directory
        self.upperPath = upperPath
    }

    /// What the container wrote, as a directory for reading.
    package borrowing func openUpper() throws(StepError) -> OwnedFD {
        try during("open the upper layer of \(lease.name)") { () throws(SyscallError) in
            try open("upper", [.readOnly, .directory, .noFollow], in: directory.borrowed)
        }
    }

    /// The image's layers, top first, as references for looking up.
    package borrowing func openLayers() throws(StepError) -> [BorrowedLayer] {
        var layers: [BorrowedLayer] = []
        for chainID in lease.layers.reversed() {
            let step: Step = "open layer \(chainID)"
            let fd = try during(step, hint: "load image \(lease.reference) again") {
                () throws(SyscallError) in
                try open(
                    "layers/\(chainID.fileName)/fs", [.pathOnly, .directory, .noFollow],
                    in: storeRoot.borrowed)
            }
            layers.append(BorrowedLayer(fd))
        }
        return layers
    }

    /// Mounts the layers with the writable top: a detached overlay, in nobody's mount table, gone with the
    /// value unless it is moved somewhere.
    /// - Parameter isVolatile: the first and last time that it is mounted; then its end does not wait for the disk.
    /// - Parameter namespace: a user namespace by whose mapping the layers are seen; what is written belongs to ids
    ///   outside of it.
    /// - SeeAlso: fsopen(2), overlayfs (kernel documentation)
    package borrowing func mount(
        isVolatile: Bool = false, mappedBy namespace: BorrowedFD? = nil
    ) throws(StepError) -> MountTree {
        var layers = try openLayers()
        if let namespace { layers = try mapped(layers, by: namespace) }
        defer { withExtendedLifetime(layers) {} }
        return try OverlayMount.mount(
            lower: layers.map(\.borrowed), writable: directory.borrowed, name: lease.name,
            isVolatile: isVolatile)
    }

    /// The layers as mounts of their own with the mapping of a user namespace.
    private borrowing func mapped(
        _ layers: [BorrowedLayer], by namespace: BorrowedFD
    ) throws(StepError) -> [BorrowedLayer] {
        let step: Step = "map the owners of the layers of \(lease.reference)"
        var result: [BorrowedLayer] = []
        for layer in layers {
            do throws(SyscallError) {
                let tree = try cloneTree("", in: layer.borrowed, recursive: false)
                try setMountAttributes(tree.borrowed, userNamespace: namespace)
                result.append(BorrowedLayer(OwnedFD(adopting: tree.release())))
            } catch {
                if ![.EINVAL, .ENOSYS, .EOPNOTSUPP, .EPERM].contains(error.errno) {
                    throw StepError(step, error)
                }
                throw StepError(
                    step, error,
                    hint: "--userns needs Linux 5.19 and a store on a file system with id-mapped mounts",
                    code: .kernelLacks)
            }
        }
        return result
    }

    /// What the container sees, without a way to change it, also while it runs: a detached overlay, gone with the value.
    package borrowing func mountForReading() throws(StepError) -> MountTree {
        let layers = try openLayers()
        defer { withExtendedLifetime(layers) {} }
        let upper = try openUpper()
        return try OverlayMount.mountForReading(
            [upper.borrowed] + layers.map(\.borrowed), name: lease.name, place: directory.borrowed)
    }

    /// Removes the writable top and gives the lease back. The overlay must not be mounted any more.
    package consuming func remove() throws(StepError) {
        let name = lease.name
        try during("remove the snapshot of \(name)") { () throws(SyscallError) in
            // The lease goes last: killed in between, the snapshot is still there to be removed.
            for part in ["upper", "work", "merged"] as [Path] { try removeTree(part, in: directory.borrowed) }
            try removeTree("snapshots/\(name)", in: storeRoot.borrowed)
        }
    }
}

/// A layer's directory, held open as long as this value or a copy of it lives.
package final class BorrowedLayer {
    private let fd: OwnedFD
    /// For calls that take a directory.
    package var borrowed: BorrowedFD { fd.borrowed }

    init(_ fd: consuming OwnedFD) { self.fd = fd }
}

extension ImageStore {
    /// Makes the writable top of a new container and takes a lease on the image's layers.
    /// - Parameter name: the container's id or name, which must be usable as a file name.
    package func prepareSnapshot(
        of image: StoredImage, as reference: ImageReference, named name: String
    ) throws(StepError) -> Snapshot {
        let step: Step = "prepare a snapshot for \(name)"
        if name.isEmpty || name == "." || name == ".." || name.utf8.contains(UInt8(ascii: "/")) {
            throw StepError(step, refused: "the name cannot be a file name", code: .idInvalid, operand: name)
        }
        let lease = Lease(
            name: name, reference: reference, manifest: image.manifestDigest,
            layers: image.layers.map(\.chainID))
        let held = try sharedLock()
        defer { _ = held.borrowed }
        // Under the lock nobody removes layers, and from the record on nobody removes these.
        for layer in image.layers where try !hasLayer(layer.chainID) {
            throw StepError(
                step, refused: "layer \(layer.chainID) is not in the store",
                hint: "load image \(reference) again", code: .imageDamaged)
        }
        try during(step) { () throws(SyscallError) in
            try makeDirectory("snapshots/\(name)", in: root.borrowed, mode: 0o700)
            let directory = try LinuxSystem.open(
                "snapshots/\(name)", [.readOnly, .directory], in: root.borrowed)
            try replaceFile("snapshot.json", in: directory.borrowed, lease.json())
            try makeDirectory("work", in: directory.borrowed, mode: 0o700)
            try makeDirectory("upper", in: directory.borrowed, mode: 0o755)
            let upper = try LinuxSystem.open("upper", [.readOnly, .directory], in: directory.borrowed)
            try Self.copyRootAttributes(of: image.layers.last?.chainID, in: root.borrowed, to: upper.borrowed)
        }
        return try snapshot(named: name)
    }

    /// The root directory that a container sees is the upper one, so it gets what the image says about `/`.
    private static func copyRootAttributes(
        of layer: Digest?, in root: BorrowedFD, to upper: BorrowedFD
    ) throws(SyscallError) {
        guard let layer else { return try upper.changeMode(0o755) }
        let source = try LinuxSystem.open(
            "layers/\(layer.fileName)/fs", [.readOnly, .directory, .noFollow], in: root)
        let facts = try source.borrowed.status()
        if facts.userID != 0 || facts.groupID != 0 {
            try upper.changeOwner(userID: facts.userID, groupID: facts.groupID)
        }
        try upper.changeMode(facts.mode & 0o7777)
        try upper.setTimes(modified: facts.modified)
    }

    /// The snapshot of a container that has one.
    package func snapshot(named name: String) throws(StepError) -> Snapshot {
        let step: Step = "open the snapshot of \(name)"
        guard let lease = try lease(name) else {
            throw StepError(step, refused: "there is none", code: .stateDamaged)
        }
        return try during(step) { () throws(SyscallError) in
            Snapshot(
                lease: lease, storeRoot: try root.borrowed.duplicate(),
                directory: try LinuxSystem.open(
                    "snapshots/\(name)", [.readOnly, .directory, .noFollow], in: root.borrowed),
                upperPath: path.appending("snapshots/\(name)/upper"))
        }
    }

    /// Removes what a container had in the store; nothing happens if it had nothing, or only half of it.
    package func removeSnapshot(named name: String) throws(StepError) {
        if try lease(name) != nil { return try snapshot(named: name).remove() }
        try during("remove the snapshot of \(name)") { () throws(SyscallError) in
            try removeTree("snapshots/\(name)", in: root.borrowed)
        }
    }
}
