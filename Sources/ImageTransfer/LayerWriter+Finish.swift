internal import LinuxSystem

extension LayerWriter {
    /// Applies what had to wait for the last member: opaque directories, whiteouts, and the times of
    /// directories.
    mutating func finish() throws(LayerFailure) {
        do throws(SyscallError) {
            try describeImplied()
            try applyOpaque()
            // A directory before what is in it: when the directory itself is hidden, its inside needs no
            // more.
            for (parent, name) in whiteouts.sorted(by: { $0.parent.names.count < $1.parent.names.count }) {
                try applyWhiteout(parent.appending(name))
            }
            for path in directoryTimes.keys.sorted(by: EntryPath.isBefore) {
                guard let time = directoryTimes[path] else { continue }
                try openDirectory(path).borrowed.setTimes(modified: time)
            }
        } catch {
            throw LayerFailure(entry: nil, .refused(describe(error)))
        }
    }

    /// Directories that no member describes are as the layers below have them; where those have a link, its target
    /// would be meant, and such an archive is refused.
    private mutating func describeImplied() throws(SyscallError) {
        for path in implied.sorted(by: EntryPath.isBefore) {
            guard let below = try lower.find(path) else { continue }
            if below.status.kind == .symbolicLink {
                throw SyscallError(.openat2, on: printable(path.path.bytes), .ELOOP)
            }
            guard below.status.kind == .directory else { continue }
            let attributes = try FileAttributes(of: below.path, in: below.root.borrowed, below.status)
            try attributes.applyButTime(to: openDirectory(path).borrowed)
            directoryTimes[path] = attributes.modified
        }
    }

    private mutating func applyOpaque() throws(SyscallError) {
        for path in opaque.sorted(by: EntryPath.isBefore) {
            if path.isRoot {
                // overlayfs merges the roots of all layers whatever they carry, so each name is hidden by
                // itself.
                for name in try lower.rootNames() { whiteouts.append((path, name)) }
                opaque.remove(path)
            } else if try lower.find(path)?.status.kind == .directory {
                try openDirectory(path).borrowed.setExtendedAttribute(
                    opaqueAttribute, to: [UInt8(ascii: "y")])
            }
        }
    }

    /// Hides a path of the layers below. A marker is made only where there is something to hide: in a
    /// directory that is not merged, overlayfs would show the marker's name.
    private mutating func applyWhiteout(_ path: EntryPath) throws(SyscallError) {
        var above = path.parent
        while !above.isRoot {
            if opaque.contains(above) { return }
            above = above.parent
        }
        guard let below = try lower.find(path), let name = path.names.last else { return }
        let parent = try openDirectory(path.parent)
        if let own = try statusIfPresent(of: name, in: parent.borrowed) {
            if own.kind == .directory, below.status.kind == .directory {
                // The layer took the old directory away and has a new one in its place.
                opaque.insert(path)
                try openDirectory(path).borrowed.setExtendedAttribute(
                    opaqueAttribute, to: [UInt8(ascii: "y")])
            }
            if !copiedUp.contains(path) { return }
            try unlink(name, in: parent.borrowed)
        }
        try LinuxSystem.makeNode(name, in: parent.borrowed, kind: .characterDevice, mode: 0)
    }
}
