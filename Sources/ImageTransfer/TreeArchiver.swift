internal import ArchiveBinding
internal import ImageSpec
internal import LinuxSystem

/// Writes a directory tree as a tar archive: every name once, in the order of its bytes, a directory before what it holds.
///
/// As a layer, what overlayfs keeps in the upper directory becomes what the image specification has for it: a character
/// device 0:0 a whiteout, the attribute `trusted.overlay.opaque` an opaque mark.
/// - SeeAlso: image-spec layer.md §Whiteouts, https://docs.kernel.org/filesystems/overlayfs.html
struct TreeArchiver {
    /// What the tree is.
    enum Form {
        /// A layer in overlay form.
        case layer
        /// Plain files.
        case plain
    }

    private let output: TarOutput
    private let form: Form
    private let ids: IDShift
    /// Paths that are left out if they are empty files, or directories that hold nothing but such paths.
    private let emptyToSkip: Set<Path>
    /// What the tree is the upper layer of; nil for a layer of the store, whose marks all hide something.
    private let lower: LowerLayers?
    private var firstNames: [Inode: [UInt8]] = [:]

    private struct Inode: Hashable {
        let device: UInt64
        let number: UInt64
    }

    /// An archiver into `output`.
    /// - Parameters:
    ///   - emptyToSkip: paths below the root that are left out if they are empty files, or directories that hold
    ///     nothing but such paths: mount points.
    init(
        _ output: TarOutput, _ form: Form, ids: IDShift = .none, emptyToSkip: Set<Path> = [],
        lower: LowerLayers? = nil
    ) {
        self.output = output
        self.form = form
        self.ids = ids
        self.emptyToSkip = emptyToSkip
        self.lower = lower
    }

    /// Writes the whole tree, its root as `./`, and ends the archive.
    mutating func archive(_ root: BorrowedFD, _ step: Step) throws(StepError) {
        let facts = try during(step) { () throws(SyscallError) in try root.status() }
        var member = try member(Array(".".utf8), ".", in: root, facts, .directory, step)
        member.modified = facts.modified
        try put(step) { (output) throws(SyscallError) in try output.begin(member) }
        try walk(root, [], step)
        try put(step) { (output) throws(SyscallError) in try output.finish() }
    }

    private func put(_ step: Step, _ body: (TarOutput) throws(SyscallError) -> Void) throws(StepError) {
        let output = output
        try during(step) { () throws(SyscallError) in try body(output) }
    }

    private mutating func walk(_ directory: BorrowedFD, _ names: [Path], _ step: Step) throws(StepError) {
        let entries = try during(step) { () throws(SyscallError) in try directory.list() }
        let sorted = entries.map(\.name).sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        for name in sorted {
            // It may have gone since the directory was read.
            let facts = try during(step) { () throws(SyscallError) in
                try statusIfPresent(of: name, in: directory)
            }
            guard let facts else { continue }
            try add(name, in: directory, names, facts, step)
        }
    }

    private mutating func add(
        _ name: Path, in directory: BorrowedFD, _ above: [Path], _ facts: FileStatus, _ step: Step
    ) throws(StepError) {
        let names = above + [name]
        let path = Path.joining(names, absolute: false)
        if form == .layer {
            if facts.kind == .characterDevice, facts.deviceNumber == DeviceNumber(major: 0, minor: 0) {
                guard try hides(names, step) != nil else { return }
                return try addMarker(".wh.\(name)", above, step)
            }
            if name.bytes.starts(with: Array(".wh.".utf8)) {
                throw StepError(
                    step,
                    refused: "\(printable(path.bytes)): a layer cannot hold a name that begins with .wh.")
            }
        }
        if emptyToSkip.contains(path), try isEmpty(name, in: directory, path, facts, step) { return }
        switch facts.kind {
        case .directory: try addDirectory(name, in: directory, names, facts, step)
        case .socket, .unknown: return
        default:
            let inode = Inode(device: facts.device, number: facts.inode)
            if facts.linkCount > 1 {
                if let first = firstNames[inode] {
                    var member = TarMember(path: path.bytes, kind: .hardlink)
                    member.linkTarget = first
                    return try put(step) { (output) throws(SyscallError) in try output.begin(member) }
                }
                firstNames[inode] = path.bytes
            }
            try addFile(name, in: directory, path, facts, step)
        }
    }

    /// What a mark at a path hides; overlayfs marks each new directory, for speed. Nil if nothing.
    private func hides(_ names: [Path], _ step: Step) throws(StepError) -> FileKind? {
        guard let lower else { return .directory }
        return try during(step) { () throws(SyscallError) in
            try lower.find(EntryPath(names: names))?.status.kind
        }
    }

    private func addMarker(_ name: Path, _ above: [Path], _ step: Step) throws(StepError) {
        var member = TarMember(path: Path.joining(above + [name], absolute: false).bytes, kind: .regular)
        member.mode = 0
        try put(step) { (output) throws(SyscallError) in try output.begin(member) }
    }

    private mutating func addDirectory(
        _ name: Path, in directory: BorrowedFD, _ names: [Path], _ facts: FileStatus, _ step: Step
    ) throws(StepError) {
        let path = Path.joining(names, absolute: false)
        let inner = try during(step) { () throws(SyscallError) in
            try open(name, [.readOnly, .directory, .noFollow], in: directory)
        }
        let member = try member(path.bytes, name, in: directory, facts, .directory, step)
        try put(step) { (output) throws(SyscallError) in try output.begin(member) }
        if form == .layer {
            let marks = try during(step) { () throws(SyscallError) in
                (
                    opaque: try inner.borrowed.extendedAttribute(opaqueAttribute),
                    redirect: try inner.borrowed.extendedAttribute("trusted.overlay.redirect")
                )
            }
            if marks.redirect != nil {
                throw StepError(
                    step,
                    refused: "\(printable(path.bytes)) was renamed as a whole, which a layer cannot tell",
                    hint:
                        "the kernel's overlay has redirect_dir on; copy the directory and remove the old one")
            }
            if marks.opaque == [UInt8(ascii: "y")], try hides(names, step) == .directory {
                try addMarker(".wh..wh..opq", names, step)
            }
        }
        try walk(inner.borrowed, names, step)
    }

