internal import CLinux

/// What openat2(2) does with RESOLVE_IN_ROOT and RESOLVE_BENEATH, for kernels before 5.6 and under seccomp filters that
/// do not know the call: name by name, each opened below the descriptor of the directory before it and without
/// following a link; links are read and walked in the same way. `..` goes back to the descriptor that the walk came
/// from, not to whatever has become the parent meanwhile, so no rename leads out.
/// - SeeAlso: openat2(2), path_resolution(7); security invariants I-1, I-4
struct OpenWalk: ~Copyable {
    private static let maximumLinks = 40
    /// PATH_MAX, which counts the zero at the end.
    private static let longestPath = 4096

    private let root: BorrowedFD
    private let rules: Resolve
    private let flags: OpenFlags
    /// Descriptors of the directories that have been entered, the innermost last.
    private var entered: [Int32] = []
    /// Names that are still to come, the next one last.
    private var pending: [Path]
    private var wantsDirectory: Bool
    private var links = 0
    private let mount: UInt64?

    /// Opens a path as openat2(2) would. Preconditions: `rules` hold `.inRoot` or `.beneath`.
    static func open(
        _ path: Path, _ flags: OpenFlags, mode: UInt32, in root: BorrowedFD, _ rules: Resolve
    ) throws(SyscallError) -> OwnedFD {
        guard !path.isEmpty else { throw SyscallError(.openat, on: path.string, .ENOENT) }
        // As the kernel: each name of a longer one would hold a descriptor.
        guard path.bytes.count < longestPath else {
            throw SyscallError(.openat, on: path.string, .ENAMETOOLONG)
        }
        guard rules.isScoped else { throw SyscallError(.openat2, on: path.string, .ENOSYS) }
        if path.isAbsolute, rules.refusesLeaving { throw SyscallError(.openat, on: path.string, .EXDEV) }
        let mount = rules.contains(.noCrossDevice) ? try root.extendedAttributesAndMount().mountID : nil
        var walk = OpenWalk(path, flags, in: root, rules, mount)
        do throws(SyscallError) {
            return try walk.open(mode: mode)
        } catch {
            throw SyscallError(error.call, on: path.string, error.errno)
        }
    }

    private init(
        _ path: Path, _ flags: OpenFlags, in root: BorrowedFD, _ rules: Resolve, _ mount: UInt64?
    ) {
        self.root = root
        self.rules = rules
        self.flags = flags
        pending = path.components.reversed()
        wantsDirectory = flags.contains(.directory) || path.endsInDirectory
        self.mount = mount
    }

    deinit { for number in entered { _ = cl_close(number) } }

    private var current: BorrowedFD { entered.last.map { BorrowedFD(rawValue: $0) } ?? root }

    /// Walks to the end and opens what is there.
    private mutating func open(mode: UInt32) throws(SyscallError) -> OwnedFD {
        while let name = pending.popLast() {
            if name == ".." {
                try leave()
                continue
            }
            let isLast = pending.isEmpty
            if isLast, flags.contains(.create), flags.contains(.exclusive) { return try openLast(name, mode) }
            let found: OwnedFD
            do throws(SyscallError) {
                found = try LinuxSystem.open(name, [.pathOnly, .noFollow], in: current)
            } catch {
                guard isLast, error.errno == .ENOENT, flags.contains(.create) else { throw error }
                return try openLast(name, mode)
            }
            try checkMount(found.borrowed, name)
            let kind = try found.borrowed.status().kind
            if kind == .symbolicLink {
                if isLast, flags.contains(.noFollow), !wantsDirectory {
                    if flags.contains(.pathOnly) { return found }
                    throw SyscallError(.openat, on: name.string, .ELOOP)
                }
                try follow(found.borrowed, name, isLast: isLast)
                continue
            }
            guard kind == .directory || (isLast && !wantsDirectory) else {
                throw SyscallError(.openat, on: name.string, .ENOTDIR)
            }
            if isLast { return flags.contains(.pathOnly) ? found : try openLast(name, mode) }
            entered.append(found.release())
        }
        return try LinuxSystem.open(".", flags.subtracting(.noFollow), in: current)
    }

    private mutating func leave() throws(SyscallError) {
        if let last = entered.popLast() {
            _ = cl_close(last)
        } else if rules.refusesLeaving {
            throw SyscallError(.openat, on: "..", .EXDEV)
        }
    }

    private mutating func follow(_ link: BorrowedFD, _ name: Path, isLast: Bool) throws(SyscallError) {
        links += 1
        guard !rules.contains(.noSymlinks), links <= Self.maximumLinks else {
            throw SyscallError(.openat, on: name.string, .ELOOP)
        }
        let target = try link.readLink()
        // Links of procfs to files that a process holds lead where no text can: those are absolute, or `type:[number]`.
        let isMagic = target.isAbsolute || target.bytes.contains(UInt8(ascii: ":"))
        if isMagic, try link.fileSystemStatus().magic == FileSystemStatus.proc {
            throw SyscallError(.openat, on: name.string, .ELOOP)
        }
        if target.isAbsolute {
            if rules.refusesLeaving { throw SyscallError(.openat, on: name.string, .EXDEV) }
            for number in entered { _ = cl_close(number) }
            entered = []
        }
        if isLast, target.endsInDirectory { wantsDirectory = true }
        pending += target.components.reversed()
    }

    /// A link that has taken the file's place since is refused with ELOOP.
    private func openLast(_ name: Path, _ mode: UInt32) throws(SyscallError) -> OwnedFD {
        let file = try LinuxSystem.open(name, flags.union(.noFollow), mode: mode, in: current)
        try checkMount(file.borrowed, name)
        return file
    }

    private func checkMount(_ file: BorrowedFD, _ name: Path) throws(SyscallError) {
        guard let mount, try file.extendedAttributesAndMount().mountID != mount else { return }
        throw SyscallError(.openat, on: name.string, .EXDEV)
    }
}

extension Resolve {
    fileprivate var isScoped: Bool { rawValue & (CL_RESOLVE_IN_ROOT | CL_RESOLVE_BENEATH) != 0 }
    fileprivate var refusesLeaving: Bool { rawValue & CL_RESOLVE_BENEATH != 0 }
}

extension Path {
    /// Whether only a directory can be meant: `a/`, `a/.`, `.`.
    fileprivate var endsInDirectory: Bool {
        bytes.last == UInt8(ascii: "/") || bytes.suffix(2) == [UInt8(ascii: "/"), UInt8(ascii: ".")]
            || bytes == [UInt8(ascii: ".")]
    }
}
