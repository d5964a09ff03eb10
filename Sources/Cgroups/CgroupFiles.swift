package import LinuxSystem

/// An open directory of one tree, for reading and writing its files.
package struct CgroupFiles: Sendable, Equatable {
    /// In which tree.
    package let tree: CgroupTree
    /// What the tree controls.
    package let controllers: [Controller]
    /// The whole path, for messages and for removing.
    package let path: Path
    /// How many levels it is below the root of its tree.
    package let depth: Int
    /// The open directory; who made this value closes it.
    package let descriptor: BorrowedFD

    /// An open directory.
    package init(tree: CgroupTree, controllers: [Controller], path: Path, depth: Int, descriptor: BorrowedFD)
    {
        self.tree = tree
        self.controllers = controllers
        self.path = path
        self.depth = depth
        self.descriptor = descriptor
    }

    /// Whether the directory is open; else files are reached by the whole path, which is cheaper for a few of them.
    private var isOpen: Bool { descriptor.rawValue >= 0 }

    /// Which table of files holds.
    package var version: CgroupVersion { tree == .unified ? .unified : .legacy }

    /// The whole of a small file. Almost all files of cgroups are handed out by the kernel in one piece, so one read
    /// does; a file that fills the buffer is read to its end.
    /// - SeeAlso: read(2)
    package func read(_ file: String) throws(SyscallError) -> [UInt8] {
        let opened = try open(isOpen ? Path(file) : path.appending(Path(file)), .readOnly, in: descriptor)
        do throws(SyscallError) {
            let first = try opened.borrowed.read(max: 8192)
            return first.count < 4000 ? first : first + (try opened.borrowed.readAll())
        } catch {
            throw SyscallError(error.call, on: operand(file), error.errno)
        }
    }

    /// The text of a small file without the newline at its end.
    package func text(_ file: String) throws(SyscallError) -> String {
        var bytes = try read(file)
        if bytes.last == 0x0A { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes a text in one write.
    package func write(_ text: String, to file: String) throws(SyscallError) {
        do throws(SyscallError) {
            try writeFile(Path(file), in: descriptor, text)
        } catch {
            throw SyscallError(error.call, on: operand(file), error.errno)
        }
    }

    /// The whole of a file at the root of the tree.
    package func readAtRoot(_ file: String) throws(SyscallError) -> [UInt8] {
        try read(String(repeating: "../", count: depth) + file)
    }

    /// How errors name a file.
    package func operand(_ file: String) -> String { "\(path)/\(file)" }

    /// How figures name a file.
    package func source(_ file: String, _ key: String? = nil) -> String {
        key.map { "\(file) \($0)" } ?? file
    }
}
