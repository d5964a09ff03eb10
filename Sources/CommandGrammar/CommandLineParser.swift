/// A command line that does not follow the table; one line of text for the user.
package struct UsageError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, such as `unknown option --foo`.
    package let description: String
    /// Whether an option is unknown or lacks its value.
    package var isAboutOption = false
    /// Whether the verb itself is unknown.
    package var isUnknownCommand = false

    /// An error with its text.
    package init(_ description: String) { self.description = description }

    /// The same error, said of something.
    package func prefixed(with text: String) -> UsageError {
        var error = UsageError(text + description)
        error.isAboutOption = isAboutOption
        error.isUnknownCommand = isUnknownCommand
        return error
    }

    static func option(_ description: String) -> UsageError {
        var error = UsageError(description)
        error.isAboutOption = true
        return error
    }
}

/// The options and words found by `CommandLineParser`.
package struct ParsedArguments: Sendable, Equatable {
    /// Options in the order given: long name and value (`true` or `false` for switches).
    package private(set) var options: [Pair] = []
    /// The words that are not options.
    package private(set) var words: [String] = []
    /// How many of the arguments were read; the rest was not looked at.
    package fileprivate(set) var consumed = 0

    /// One option as given.
    package struct Pair: Sendable, Equatable {
        /// Long name.
        package let name: String
        /// Its value.
        package let value: String
    }

    /// Nothing given.
    package init() {}

    /// The last value given for a long name.
    package func value(_ name: String) -> String? {
        options.last { $0.name == name }?.value
    }

    /// All values given for a long name, in order.
    package func values(_ name: String) -> [String] {
        options.filter { $0.name == name }.map(\.value)
    }

    /// Whether a switch is on; the last one given counts.
    package func isSet(_ name: String) -> Bool {
        value(name) == "true"
    }

    /// These options and those of a second reading, whose words count.
    package func followed(by second: ParsedArguments) -> ParsedArguments {
        var both = second
        both.options = options + second.options
        return both
    }

    fileprivate mutating func add(_ option: CommandOption, _ value: String) {
        options.append(Pair(name: option.name, value: value))
    }

    fileprivate mutating func add(word: String) { words.append(word) }
}

