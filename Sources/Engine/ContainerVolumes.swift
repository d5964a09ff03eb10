internal import ImageSpec
internal import LinuxSystem

/// The volumes of a new container: those that the caller names and those that the image declares.
struct ContainerVolumes {
    let home: EngineHome
    /// The container's folder.
    let folder: BorrowedFD
    /// The same as a host path.
    let path: Path
    /// The container's root file system.
    let root: BorrowedFD

    /// Makes the volumes that are missing, enters their host paths in `facts`, and makes the sources of binds absolute.
    /// `made` collects the folders of named volumes that did not exist before.
    func make(
        _ options: inout RunOptions, _ config: ContainerConfig, _ facts: inout ContainerSpecification.Facts,
        _ record: inout ContainerRecord, _ made: inout [Path]
    ) throws(StepError) {
        let volumes = VolumeStore(root: root, owner: record.rootOwner)
        for index in options.binds.indices {
            let bind = options.binds[index]
            guard bind.isVolume else {
                options.binds[index].source = try hostPath(bind.source)
                continue
            }
            let volume = try volumes.named(bind.source, in: home.volumes, for: bind.destination)
            if volume.isNew { made.append(volume.path.parent) }
            facts.volumeSources[bind.destination] = volume.path.string
        }
        let covered = Set(options.binds.map(\.destination) + options.temporary.map(\.path))
        for (index, destination) in config.volumes.enumerated() where !covered.contains(destination) {
            guard destination.hasPrefix("/"), destination != "/" else {
                throw StepError(
                    "make the image's volume '\(destination)'", refused: "is no path below /",
                    code: .configInvalid, operand: destination)
            }
            let place = path.appending(try volumes.anonymous(number: index, in: folder, for: destination))
            facts.volumeSources[destination] = place.string
            record.anonymousVolumes.append(place.string)
        }
    }

    /// The source of a bind as an absolute path; it has to exist, since a mistyped path should not become a directory.
    private func hostPath(_ source: String) throws(StepError) -> String {
        let step: Step = "find the volume's source \(source)"
        return try during(step, hint: "mkdir \(source), or use a name without '/' for a volume") {
            () throws(SyscallError) in
            let absolute =
                source.hasPrefix("/") ? Path(source) : try workingDirectory().appending(Path(source))
            _ = try status(of: absolute, following: true)
            return absolute.string
        }
    }
}
