package import LinuxSystem
package import RuntimeSpec

/// Compiled filters kept in a directory, because compiling takes milliseconds and reading a file microseconds.
///
/// A file holds the complete canonical input beside the program, and a hit compares all of it: a collision of file
/// names only costs a compilation. Whatever looks odd (owner, mode, length, content) is compiled anew and replaced.
///
///     magic, generation │ length of key │ length of program │ flags │ key │ program
package struct SeccompCache: ~Copyable {
    /// The directory, or nil: then everything is compiled every time.
    private let directory: OwnedFD?

    private static let magic: [UInt8] = Array("skiffbpf".utf8)
    private static let headLength = 20
    /// More than any key and program of ours.
    private static let sizeLimit = 1 << 20

    /// A cache in the directory `path`, made when missing. When it cannot be made, belongs to somebody else or is
    /// writable by others, the cache is off: never an error.
    package init(at path: Path) {
        directory = Self.trusted(path)
    }

    /// A cache that is off.
    package init() {
        directory = nil
    }

    /// Whether programs are kept.
    package var isEnabled: Bool { directory != nil }

    /// The program of `spec`: read, or compiled and stored.
    package func program(for spec: SeccompSpec) throws(StepError) -> SeccompProgram {
        switch directory {
        case .none: return try SeccompCompiler.compile(spec)
        case .some(let directory): return try Self.program(for: spec, keptIn: directory.borrowed)
        }
    }

    private static func program(
        for spec: SeccompSpec, keptIn directory: BorrowedFD
    ) throws(StepError) -> SeccompProgram {
        let key = SeccompKey(spec)
        let name = Path("\(String(key.hash, radix: 16)).bpf")
        if let known = load(name, of: key, in: directory) { return known }
        let program = try SeccompCompiler.compile(spec)
        let bytes = file(of: program, key)
        // The container starts all the same; only the next one pays again.
        bestEffort("a filter that is not stored is compiled again next time") { () throws(SyscallError) in
            try replaceFile(name, in: directory, bytes, mode: 0o600)
        }
        return program
    }

    private static func trusted(_ path: Path) -> OwnedFD? {
        do throws(SyscallError) {
            return try openTrusted(path)
        } catch {
            guard error.errno == .ENOENT else { return nil }
        }
        do throws(SyscallError) {
            try makeDirectories(path, mode: 0o700)
            return try openTrusted(path)
        } catch {
            return nil
        }
    }

    private static func openTrusted(_ path: Path) throws(SyscallError) -> OwnedFD? {
        let directory = try open(path, [.pathOnly, .directory, .noFollow])
        let status = try directory.borrowed.status()
        guard isOurs(status), status.kind == .directory else { return nil }
        return directory
    }

    /// Owned by the user that we are, and nobody else may write.
    private static func isOurs(_ status: FileStatus) -> Bool {
        status.userID == effectiveUserID() && status.mode & 0o022 == 0
    }

    private static func load(_ name: Path, of key: SeccompKey, in directory: BorrowedFD) -> SeccompProgram? {
        do throws(SyscallError) {
            let file = try open(name, [.readOnly, .noFollow, .nonBlocking], in: directory)
            let status = try file.borrowed.status()
            guard isOurs(status), status.kind == .regular, status.size <= sizeLimit else { return nil }
            let bytes = try file.borrowed.readAll(limit: sizeLimit, sizeHint: Int(status.size) + 1)
            return parse(bytes, of: key)
        } catch {
            return nil
        }
    }

    /// The content of the file for `program`.
    static func file(of program: SeccompProgram, _ key: SeccompKey) -> [UInt8] {
        var bytes = magic
        bytes.reserveCapacity(headLength + key.bytes.count + program.instructions.count)
        bytes.append(native: UInt32(truncatingIfNeeded: key.bytes.count))
        bytes.append(native: UInt32(truncatingIfNeeded: program.instructions.count))
        bytes.append(native: program.flags)
        bytes += key.bytes
        bytes += program.instructions
        return bytes
    }

    /// The program in `bytes`, when they are a whole file of ours made for exactly this `key`.
    static func parse(_ bytes: [UInt8], of key: SeccompKey) -> SeccompProgram? {
        guard bytes.count >= headLength, bytes[..<8].elementsEqual(magic) else { return nil }
        let keyLength = Int(word(at: 8, of: bytes))
        let length = Int(word(at: 12, of: bytes))
        let start = headLength + key.bytes.count
        guard keyLength == key.bytes.count, length > 0, length % SeccompInstruction.size == 0,
            length / SeccompInstruction.size <= SeccompInstruction.limit, bytes.count == start + length,
            bytes[headLength..<start] == key.bytes[...]
        else { return nil }
        return SeccompProgram(instructions: Array(bytes[start...]), flags: word(at: 16, of: bytes))
    }

    private static func word(at offset: Int, of bytes: [UInt8]) -> UInt32 {
        var little: UInt32 = 0
        for index in 0..<4 { little |= UInt32(bytes[offset + index]) << UInt32(8 * index) }
        return UInt32(littleEndian: little)
    }
}
