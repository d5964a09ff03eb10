package import ImageSpec
internal import JSONCoding
package import LinuxSystem

/// An image that lies mounted in the store.
package struct MountedImage: Sendable, Equatable {
    /// As it was asked for.
    package let reference: ImageReference
    /// Its manifest.
    package let manifest: Digest
    /// Where it is mounted.
    package let place: Path
}

/// Images mounted read-only for people to look at. Each is a snapshot without a top, named `image-…`, whose lease keeps the
/// layers.
extension ImageStore {
    static let mountPrefix = "image-"

    private static func mountName(_ manifest: Digest) -> String { mountPrefix + manifest.hex.prefix(16) }

    /// Mounts an image, if it is not mounted yet, and gives the directory.
    package func mountImage(_ text: String) throws(StepError) -> Path {
        let step: Step = "mount image \(text)"
        // Two at once would mount twice.
        let held = try exclusiveLock()
        defer { _ = held.borrowed }
        guard let found = try resolve(text) else {
            throw StepError(step, refused: "no such image", code: .imageNotFound, operand: text)
        }
        let name = Self.mountName(found.image.manifestDigest)
        let place = path.appending("snapshots/\(name)/merged")
        if try isMounted(name, step) { return place }
        let lease = Lease(
            name: name, reference: found.reference, manifest: found.image.manifestDigest,
            layers: found.image.layers.map(\.chainID))
        do throws(StepError) {
            var layers: [BorrowedLayer] = []
            for layer in found.image.layers.reversed() {
                layers.append(BorrowedLayer(try openLayer(layer.chainID)))
            }
            if layers.isEmpty { throw StepError(step, refused: "it has no layers", code: .unsupported) }
            defer { withExtendedLifetime(layers) {} }
            let directory = try during(step) { () throws(SyscallError) in
                try makeDirectoryIfMissing("snapshots/\(name)", in: root.borrowed, mode: 0o700)
                let directory = try LinuxSystem.open(
                    "snapshots/\(name)", [.readOnly, .directory, .noFollow], in: root.borrowed)
                try replaceFile("snapshot.json", in: directory.borrowed, lease.json())
                try makeDirectoryIfMissing("merged", in: directory.borrowed, mode: 0o755)
                return directory
            }
            let tree = try OverlayMount.mountForReading(
                layers.map(\.borrowed), name: text, place: directory.borrowed)
            try during(step) { () throws(SyscallError) in
                try moveMount(tree, onto: "merged", in: directory.borrowed)
            }
        } catch {
            bestEffort("the first error counts") { () throws(SyscallError) in
                try removeTree("snapshots/\(name)", in: root.borrowed)
            }
            throw error
        }
        return place
    }

    /// Takes the mount of an image off and gives its layers back.
    /// - Parameter force: also while files in it are open; it vanishes when the last is closed.
    package func unmountImage(_ text: String, force: Bool = false) throws(StepError) {
        let step: Step = "unmount image \(text)"
        let held = try exclusiveLock()
        defer { _ = held.borrowed }
        guard let found = try resolve(text) else {
            throw StepError(step, refused: "no such image", code: .imageNotFound, operand: text)
        }
        let name = Self.mountName(found.image.manifestDigest)
        guard try lease(name) != nil else {
            throw StepError(step, refused: "it is not mounted", operand: text)
        }
        if try isMounted(name, step) {
            try during(step, hint: force ? nil : "--force takes it off even while it is in use") {
                () throws(SyscallError) in
                try unmount(path.appending("snapshots/\(name)/merged"), lazily: force)
            }
        }
        try during(step) { () throws(SyscallError) in
            try removeTree("snapshots/\(name)", in: root.borrowed)
        }
    }

    /// The images that are mounted.
    package func mountedImages() throws(StepError) -> [MountedImage] {
        var found: [MountedImage] = []
        for lease in try leases() where lease.name.hasPrefix(Self.mountPrefix) {
            if try isMounted(lease.name, "list mounted images") {
                found.append(
                    MountedImage(
                        reference: lease.reference, manifest: lease.manifest,
                        place: path.appending("snapshots/\(lease.name)/merged")))
            }
        }
        return found
    }

    private func isMounted(_ name: String, _ step: Step) throws(StepError) -> Bool {
        try during(step) { () throws(SyscallError) in
            guard try statusIfPresent(of: "snapshots/\(name)/merged", in: root.borrowed) != nil else {
                return false
            }
            let directory = try LinuxSystem.open(
                "snapshots/\(name)/merged", [.pathOnly, .directory, .noFollow], in: root.borrowed)
            return try directory.borrowed.isMountRoot()
        }
    }
}
