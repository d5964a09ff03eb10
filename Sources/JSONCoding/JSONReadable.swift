/// A value that can be read from a document.
package protocol JSONReadable {
    /// Reads the next value of the document.
    init(from reader: inout JSONReader) throws(JSONError)
}

extension JSONReadable {
    /// Reads a whole document, which must hold this value and nothing else.
    package init(json bytes: [UInt8], sizeLimit: Int = JSONReader.sizeLimit) throws(JSONError) {
        var reader = try JSONReader(bytes, sizeLimit: sizeLimit)
        try self.init(from: &reader)
        try reader.end()
    }
}

extension JSONReader {
    /// Reads the next value as what the caller needs: `args = try reader.read()`.
    package mutating func read<Value: JSONReadable>(
        _ type: Value.Type = Value.self
    ) throws(JSONError) -> Value {
        try Value(from: &self)
    }
}

// The most frequent cases of `read`, without generics: looking up the type of a generic array for every list
// of names was a fifth of the time of reading a configuration.
extension JSONReader {
    /// Reads a string.
    package mutating func read() throws(JSONError) -> String { try string() }

    /// Reads an array of strings.
    package mutating func read() throws(JSONError) -> [String] {
        var elements: [String] = []
        try array { (reader) throws(JSONError) in elements.append(try reader.string()) }
        return elements
    }
}

extension String: JSONReadable {
    /// Reads a string.
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.string() }
}

extension Bool: JSONReadable {
    /// Reads `true` or `false`.
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.boolean() }
}

extension Double: JSONReadable {
    /// Reads a number.
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.double() }
}

extension JSONReadable where Self: FixedWidthInteger {
    /// Reads an integer in the range of the type.
    package init(from reader: inout JSONReader) throws(JSONError) { self = try reader.integer() }
}

extension Int: JSONReadable {}
extension Int32: JSONReadable {}
extension Int64: JSONReadable {}
extension UInt16: JSONReadable {}
extension UInt32: JSONReadable {}
extension UInt64: JSONReadable {}

extension Array: JSONReadable where Element: JSONReadable {
    /// Reads an array; every element must be readable.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var elements: [Element] = []
        try reader.array { (reader) throws(JSONError) in elements.append(try Element(from: &reader)) }
        self = elements
    }
}

extension Dictionary: JSONReadable where Key == String, Value: JSONReadable {
    /// Reads an object with free names.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var members: [String: Value] = [:]
        try reader.object { (key, reader) throws(JSONError) in members[key] = try Value(from: &reader) }
        self = members
    }
}

/// One of a fixed set of words, such as `"tmpfs"` or `"SCMP_ACT_ERRNO"`; an unknown word is refused by name.
package protocol JSONWord: RawRepresentable<String>, CaseIterable, JSONReadable, JSONWritable, Equatable,
    Sendable
{
    /// What the words name, for errors: `"namespace type"`.
    static var subject: String { get }
}

extension JSONWord {
    /// Reads a string that must be one of the words.
    package init(from reader: inout JSONReader) throws(JSONError) {
        let text = try reader.string()
        guard let word = Self(rawValue: text) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw reader.refusal("unknown \(Self.subject) \"\(text)\" (known: \(known))")
        }
        self = word
    }

    /// Writes the word as a string.
    package func write(to writer: inout JSONWriter) { writer.string(rawValue) }
}

extension JSONReader {
    /// Reads a text for which empty and absent mean the same, as in the Go programs that write these
    /// documents.
    package mutating func text() throws(JSONError) -> String? {
        let text = try string()
        return text.isEmpty ? nil : text
    }

    /// Reads one of the words; an empty text counts as absent.
    package mutating func word<Word: JSONWord>() throws(JSONError) -> Word? {
        if try nextIsEmptyString() {
            try skip()
            return nil
        }
        return try Word(from: &self)
    }

    private mutating func nextIsEmptyString() throws(JSONError) -> Bool {
        guard try kind() == .string else { return false }
        return position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "\"")
    }
}
