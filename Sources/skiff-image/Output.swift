import LinuxSystem

/// What goes to the terminal.
enum Output {
    /// One line for people or programs on standard output. A reader that went away is no failure of ours.
    static func line(_ text: String) { write(text + "\n", to: .standardOutput) }

    /// One line about a failure on standard error.
    static func error(_ text: String) { write("skiff: \(text)\n", to: .standardError) }

    static func write(_ text: String, to file: BorrowedFD) {
        bestEffort("there is nobody left to tell") { () throws(SyscallError) in try file.writeAll(text) }
    }
}

/// Rows of texts in columns as wide as they need.
struct TextTable {
    private var rows: [[String]]

    init(_ titles: [String]) { rows = [titles] }

    mutating func add(_ row: [String]) { rows.append(row) }

    var text: String {
        var widths = [Int](repeating: 0, count: rows[0].count)
        for row in rows {
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        return rows.map { row in
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[index] - cell.count + 3)
            }
            return cells.joined()
        }.joined(separator: "\n")
    }
}

/// Bytes in powers of 1000, as docker prints them.
func readableSize(_ bytes: Int64) -> String {
    var value = Double(bytes)
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000 {
            let rounded = (value * 10).rounded() / 10
            return rounded == rounded.rounded() || unit == "B"
                ? "\(Int(rounded))\(unit)" : "\(rounded)\(unit)"
        }
        value /= 1000
    }
    return "\((value * 10).rounded() / 10)TB"
}
