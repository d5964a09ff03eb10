internal import LinuxSystem
internal import RuntimeSpec

/// /etc/hosts, /etc/hostname and /etc/resolv.conf of a container: files in its folder that are mounted over those of
/// the image. With the host's network the host's own files are shown, read-only.
struct GeneratedFiles {
    /// The container's folder.
    let folder: BorrowedFD
    /// The same as a host path.
    let path: Path
    /// The container's root file system.
    let root: BorrowedFD
    /// Who is root in the container.
    let owner: (userID: UInt32, groupID: UInt32)

    /// Writes what is needed and gives the mounts. `taken` are destinations that somebody else covers.
    func make(hostname: String, network: RunOptions.NetworkChoice, taken: Set<String>) throws(StepError)
        -> [MountSpec]
    {
        var mounts: [MountSpec] = []
        switch network {
        case .isolated:
            let hosts = """
                127.0.0.1\tlocalhost
                ::1\tlocalhost ip6-localhost ip6-loopback
                127.0.1.1\t\(hostname)

                """
            let files = [
                ("hosts", hosts), ("hostname", hostname + "\n"),
                ("resolv.conf", "# this container has no network\n"),
            ]
            for (name, text) in files where try canCover("etc/\(name)", "/etc/\(name)", taken) {
                try write(Path(name), text)
                mounts.append(mount(path.appending(Path(name)), at: "/etc/\(name)", isReadOnly: false))
            }
        case .host:
            for name in ["hosts", "resolv.conf"] where try canCover("etc/\(name)", "/etc/\(name)", taken) {
                let source: Path = "/etc/\(name)"
                let facts = try during("look at \(source)") { () throws(SyscallError) in
                    try statusIfPresent(of: source, following: true)
                }
                guard facts?.kind == .regular else { continue }
                mounts.append(mount(source, at: "/etc/\(name)", isReadOnly: true))
            }
        }
        return mounts
    }

    private func mount(_ source: Path, at destination: String, isReadOnly: Bool) -> MountSpec {
        MountSpec(
            destination: destination, type: "bind", source: source.string,
            options: ["bind", "rprivate", "nosuid", "nodev"] + (isReadOnly ? ["ro"] : []))
    }

    private func write(_ name: Path, _ text: String) throws(StepError) {
        try during("write the container's \(name)") { () throws(SyscallError) in
            let file = try open(name, [.writeOnly, .create, .truncate, .noFollow], mode: 0o644, in: folder)
            if owner != (0, 0) {
                try file.borrowed.changeOwner(userID: owner.userID, groupID: owner.groupID)
            }
            try file.borrowed.changeMode(0o644)
            try file.borrowed.writeAll(text)
        }
    }

    /// Whether there is a file to cover, or nothing where one can be made. Links that lead nowhere are left alone.
    private func canCover(_ file: Path, _ destination: String, _ taken: Set<String>) throws(StepError) -> Bool
    {
        if taken.contains(destination) || taken.contains("/etc") { return false }
        do throws(SyscallError) {
            let found = try open(file, .pathOnly, in: root, resolving: .inRoot)
            return try found.borrowed.status().kind == .regular
        } catch {
            guard error.errno == .ENOENT else { return false }
        }
        do throws(SyscallError) {
            _ = try open(file, [.pathOnly, .noFollow], in: root, resolving: .inRoot)
            return false
        } catch {
            return error.errno == .ENOENT
        }
    }
}
