internal import CLinux

/// What mount_setattr(2) does, by mount(2): for kernels before 5.12.
/// - SeeAlso: mount(2) MS_REMOUNT with MS_BIND
struct OldMountChange {
    let set: MountAttributes
    let clear: MountAttributes
    let propagation: MountPropagation?
    let recursive: Bool

    /// False when it cannot be done: the mount may be attached nowhere.
    func apply(to tree: BorrowedFD, path: Path) throws(SyscallError) -> Bool {
        let depth = recursive ? CL_MS_REC : 0
        if !path.isEmpty {
            guard path.isAbsolute, set.isEmpty, clear.isEmpty, let propagation else { return false }
            try legacyMount(source: nil, onto: path, type: nil, flags: propagation.bits | depth)
            return true
        }
        guard MountStaging.isOn else { return false }
        if !set.isEmpty || !clear.isEmpty {
            try remount(tree)
            if recursive { try remountBelow(tree) }
        }
        if let propagation { try MountStaging.mount(nil, onto: tree, propagation.bits | depth) }
        return true
    }

    /// A remount replaces all flags: the others are read first.
    private func remount(_ mount: BorrowedFD) throws(SyscallError) {
        let now = try mount.fileSystemStatus().flags
        var bits: UInt64 = 0
        for (attribute, shown, flag) in Self.flags {
            let isSet = now & shown != 0 && !clear.contains(attribute)
            if isSet || set.contains(attribute) { bits |= flag }
        }
        bits |= accessTime(now)
        try MountStaging.mount(nil, onto: mount, CL_MS_REMOUNT | CL_MS_BIND | bits)
    }

    /// The attribute, the bit of statfs(2), the flag of mount(2).
    private static let flags: [(MountAttributes, UInt64, UInt64)] = [
        (.readOnly, 1, CL_MS_RDONLY), (.noSetUserID, 2, CL_MS_NOSUID), (.noDevices, 4, CL_MS_NODEV),
        (.noExecution, 8, CL_MS_NOEXEC), (.noDirectoryAccessTime, 2048, CL_MS_NODIRATIME),
        (.noSymlinkFollow, 8192, CL_MS_NOSYMFOLLOW),
    ]

    /// One of three, not three flags.
    private func accessTime(_ now: UInt64) -> UInt64 {
        if clear.rawValue & MountAttributes.accessTimeMask.rawValue == 0 {
            return now & 1024 != 0 ? CL_MS_NOATIME : now & 4096 != 0 ? CL_MS_RELATIME : CL_MS_STRICTATIME
        }
        if set.contains(.noAccessTime) { return CL_MS_NOATIME }
        return set.contains(.strictAccessTime) ? CL_MS_STRICTATIME : CL_MS_RELATIME
    }

    /// Everything mounted below, each reached from `tree` by its own path and proven by its id.
    private func remountBelow(_ tree: BorrowedFD) throws(SyscallError) {
        let top = try tree.extendedAttributesAndMount().mountID
        var places: [UInt64: Path] = [top: "."]
        var bases: [UInt64: [UInt8]] = [:]
        for line in try MountStaging.mountInfo().split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count > 4, let id = number(fields[0]), let parent = number(fields[1]) else {
                continue
            }
            let point = Self.unescaped(fields[4])
            if id == top { bases[top] = point }
            // Parents come first in the list.
            guard id != top, places[parent] != nil, let base = bases[top], point.starts(with: base) else {
                continue
            }
            let below = point.dropFirst(base.count).drop { $0 == UInt8(ascii: "/") }
            guard !below.isEmpty else { continue }
            let path = Path(bytes: Array(below))
            let mount = try open(path, .pathOnly, in: tree, resolving: [.beneath, .noSymlinks])
            // Something else lies on top of it: not reachable, nor by the container.
            guard try mount.borrowed.extendedAttributesAndMount().mountID == id else { continue }
            places[id] = path
            try remount(mount.borrowed)
        }
    }

    private func number(_ field: ArraySlice<UInt8>) -> UInt64? {
        UInt64(String(decoding: field, as: UTF8.self))
    }

    /// Blanks and the like stand as `\\040` there.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), rest.count >= 3 else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(3).map { UInt16($0 &- UInt8(ascii: "0")) }
            bytes.append(UInt8(truncatingIfNeeded: digits[0] * 64 + digits[1] * 8 + digits[2]))
            rest = rest.dropFirst(3)
        }
        return bytes
    }
}
