internal import ArchiveBinding
internal import LinuxSystem

/// The files that an image comes in, by name: an OCI layout directory or the members of a tar archive. Names
/// are only ever looked up among these; none of them becomes a host path.
final class ImageContents {
    private enum Place {
        case directory(DirectoryHandle)
        case archive([String: Member])
    }

    private enum Member {
        case file(Blob)
        case link(String)
    }

    private let place: Place
    /// What the user called it, for messages.
    let name: String

    private init(_ place: Place, name: String) {
        self.place = place
        self.name = name
    }

    /// Opens a layout directory or an archive file. A compressed archive is decompressed into `staging`
    /// first.
    static func open(_ path: Path, staging: BorrowedFD) throws(StepError) -> ImageContents {
        let name = path.string
        let file = try during("open \(name)") { () throws(SyscallError) in
            let file = try LinuxSystem.open(path, [.readOnly])
            return (DirectoryHandle(file))
        }
        let status = try during("open \(name)") { () throws(SyscallError) in try file.borrowed.status() }
        if status.kind == .directory { return ImageContents(.directory(file), name: name) }
        return try archive(file, status, name: name, staging: staging)
    }

    /// Reads an archive from a pipe or any open file.
    static func archive(
        _ file: DirectoryHandle, name: String, staging: BorrowedFD
    ) throws(StepError) -> ImageContents {
        let status = try during("read \(name)") { () throws(SyscallError) in try file.borrowed.status() }
        return try archive(file, status, name: name, staging: staging)
    }

    private static func archive(
        _ file: DirectoryHandle, _ status: FileStatus, name: String, staging: BorrowedFD
    ) throws(StepError) -> ImageContents {
        do throws(ArchiveError) {
            let plain = try plainArchive(file, status, name, staging)
            return ImageContents(.archive(try members(of: plain)), name: name)
        } catch {
            throw StepError("read \(name)", refused: "\(error)", hint: "is it an image archive?")
        }
    }

    /// The archive as a file that can be read at any offset and is not compressed: itself if it is one
    /// already, else a nameless copy in `staging`.
    private static func plainArchive(
        _ file: DirectoryHandle, _ status: FileStatus, _ name: String, _ staging: BorrowedFD
    ) throws(ArchiveError) -> Blob {
        let whole = Blob(file: file, offset: 0, size: status.size)
        let source: ByteStream
        if status.kind == .regular {
            let probe = try Decompressor(whole.stream(), .archive)
            if !probe.isCompressed { return whole }
            source = whole.stream()
        } else {
            source = ByteStream(.sequential(file.borrowed))
        }
        let copy = try spool(staging)
        let limit = UnpackLimits().bytes
        let plain = ByteStream(.decompressed(try Decompressor(source, .archive)), limit: limit)
        try plain.copy(to: copy.borrowed)
        return Blob(file: copy, offset: 0, size: plain.count)
    }

    /// A file without a name, which goes away by itself.
    private static func spool(_ staging: BorrowedFD) throws(ArchiveError) -> DirectoryHandle {
        do throws(SyscallError) {
            return DirectoryHandle(
                try LinuxSystem.open(".", [.readWrite, .temporary], mode: 0o600, in: staging))
        } catch {
            throw .output(error)
        }
    }

    /// Notes where each member's data lies. The archive's data is not read, only its headers.
    private static func members(of archive: Blob) throws(ArchiveError) -> [String: Member] {
        let reader = try TarReader(archive.stream())
        var members: [String: Member] = [:]
        var open: (name: String, size: Int64)?
        while true {
            let entry = try reader.next()
            // A member's data ends, but for padding, where the next header begins.
            if let (name, size) = open {
                let start = reader.headerOffset - (size + 511) / 512 * 512
                members[name] = .file(Blob(file: archive.file, offset: archive.offset + start, size: size))
                open = nil
            }
            guard let entry else { return members }
            if members.count > 100_000 { throw .refused("more than 100000 members") }
            guard let name = cleaned(entry.path) else {
                throw .refused("a member's name is not one: \(printable(entry.path))")
            }
            switch entry.kind {
            case .regular:
                if entry.isSparse { throw .refused("\(name) is sparse") }
                open = (name, entry.size)
            case .symlink: members[name] = link(entry.linkTarget, from: name).map { .link($0) }
            case .hardlink: members[name] = cleaned(entry.linkTarget).map { .link($0) }
            default: members[name] = nil
            }
        }
    }

    /// A member's name without `.` and empty parts; nil for what is no name inside the archive.
    private static func cleaned(_ bytes: [UInt8]) -> String? {
        let path = Path(bytes: bytes)
        guard bytes.count < 4096, !path.hasParentReference, String(validating: bytes, as: UTF8.self) != nil
        else { return nil }
        return Path.joining(path.components, absolute: false).string
    }

    /// The member that a relative link names; nil if it leads out of the archive.
    private static func link(_ target: [UInt8], from name: String) -> String? {
        let target = Path(bytes: target)
        if target.isAbsolute { return nil }
        var names = Path(name).components.dropLast().map { $0 }
        for part in target.components {
            if part != ".." {
                names.append(part)
            } else if names.popLast() == nil {
                return nil
            }
        }
        return Path.joining(names, absolute: false).string
    }

    /// The file of that name; nil if there is none.
    func file(_ name: String) throws(StepError) -> Blob? {
        switch place {
        case .archive(let members):
            var name = name
            for _ in 0..<8 {
                switch members[name] {
                case .file(let blob): return blob
                case .link(let target): name = target
                case nil: return nil
                }
            }
            throw StepError("read \(self.name)", refused: "the links of \(name) do not end")
        case .directory(let directory):
            return try during("open \(name) in \(self.name)") { () throws(SyscallError) in
                try Self.open(name, in: directory.borrowed)
            }
        }
    }

    private static func open(_ name: String, in directory: BorrowedFD) throws(SyscallError) -> Blob? {
        do throws(SyscallError) {
            let file = try LinuxSystem.open(
                Path(name), [.readOnly, .nonBlocking], in: directory, resolving: [.beneath, .noSymlinks])
            let status = try file.borrowed.status()
            guard status.kind == .regular else { throw SyscallError(.openat2, on: name, .EINVAL) }
            return Blob(file: DirectoryHandle(file), offset: 0, size: status.size)
        } catch {
            if error.errno == .ENOENT { return nil }
            throw error
        }
    }
}
