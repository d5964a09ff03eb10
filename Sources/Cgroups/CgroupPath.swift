package import LinuxSystem
package import RuntimeSpec

/// Where a container's cgroup is in every tree: names below the tree's root.
package struct CgroupPath: Sendable, Equatable, CustomStringConvertible {
    /// The folder for containers without an absolute path. It comes with the first container and goes with the last.
    package static let folder: Path = "skiff"

    /// Relative to the root of a tree, without `.` and `..`.
    package let relative: Path
    /// Whether it is in our own folder.
    package let isInOwnFolder: Bool

    /// Applies the rules of the spec (CG-1 … CG-3): an absolute path stands under the root of each tree; a relative one
    /// and a missing one under our folder, the latter named by the container's id.
    /// - Throws: if the path has `..` or a systemd form, or names the root.
    package init(cgroupsPath: String?, id: String) throws(SpecError) {
        let field = "linux.cgroupsPath"
        guard let text = cgroupsPath, !text.isEmpty else {
            relative = Self.folder.appending(Path(id))
            isInOwnFolder = true
            return
        }
        let path = Path(text)
        if text.utf8.contains(where: { $0 < 0x20 }) {
            throw SpecError(field: field, reason: "must not hold control characters", value: text)
        }
        if path.hasParentReference {
            throw SpecError(field: field, reason: "must not contain ..", value: text)
        }
        if !path.isAbsolute, !text.contains("/"), text.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 2 {
            throw SpecError(
                field: field, reason: "slice:prefix:name needs the systemd cgroup manager", value: text,
                kind: .unsupported)
        }
        let names = Path.joining(path.components, absolute: false)
        if names.isEmpty {
            throw SpecError(field: field, reason: "must not be the root cgroup", value: text)
        }
        isInOwnFolder = !path.isAbsolute
        relative = path.isAbsolute ? names : Self.folder.appending(names)
    }

    /// The place of a scope of systemd.
    package init(_ scope: SystemdScope) {
        relative = Path(scope.relativePath)
        isInOwnFolder = false
    }

    /// With a slash before it, as /proc/PID/cgroup shows it.
    package var description: String { "/\(relative)" }
}
