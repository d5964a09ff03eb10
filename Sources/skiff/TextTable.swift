/// Rows of words in columns that line up, as lists print them.
enum TextTable {
    /// The text; the last column is not padded, the others have at least `narrowest` characters and three blanks.
    static func text(_ rows: [[String]], narrowest: Int = 0) -> String {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            rows.map { $0.count > column ? $0[column].count : 0 }.max().map { Swift.max($0, narrowest) } ?? 0
        }
        return rows.reduce(into: "") { text, row in
            for (column, word) in row.enumerated() {
                text += word
                guard column + 1 < row.count else { continue }
                text += String(repeating: " ", count: widths[column] - word.count + 3)
            }
            text += "\n"
        }
    }
}
