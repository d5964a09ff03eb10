package import ImageSpec
internal import JSONCoding
package import LinuxSystem

extension ImageStore {
    /// Whether the layer with this chain id is there, whole.
    package func hasLayer(_ chainID: Digest) throws(StepError) -> Bool {
        try during("look for layer \(chainID)") { () throws(SyscallError) in
            try statusIfPresent(of: "layers/\(chainID.fileName)/fs", in: root.borrowed)?.kind == .directory
        }
    }

    /// The directory for files without a name, which go away with their last descriptor.
    package func openTemporary() throws(StepError) -> OwnedFD {
        try during("open tmp of the image store") { () throws(SyscallError) in
            try LinuxSystem.open("tmp", [.readOnly, .directory], in: root.borrowed)
        }
    }

    /// The root directory of a layer, as a reference for looking up and mounting.
    package func openLayer(_ chainID: Digest) throws(StepError) -> OwnedFD {
        try during("open layer \(chainID)", hint: "load the image again") { () throws(SyscallError) in
            try LinuxSystem.open(
                "layers/\(chainID.fileName)/fs", [.pathOnly, .directory, .noFollow], in: root.borrowed)
        }
    }

    /// Makes a directory for a layer that is to be unpacked, with `layer.json` in it.
    /// - Returns: its empty directory `fs`, open.
    package func prepare(
        _ layer: StoredImage.Layer, as name: Path, in staged: borrowing Staging
    ) throws(StepError) -> OwnedFD {
        try during("prepare layer \(layer.diffID)") { () throws(SyscallError) in
            try removeTree(name, in: staged.directory)
            let directory = try staged.makeDirectory(name)
            try replaceFile("layer.json", in: directory.borrowed, layer.json())
            try makeDirectory("fs", in: directory.borrowed, mode: 0o755)
            return try LinuxSystem.open("fs", [.readOnly, .directory], in: directory.borrowed)
        }
    }

    /// Makes an unpacked layer visible under its chain id, in one step. If another load was first, its layer
    /// stays and this one is dropped with the staging directory.
    /// - Parameter name: the directory in `staged` that holds `fs`, its files written to disk, and `layer.json` if
    ///   `prepare` made it.
    package func add(
        _ layer: StoredImage.Layer, from name: Path, in staged: borrowing Staging
    ) throws(StepError) {
        try during("store layer \(layer.chainID)") { () throws(SyscallError) in
            let directory = try LinuxSystem.open(name, [.readOnly, .directory], in: staged.directory)
            if try statusIfPresent(of: "layer.json", in: directory.borrowed) == nil {
                try replaceFile("layer.json", in: directory.borrowed, layer.json())
            }
            do throws(SyscallError) {
                try rename(
                    name, in: staged.directory, to: "layers/\(layer.chainID.fileName)", in: root.borrowed,
                    exclusively: true)
            } catch {
                if error.errno != .EEXIST { throw error }
            }
        }
    }

    /// Removes layers that no image and no lease uses. While a load is under way nothing is removed: it may build on any
    /// layer; the next removal sees to it. The caller holds the exclusive lock.
    /// - Returns: bytes that the layers took.
    func collectGarbage() throws(StepError) -> Int64 {
        do throws(SyscallError) {
            _ = try FileLock(at: "loads.lock", in: root.borrowed, exclusive: true, blocking: false)
            // A load begins under the exclusive lock, which the caller holds: none begins from here on.
        } catch {
            if error.errno == .EAGAIN { return 0 }
            throw StepError("lock the image store \(path)", error)
        }
        var layers = Set(try leases().flatMap(\.layers))
        for entry in try entries("images") {
            if let digest = Digest(fileName: entry) {
                layers.formUnion(try record(of: digest).layers.map(\.chainID))
            } else {
                try discard("images/\(entry)")
            }
        }
        var bytes: Int64 = 0
        for entry in try entries("layers") {
            if let digest = Digest(fileName: entry), layers.contains(digest) { continue }
            bytes += try during("measure layers/\(entry)") { () throws(SyscallError) in
                try DiskUsage.of("layers/\(entry)", in: root.borrowed)
            }
            try discard("layers/\(entry)")
        }
        return bytes + (try collectBlobs())
    }

    /// Removes what a load that failed or was killed has left: layers that nothing uses.
    package func removeUnused() throws(StepError) {
        let held = try exclusiveLock()
        defer { _ = held.borrowed }
        _ = try collectGarbage()
    }

    /// The names in a directory of the store.
    func entries(_ directory: Path) throws(StepError) -> [Path] {
        try during("list \(directory) of the image store") { () throws(SyscallError) in
            let open = try LinuxSystem.open(directory, [.readOnly, .directory], in: root.borrowed)
            return try open.borrowed.list().map(\.name)
        }
    }

    /// Takes a tree out of sight in one step, then removes it: killed in between, it is rubbish in `tmp`.
    func discard(_ tree: Path) throws(StepError) {
        let rubbish: Path = "tmp/removed-\(currentProcessID().rawValue)-\(Clock.monotonicNanoseconds())"
        try during("remove \(tree) from the image store") { () throws(SyscallError) in
            try rename(tree, in: root.borrowed, to: rubbish, in: root.borrowed)
            try removeTree(rubbish, in: root.borrowed)
        }
    }
}
