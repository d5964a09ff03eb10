internal import ImageSpec
internal import JSONCoding
package import LinuxSystem

/// A change of how an image is run, in the words of a Dockerfile: `CMD`, `ENTRYPOINT`, `ENV`, `LABEL`, `WORKDIR`, `USER`,
/// `EXPOSE`, `VOLUME`, `STOPSIGNAL`.
package struct ConfigChange: Sendable {
    private enum Value: Sendable {
        case command(String, [String])
        case environment([(key: String, value: String)])
        case labels([(key: String, value: String)])
        case text(String, String)
        case names(String, [String])
    }

    private let value: Value

    /// Reads one change.
    /// - Throws: what is wrong with it.
    package init(_ text: String) throws(StepError) {
        let trimmed = text.drop { $0.isWhitespace }
        let instruction = trimmed.prefix { !$0.isWhitespace && $0 != "=" }
        let rest = Self.trimmed(trimmed.dropFirst(instruction.count).drop { $0 == "=" })
        func refuse(_ reason: String) -> StepError {
            StepError("read the change '\(text)'", refused: reason, code: .usage, operand: text)
        }
        if rest.isEmpty { throw refuse("nothing follows the instruction") }
        switch instruction.uppercased() {
        case "CMD": value = .command("Cmd", try Self.command(rest, refuse))
        case "ENTRYPOINT": value = .command("Entrypoint", try Self.command(rest, refuse))
        case "ENV": value = .environment(try Self.pairs(rest, refuse))
        case "LABEL": value = .labels(try Self.pairs(rest, refuse))
        case "WORKDIR":
            guard rest.hasPrefix("/") else { throw refuse("the working directory must begin with a slash") }
            value = .text("WorkingDir", rest)
        case "USER": value = .text("User", rest)
        case "STOPSIGNAL":
            guard SignalName.number(rest) != nil else { throw refuse("there is no such signal") }
            value = .text("StopSignal", rest)
        case "EXPOSE":
            var ports: [String] = []
            for word in rest.split(whereSeparator: \.isWhitespace) {
                let parts = word.split(separator: "/", omittingEmptySubsequences: false)
                guard parts.count <= 2, let number = UInt16(parts[0]), number > 0,
                    parts.count == 1 || ["tcp", "udp", "sctp"].contains(parts[1])
                else { throw refuse("'\(word)' is no port such as 80 or 53/udp") }
                ports.append("\(number)/\(parts.count == 2 ? String(parts[1]) : "tcp")")
            }
            value = .names("ExposedPorts", ports)
        case "VOLUME":
            let words =
                rest.hasPrefix("[")
                ? try Self.command(rest, refuse) : rest.split(separator: " ").map(String.init)
            for word in words where !word.hasPrefix("/") || word == "/" {
                throw refuse("'\(word)' is no path below /")
            }
            value = .names("Volumes", words)
        default:
            throw refuse(
                "the instructions are CMD, ENTRYPOINT, ENV, LABEL, WORKDIR, USER, EXPOSE, VOLUME, STOPSIGNAL")
        }
    }

    /// Applies it to the object `config` of an image configuration.
    func apply(to editor: inout ConfigEditor, _ current: ContainerConfig) {
        switch value {
        case .command(let name, let words):
            editor.set(name, words.json())
            // What the image gives its own entry point is nothing for another one.
            if name == "Entrypoint" { editor.remove("Cmd") }
        case .environment(let pairs):
            var all = current.environment
            for (key, value) in pairs {
                let text = "\(key)=\(value)"
                if let index = all.firstIndex(where: { $0.hasPrefix(key + "=") }) {
                    all[index] = text
                } else {
                    all.append(text)
                }
            }
            editor.set("Env", all.json())
        case .labels(let pairs):
            var all = current.labels
            for (key, value) in pairs { all[key] = value }
            editor.set("Labels", all.json())
        case .text(let name, let text): editor.set(name, [text].json().dropFirst().dropLast().map { $0 })
        case .names(let name, let new):
            let old = name == "Volumes" ? current.volumes : current.exposedPorts
            var writer = JSONWriter()
            writer.object { writer in
                for name in Set(old + new).sorted() { writer.field(name) { $0.object { _ in } } }
            }
            editor.set(name, writer.finish())
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    /// A JSON array of words, or a line for the shell.
    private static func command(
        _ text: String, _ refuse: (String) -> StepError
    ) throws(StepError) -> [String] {
        guard text.hasPrefix("[") else { return ["/bin/sh", "-c", text] }
        do throws(JSONError) {
            return try [String](json: Array(text.utf8))
        } catch {
            throw refuse("\(error)")
        }
    }

    /// `KEY=VALUE …`, where quotes hold blanks, or `KEY VALUE`.
    private static func pairs(
        _ text: String, _ refuse: (String) -> StepError
    ) throws(StepError) -> [(key: String, value: String)] {
        var words: [String] = []
        var (word, quote, isEscaped): (String, Character?, Bool) = ("", nil, false)
        for character in text {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character.isWhitespace {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(character)
            }
        }
        if quote != nil { throw refuse("a quote is not closed") }
        if !word.isEmpty { words.append(word) }
        if let first = words.first, !first.contains("="), words.count > 1 {
            return [(first, words.dropFirst().joined(separator: " "))]
        }
        var pairs: [(key: String, value: String)] = []
        for word in words {
            guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
                throw refuse("'\(word)' is not KEY=VALUE")
            }
            pairs.append((String(word[..<equals]), String(word[word.index(after: equals)...])))
        }
        return pairs
    }
}
