import LinuxSystem

/// What the beginning of a file says about how the kernel executes it.
/// - SeeAlso: execve(2), elf(5)
enum ProgramHeader: Equatable {
    /// A script, with the file that its first line names.
    case script(interpreter: String)
    /// An ELF program: its machine's number, and its dynamic loader if it names one.
    case program(machine: UInt16, loader: String?)
    /// A file without content.
    case empty
    /// Anything else.
    case other

    /// As many bytes as the kernel looks at for `#!`.
    private static let scriptLimit = 256
    private static let pathLimit = 4096

    /// Reads the beginning of a file.
    static func read(_ path: String) throws(SyscallError) -> ProgramHeader {
        let file = try open(Path(path), [.readOnly, .nonBlocking])
        let head = try file.borrowed.read(max: pathLimit)
        if head.isEmpty { return .empty }
        if head.starts(with: Array("#!".utf8)) { return script(head) }
        guard let layout = ELFLayout(head) else { return .other }
        guard let place = try layout.loaderPlace(in: file.borrowed) else {
            return .program(machine: layout.machine, loader: nil)
        }
        let bytes = try file.borrowed.read(max: min(place.size, pathLimit), at: Int64(clamping: place.offset))
        let name = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        return .program(machine: layout.machine, loader: name.isEmpty ? nil : name)
    }

    /// The kernel skips blanks after `#!` and takes all up to the next blank or line end. A carriage return is part
    /// of the name.
    private static func script(_ head: [UInt8]) -> ProgramHeader {
        let blanks = [UInt8(ascii: " "), UInt8(ascii: "\t")]
        let line = head.prefix(scriptLimit).dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
        let name = line.drop { blanks.contains($0) }.prefix { !blanks.contains($0) && $0 != 0 }
        return name.isEmpty ? .other : .script(interpreter: String(decoding: name, as: UTF8.self))
    }

    #if arch(x86_64)
        static let ownMachine: UInt16 = 62
    #elseif arch(arm64)
        static let ownMachine: UInt16 = 183
    #else
        static let ownMachine: UInt16 = 0
    #endif

    /// The usual name of a machine's number, as images call it.
    static func machineName(_ number: UInt16) -> String {
        switch number {
        case 3: "386"
        case 8: "mips"
        case 20: "ppc"
        case 21: "ppc64"
        case 22: "s390x"
        case 40: "arm"
        case 62: "amd64"
        case 183: "arm64"
        case 243: "riscv64"
        case 258: "loong64"
        default: "machine \(number)"
        }
    }
}

/// The parts of an ELF header that say where the program headers are.
private struct ELFLayout {
    private static let loaderType: UInt32 = 3

    let machine: UInt16
    private let isWide: Bool
    private let isBig: Bool
    private let tableOffset: UInt64
    private let entrySize: Int
    private let entryCount: Int

    init?(_ head: [UInt8]) {
        guard head.count >= 52, head.starts(with: [0x7F] + Array("ELF".utf8)) else { return nil }
        isWide = head[4] == 2
        isBig = head[5] == 2
        if isWide, head.count < 64 { return nil }
        let reader = ByteOrder(isBig: isBig)
        machine = UInt16(truncatingIfNeeded: reader.number(head, 18, 2))
        tableOffset = isWide ? reader.number(head, 32, 8) : reader.number(head, 28, 4)
        entrySize = Int(reader.number(head, isWide ? 54 : 42, 2))
        entryCount = min(Int(reader.number(head, isWide ? 56 : 44, 2)), 64)
    }

    /// Where the name of the loader is.
    func loaderPlace(in file: BorrowedFD) throws(SyscallError) -> (offset: UInt64, size: Int)? {
        let reader = ByteOrder(isBig: isBig)
        let needed = isWide ? 56 : 32
        guard entrySize >= needed else { return nil }
        let table = try file.read(max: entrySize * entryCount, at: Int64(clamping: tableOffset))
        for index in 0..<(table.count / entrySize) {
            let start = index * entrySize
            guard UInt32(truncatingIfNeeded: reader.number(table, start, 4)) == Self.loaderType else {
                continue
            }
            let offset = isWide ? reader.number(table, start + 8, 8) : reader.number(table, start + 4, 4)
            let size = isWide ? reader.number(table, start + 32, 8) : reader.number(table, start + 16, 4)
            return (offset, Int(clamping: size))
        }
        return nil
    }
}

/// Numbers in the order of bytes that a file has.
private struct ByteOrder {
    let isBig: Bool

    func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> UInt64 {
        let part = bytes[offset..<(offset + count)]
        return isBig
            ? part.reduce(0) { $0 << 8 | UInt64($1) } : part.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
