/// One mount as the kernel lists it.
/// - SeeAlso: proc_pid_mountinfo(5)
package struct MountTableEntry: Sendable, Equatable {
    /// Its number, and that of the mount that it lies on; the number of a mount that is gone is used again.
    package let number: UInt64
    package let parent: UInt64
    /// Where it is.
    package let mountPoint: Path
    /// The kind of file system: `proc`.
    package let type: String
}

/// The mounts that the caller sees, in the kernel's order.
/// - SeeAlso: proc_pid_mountinfo(5)
package func mountTable() throws(SyscallError) -> [MountTableEntry] {
    mountTable(in: String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self))
}

/// The mounts of a text of that form; lines of another form are left out.
package func mountTable(in text: String) -> [MountTableEntry] {
    text.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ")
        guard let mark = words.firstIndex(of: "-"), words.count > mark + 1, mark > 4 else { return nil }
        guard let number = UInt64(words[0]), let parent = UInt64(words[1]) else { return nil }
        return MountTableEntry(
            number: number, parent: parent, mountPoint: unescaped(words[4]), type: String(words[mark + 1]))
    }
}

/// Blanks, tabs, newlines and backslashes are written as octal numbers.
private func unescaped(_ text: Substring) -> Path {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        let digits = rest.prefix(3)
        if byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ $0 >= 48 && $0 <= 55 }) {
            bytes.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 * 8 + Int($1 - 48) }))
            rest = rest.dropFirst(3)
        } else {
            bytes.append(byte)
        }
    }
    return Path(bytes: bytes)
}

/// Whether `/` is the file system that the kernel unpacked its initramfs into. It lies on no other mount, so nothing can take
/// its place, and pivot_root fails with EINVAL. Kernels from 7.0 on put an empty one below it. Without /proc: no.
/// - SeeAlso: pivot_root(2), "EINVAL"
package func rootIsInitramfs() -> Bool {
    do throws(SyscallError) {
        return try mountTable().contains { $0.mountPoint == "/" && $0.type == "rootfs" }
    } catch {
        return false
    }
}
