package import LinuxSystem

/// Mounting layers as one file system.
///
/// Three ways, tried in this order; each says ENOSYS or EINVAL where the kernel does not know it:
/// 1. Linux 6.13: every layer as a descriptor. Nothing is resolved again and no path has a length.
/// 2. Linux 6.7: every layer by `lowerdir+`, as `/proc/self/fd/N`: short whatever the store's path is,
/// because an
///    option's text may have 255 bytes only.
/// 3. Before: one `lowerdir=` of such short names by mount(2), whose options have a page (some 190 layers),
/// put on
///    a directory of the snapshot for a moment and taken over as a detached copy.
package enum OverlayMount {
    /// The ways of telling the kernel the layers.
    package enum Method: Sendable, CaseIterable {
        /// Descriptors by fsconfig(2).
        case descriptors
        /// Names of descriptors by fsconfig(2).
        case names
        /// Names of descriptors by mount(2).
        case legacy
    }

    /// Mounts `lower` (top first) under the directories `upper` and `work` of `writable`.
    /// - Parameters:
    ///   - name: whose file system it is, for messages and the mount's source.
    ///   - isVolatile: never to be mounted again, so nothing is written to the disk for safety: without it, the end
    ///     of the mount waits until all that the host has to write to the disk of `writable` is written. Linux 5.10.
    ///   - methods: the ways to try; all but in tests.
    package static func mount(
        lower: [BorrowedFD], writable: BorrowedFD, name: String, isVolatile: Bool = false,
        methods: [Method] = Method.allCases
    ) throws(StepError) -> MountTree {
        let step: Step = "mount the layers of \(name)"
        let upper = try reference("upper", writable, step)
        let work = try reference("work", writable, step)
        // An overlay needs a layer below; an image without layers is an empty directory.
        if lower.isEmpty {
            let empty = try emptyLayer(writable, step)
            return try mount(
                lower: [empty.borrowed], writable: writable, name: name, isVolatile: isVolatile,
                methods: methods)
        }
        let parts = Parts(
            lower: lower, upper: upper.borrowed, work: work.borrowed, isVolatile: isVolatile)
        var last: SyscallError?
        for method in methods {
            do throws(SyscallError) {
                return try mount(parts, method, writable)
            } catch {
                guard [.EINVAL, .ENOSYS, .EOPNOTSUPP, .EBADF].contains(error.errno) else {
                    throw StepError(step, error)
                }
                last = last ?? error
            }
        }
        if isVolatile { return try mount(lower: lower, writable: writable, name: name, methods: methods) }
        throw StepError(step, last ?? SyscallError(.fsopen, on: "overlay", .ENOSYS))
    }

    private struct Parts {
        let lower: [BorrowedFD]
        let upper: BorrowedFD
        let work: BorrowedFD
        let isVolatile: Bool
    }

    private static func mount(
        _ parts: Parts, _ method: Method, _ writable: BorrowedFD
    ) throws(SyscallError) -> MountTree {
        if method == .legacy { return try legacyMount(parts, writable) }
        let context = try FileSystemContext(type: "overlay")
        try context.set("source", to: "overlay")
        for layer in parts.lower {
            try set("lowerdir+", to: layer, method, context)
        }
        try set("upperdir", to: parts.upper, method, context)
        try set("workdir", to: parts.work, method, context)
        if parts.isVolatile { try context.setFlag("volatile") }
        return try context.mount()
    }

    private static func set(
        _ key: String, to directory: BorrowedFD, _ method: Method, _ context: borrowing FileSystemContext
    ) throws(SyscallError) {
        if method == .descriptors {
            try context.set(key, to: directory)
        } else {
            try context.set(key, to: shortName(directory))
        }
    }

    private static func shortName(_ directory: BorrowedFD) -> String { "/proc/self/fd/\(directory.rawValue)" }

    private static func legacyMount(
        _ parts: Parts, _ writable: BorrowedFD
    ) throws(SyscallError) -> MountTree {
        try makeDirectoryIfMissing("merged", in: writable, mode: 0o700)
        let target: Path = "/proc/self/fd/\(writable.rawValue)/merged"
        let lower = parts.lower.map(shortName).joined(separator: ":")
        let options =
            "lowerdir=\(lower),upperdir=\(shortName(parts.upper)),workdir=\(shortName(parts.work))"
            + (parts.isVolatile ? ",volatile" : "")
        guard options.utf8.count < 4096 else { throw SyscallError(.mount, on: "overlay options", .E2BIG) }
        try LinuxSystem.legacyMount(
            source: "overlay", onto: target, type: "overlay", flags: 0, data: options)
        let copy: MountTree
        do throws(SyscallError) {
            copy = try cloneTree(target, recursive: false)
        } catch {
            bestEffort("the first error counts") { () throws(SyscallError) in
                try unmount(target, lazily: true)
            }
            throw error
        }
        try unmount(target, lazily: true)
        return copy
    }

    private static func reference(
        _ name: Path, _ directory: BorrowedFD, _ step: Step
    ) throws(StepError) -> OwnedFD {
        try during(step) { () throws(SyscallError) in
            try open(name, [.pathOnly, .directory, .noFollow], in: directory)
        }
    }

    private static func emptyLayer(_ writable: BorrowedFD, _ step: Step) throws(StepError) -> OwnedFD {
        try during(step) { () throws(SyscallError) in
            try makeDirectoryIfMissing("merged", in: writable, mode: 0o755)
            return try open("merged", [.pathOnly, .directory, .noFollow], in: writable)
        }
    }

    /// Mounts layers (top first, at least one) read-only, without anything to write to.
    /// - Parameter place: a directory that the legacy way may mount on for a moment.
    package static func mountForReading(
        _ layers: [BorrowedFD], name: String, place: BorrowedFD
    ) throws(StepError) -> MountTree {
        try during("mount the layers of \(name)") { () throws(SyscallError) in
            if layers.count == 1 {
                let tree = try cloneTree("", in: layers[0], recursive: false)
                try setMountAttributes(tree.borrowed, set: .readOnly)
                return tree
            }
            do throws(SyscallError) {
                let context = try FileSystemContext(type: "overlay")
                try context.set("source", to: "overlay")
                for layer in layers { try context.set("lowerdir+", to: shortName(layer)) }
                return try context.mount(.readOnly)
            } catch {
                guard [.EINVAL, .ENOSYS, .EOPNOTSUPP].contains(error.errno) else { throw error }
            }
            try makeDirectoryIfMissing("merged", in: place, mode: 0o700)
            let options = "lowerdir=" + layers.map(shortName).joined(separator: ":")
            guard options.utf8.count < 4096 else { throw SyscallError(.mount, on: "overlay options", .E2BIG) }
            let target: Path = "/proc/self/fd/\(place.rawValue)/merged"
            try LinuxSystem.legacyMount(
                source: "overlay", onto: target, type: "overlay", flags: 1, data: options)
            let copy = try cloneTree(target, recursive: false)
            try unmount(target, lazily: true)
            return copy
        }
    }
}