/// Reads a command line by the table: `--name value`, `--name=value`, `-n value`, `-nvalue`, clusters such as
/// `-it`, and `--` before words that start with a dash.
package struct CommandLineParser {
    /// Further spellings of options.
    package struct Spelling: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }

        /// `-name value` for `--name value`, as programs in Go take it.
        package static let oneDash = Spelling(rawValue: 1)
        /// The beginning of a long name that no other option shares.
        /// - SeeAlso: getopt_long(3)
        package static let abbreviations = Spelling(rawValue: 2)
    }

    private let options: [CommandOption]
    private let operands: CommandOperands
    private let spelling: Spelling

    /// A parser for the options and words of a verb.
    package init(_ verb: CommandVerb, spelling: Spelling = []) {
        options = verb.options
        operands = verb.operands
        self.spelling = spelling
    }

    /// A parser for options that come before the verb; it stops at the first word.
    package init(globals: [CommandOption], spelling: Spelling = []) {
        options = globals
        operands = CommandOperands("", 0, 0, commandStartsAfter: 0)
        self.spelling = spelling
    }

    /// The arguments from `start` on.
    package func parse(_ arguments: [String], from start: Int = 0) throws(UsageError) -> ParsedArguments {
        var parsed = ParsedArguments()
        var index = start
        while index < arguments.count {
            if let limit = operands.commandStartsAfter, parsed.words.count >= limit, limit > 0 {
                for word in arguments[index...] { parsed.add(word: word) }
                index = arguments.count
                break
            }
            let argument = arguments[index]
            if argument == "--" {
                for word in arguments[(index + 1)...] { parsed.add(word: word) }
                index = arguments.count
                break
            }
            if argument.utf8.first != UInt8(ascii: "-") || argument.utf8.count == 1 {
                if operands.commandStartsAfter == 0 { break }
                parsed.add(word: argument)
                index += 1
            } else if argument.hasPrefix("--") {
                index = try long(argument.dropFirst(2), at: index, arguments, into: &parsed)
            } else if spelling.contains(.oneDash), isLongName(argument.dropFirst()) {
                index = try long(argument.dropFirst(), at: index, arguments, into: &parsed)
            } else {
                index = try shorts(argument, at: index, arguments, into: &parsed)
            }
        }
        parsed.consumed = index - start
        return parsed
    }

    /// The arguments from `start` on, with the number of words checked.
    package func parseAll(_ arguments: [String], from start: Int = 0) throws(UsageError) -> ParsedArguments {
        let parsed = try parse(arguments, from: start)
        let count = parsed.words.count
        if count < operands.minimum {
            throw UsageError("missing argument: expected \(operands.usage)")
        }
        if let maximum = operands.maximum, count > maximum {
            let expected = operands.usage.isEmpty ? "none" : operands.usage
            throw UsageError("too many arguments: '\(parsed.words[maximum])' (expected \(expected))")
        }
        return parsed
    }

    private func isLongName(_ body: Substring) -> Bool {
        let name = body.prefix { $0 != "=" }
        return name.count > 1 && options.contains { $0.name == name }
    }

    private func option(named name: String) throws(UsageError) -> CommandOption {
        if let option = options.first(where: { $0.name == name }) { return option }
        let candidates =
            spelling.contains(.abbreviations) ? options.filter { $0.name.hasPrefix(name) } : []
        if candidates.count > 1 { throw UsageError.option("option --\(name) is ambiguous") }
        guard let option = candidates.first else { throw UsageError.option("unknown option --\(name)") }
        return option
    }

    private func long(
        _ body: Substring, at index: Int, _ arguments: [String], into parsed: inout ParsedArguments
    ) throws(UsageError) -> Int {
        let equals = body.firstIndex(of: "=")
        let name = String(body[..<(equals ?? body.endIndex)])
        let attached = equals.map { String(body[body.index(after: $0)...]) }
        let option = try option(named: name)
        if case .none = option.argument {
            parsed.add(option, try Self.switchValue(attached ?? "true", of: option))
            return index + 1
        }
        if let attached {
            parsed.add(option, attached)
            return index + 1
        }
        return try following(option, spelling: "--\(name)", at: index, arguments, into: &parsed)
    }

    private func shorts(
        _ argument: String, at index: Int, _ arguments: [String], into parsed: inout ParsedArguments
    ) throws(UsageError) -> Int {
        var rest = argument.dropFirst()
        while let letter = rest.popFirst() {
            guard let option = options.first(where: { $0.short == letter }) else {
                throw UsageError.option("unknown option -\(letter)")
            }
            guard case .value = option.argument else {
                parsed.add(option, "true")
                continue
            }
            if rest.isEmpty {
                return try following(option, spelling: "-\(letter)", at: index, arguments, into: &parsed)
            }
            parsed.add(option, String(rest.first == "=" ? rest.dropFirst() : rest))
            break
        }
        return index + 1
    }

    private func following(
        _ option: CommandOption, spelling: String, at index: Int, _ arguments: [String],
        into parsed: inout ParsedArguments
    ) throws(UsageError) -> Int {
        guard index + 1 < arguments.count else {
            throw UsageError.option("option \(spelling) needs a value")
        }
        parsed.add(option, arguments[index + 1])
        return index + 2
    }

    private static func switchValue(_ text: String, of option: CommandOption) throws(UsageError) -> String {
        switch text {
        case "true", "1", "t", "T", "TRUE", "True": return "true"
        case "false", "0", "f", "F", "FALSE", "False": return "false"
        default: throw UsageError("option --\(option.name) is true or false, not '\(text)'")
        }
    }
}
