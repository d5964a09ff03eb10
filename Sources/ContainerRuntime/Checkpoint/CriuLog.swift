import LinuxSystem

/// CRIU's log: why it failed is only there.
struct CriuLog {
    private static let kept = 3
    private static let limit = 64 << 20

    /// Path, for people.
    let path: Path
    /// Its directory.
    let directory: BorrowedFD
    /// Its name there.
    let name: Path

    /// The last lines that are errors, without time and place in CRIU's source; that all failed in the end is no news.
    func reasons() -> [String] {
        var text: [UInt8] = []
        bestEffort("without a log there is nothing to quote") { () throws(SyscallError) in
            text = try readFile(name, in: directory, limit: Self.limit)
        }
        var found: [String] = []
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard let error = Self.rest(of: line, after: "Error ("),
                let words = Self.rest(of: error, after: "): ")
            else { continue }
            let reason = String(decoding: words, as: UTF8.self)
            if !reason.hasSuffix("FAILED."), reason != found.last { found.append(reason) }
        }
        return Array(found.suffix(Self.kept))
    }

    private static func rest(of line: ArraySlice<UInt8>, after mark: String) -> ArraySlice<UInt8>? {
        let wanted = Array(mark.utf8)
        guard line.count >= wanted.count else { return nil }
        for start in line.startIndex...(line.endIndex - wanted.count)
        where line[start..<(start + wanted.count)].elementsEqual(wanted) {
            return line[(start + wanted.count)...]
        }
        return nil
    }
}
