package import LinuxSystem

/// Reads files of environment variables (`--env-file`) and single variables (`-e`), as docker reads them: one
/// `NAME=value` a line, taken literally to the end of the line; blank lines and lines that begin with `#` count for
/// nothing; a name alone takes the caller's value and is left out when the caller has none.
package struct EnvironmentFile {
    private static let sizeLimit = 1 << 20

    private let caller: [String]

    /// A reader with the caller's own environment.
    package init(caller: [String]) { self.caller = caller }

    /// The variables of a file.
    package func read(_ path: Path) throws(StepError) -> [String] {
        let bytes = try during("read --env-file \(path)") { () throws(SyscallError) in
            try readFile(path, limit: EnvironmentFile.sizeLimit)
        }
        return try parse(bytes, named: path)
    }

    /// The variables in a text; errors name the line.
    package func parse(_ bytes: [UInt8], named path: Path) throws(StepError) -> [String] {
        var result: [String] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, raw) in lines.enumerated() {
            let step: Step = "read --env-file \(path) line \(index + 1)"
            let unended = raw.last == UInt8(ascii: "\r") ? raw.dropLast() : raw
            guard let text = String(validating: unended, as: UTF8.self), !text.utf8.contains(0) else {
                throw StepError(step, refused: "is not UTF-8 text")
            }
            let line = text.drop { $0 == " " || $0 == "\t" }
            if line.isEmpty || line.hasPrefix("#") { continue }
            if let variable = try variable(String(line), step) { result.append(variable) }
        }
        return result
    }

    /// One variable: as it is, or with the caller's value; nil when the caller has none.
    package func variable(_ text: String, _ step: Step = "read --env") throws(StepError) -> String? {
        let name = text.prefix { $0 != "=" }
        guard !name.isEmpty, !name.contains(where: \.isWhitespace), !text.utf8.contains(0) else {
            throw StepError(step, refused: "'\(text)' is not NAME=VALUE")
        }
        if name.endIndex != text.endIndex { return text }
        return caller.last { $0.hasPrefix(name + "=") }
    }
}