    private func addFile(
        _ name: Path, in directory: BorrowedFD, _ path: Path, _ facts: FileStatus, _ step: Step
    ) throws(StepError) {
        let device = facts.deviceNumber
        let kind: ArchiveEntry.Kind =
            switch facts.kind {
            case .regular: .regular
            case .symbolicLink: .symlink
            case .characterDevice: .characterDevice(major: device.major, minor: device.minor)
            case .blockDevice: .blockDevice(major: device.major, minor: device.minor)
            default: .fifo
            }
        var member = try member(path.bytes, name, in: directory, facts, kind, step)
        do throws(SyscallError) {
            if facts.kind == .symbolicLink { member.linkTarget = try readLink(name, in: directory).bytes }
            guard facts.kind == .regular else { return try output.begin(member) }
            let file = try open(name, [.readOnly, .noFollow, .nonBlocking], in: directory)
            member.size = facts.size
            try output.begin(member)
            try output.addData(of: file.borrowed, size: facts.size)
        } catch {
            throw StepError(step, SyscallError(error.call, on: printable(path.bytes), error.errno))
        }
    }

    /// The member for a file, with everything but its data and its link's target.
    private func member(
        _ path: [UInt8], _ name: Path, in directory: BorrowedFD, _ facts: FileStatus,
        _ kind: ArchiveEntry.Kind, _ step: Step
    ) throws(StepError) -> TarMember {
        let attributes = try during(step) { () throws(SyscallError) in
            try FileAttributes(of: name, in: directory, facts)
        }
        var member = TarMember(path: path, kind: kind)
        member.mode = facts.kind == .symbolicLink ? 0o777 : facts.mode
        member.userID = ids.user(facts.userID)
        member.groupID = ids.group(facts.groupID)
        member.modified = facts.modified
        // A PAX key ends at the first `=`: an attribute with one in its name cannot be written.
        member.extendedAttributes = attributes.extended
            .filter { !$0.name.bytes.contains(UInt8(ascii: "=")) }
            .map { (name: $0.name.bytes, value: ids.attribute($0.name, $0.value)) }
            .sorted { $0.name.lexicographicallyPrecedes($1.name) }
        return member
    }

    private func isEmpty(
        _ name: Path, in directory: BorrowedFD, _ path: Path, _ facts: FileStatus, _ step: Step
    ) throws(StepError) -> Bool {
        if facts.kind == .regular { return facts.size == 0 }
        guard facts.kind == .directory else { return false }
        let (inner, entries) = try during(step) { () throws(SyscallError) in
            let inner = try open(name, [.readOnly, .directory, .noFollow], in: directory)
            let entries = try inner.borrowed.list()
            return (DirectoryHandle(inner), entries)
        }
        for entry in entries {
            let below = path.appending(entry.name)
            let facts = try during(step) { () throws(SyscallError) in
                try statusIfPresent(of: entry.name, in: inner.borrowed)
            }
            guard let facts, emptyToSkip.contains(below),
                try isEmpty(entry.name, in: inner.borrowed, below, facts, step)
            else { return false }
        }
        return true
    }
}

/// How ids of a tree on the disk become those of an archive: the other way round than a user namespace maps them. Ids that it
/// does not map are the image's own and stay.
package struct IDShift: Sendable {
    /// One range of a mapping.
    package struct Range: Sendable {
        let inside: UInt32
        let outside: UInt32
        let count: UInt32

        /// Reads `INSIDE:OUTSIDE:COUNT`; nil if it is not that.
        package init?(_ text: String) {
            let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt32($0) }
            guard numbers.count == 3, let inside = numbers[0], let outside = numbers[1],
                let count = numbers[2]
            else { return nil }
            (self.inside, self.outside, self.count) = (inside, outside, count)
        }
    }

    let users: [Range]
    let groups: [Range]

    /// The inverse of a user namespace's mappings.
    package init(users: [Range], groups: [Range]) {
        self.users = users
        self.groups = groups
    }

    /// Ids stay as they are.
    package static let none = IDShift(users: [], groups: [])

    /// Whether ids outside lie below a limit.
    func reaches(below limit: UInt32) -> Bool { (users + groups).contains { $0.outside < limit } }

    func user(_ id: UInt32) -> UInt32 { Self.map(id, users) }
    func group(_ id: UInt32) -> UInt32 { Self.map(id, groups) }

    private static func map(_ id: UInt32, _ ranges: [Range]) -> UInt32 {
        if ranges.isEmpty { return id }
        for range in ranges where id >= range.outside && id - range.outside < range.count {
            return range.inside + (id - range.outside)
        }
        return id
    }

    /// File capabilities that hold in a user namespace only (version 3) become plain ones (version 2).
    /// - SeeAlso: capabilities(7) §File capability extended attribute versioning
    func attribute(_ name: Path, _ value: [UInt8]) -> [UInt8] {
        guard !users.isEmpty, name == "security.capability", value.count == 24, value[3] == 3 else {
            return value
        }
        return Array(value[..<3]) + [2] + Array(value[4..<20])
    }
}
