/// Reads one JSON document (RFC 8259, with the stricter rules of I-JSON, RFC 7493) from front to back.
///
/// No tree is built: the caller asks for the value it expects and gets it, or a `JSONError` that names the
/// path. Two rules hold everywhere. A member whose value is `null` is passed over, as if it were absent. A
/// member whose value the caller's closure did not read is skipped, so unknown members need no code; what is
/// skipped is checked all the same. Names that occur twice in one object, invalid UTF-8, NUL characters, lone
/// surrogates, too deep nesting and bytes after the document are refused.
///
/// ```swift
/// try reader.object { (key, reader) throws(JSONError) in
///     switch key {
///     case "path": path = try reader.read()
///     case "args": args = try reader.read()
///     default: break
///     }
/// }
/// ```
package struct JSONReader: ~Copyable {
    /// The deepest nesting of objects and arrays that is read.
    package static let depthLimit = 128

    /// The largest document in bytes that is read unless the caller says otherwise.
    package static let sizeLimit = 16 << 20

    let bytes: [UInt8]
    var position = 0
    /// Where the value that was read last begins; refusals point there.
    var valueStart = 0
    private var depth = 0
    /// The names seen so far in every object that is open, innermost last.
    private var names: [String] = []

    /// Starts at the first byte of a document.
    /// - Throws: if the document is larger than `sizeLimit` bytes or begins with a byte order mark.
    package init(_ bytes: [UInt8], sizeLimit: Int = JSONReader.sizeLimit) throws(JSONError) {
        self.bytes = bytes
        if bytes.count > sizeLimit {
            throw JSONError(path: "", line: 1, offset: 0, reason: "larger than \(sizeLimit) bytes")
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw JSONError(path: "", line: 1, offset: 0, reason: "begins with a byte order mark")
        }
    }

    // MARK: Objects and arrays

    /// Reads an object; `member` is called with each name whose value is not `null` and may read that value.
    package mutating func object(
        _ member: (_ key: String, _ reader: inout JSONReader) throws(JSONError) -> Void
    ) throws(JSONError) {
        let start = try open(UInt8(ascii: "{"), .object)
        let firstName = names.count
        var known: Set<String>?
        var more = try !closes(UInt8(ascii: "}"))
        while more {
            let key = try name(after: firstName, &known)
            if try !skipNull() {
                let before = position
                try member(key, &self)
                if position == before { try skip() }
            }
            more = try continues(closing: UInt8(ascii: "}"), .object)
        }
        names.removeLast(names.count - firstName)
        depth -= 1
        valueStart = start
    }

    /// Reads an array; `element` is called once for each element and must read it.
    package mutating func array(
        _ element: (_ reader: inout JSONReader) throws(JSONError) -> Void
    ) throws(JSONError) {
        let start = try open(UInt8(ascii: "["), .array)
        var more = try !closes(UInt8(ascii: "]"))
        while more {
            let before = position
            try element(&self)
            if position == before { try skip() }
            more = try continues(closing: UInt8(ascii: "]"), .array)
        }
        depth -= 1
        valueStart = start
    }

    /// Passes over a value of any kind, checking it.
    package mutating func skip() throws(JSONError) {
        switch try kind() {
        case .object: try object { (_, reader) throws(JSONError) in try reader.skip() }
        case .array: try array { (reader) throws(JSONError) in try reader.skip() }
        case .string: _ = try string()
        case .number: _ = try number()
        case .boolean: _ = try boolean()
        case .null: _ = try skipNull()
        }
    }

    /// Passes over a value of any kind and gives its bytes as they stand in the document.
    package mutating func rawValue() throws(JSONError) -> [UInt8] {
        skipWhitespace()
        let start = position
        try skip()
        return Array(bytes[start..<position])
    }

    /// Checks that nothing but white space follows the document's value.
    package mutating func end() throws(JSONError) {
        skipWhitespace()
        if position < bytes.count { throw failure(at: position, "unexpected bytes after the document") }
    }

    // MARK: Errors

    /// An error about the value that was read last, for values that are well formed but not acceptable.
    package func refusal(_ reason: String) -> JSONError {
        failure(at: valueStart, reason)
    }

    /// An error about the byte at `offset`.
    func failure(at offset: Int, _ reason: String) -> JSONError {
        JSONError(in: bytes, at: offset, reason)
    }

    // MARK: Structure

    /// The kind of the next value, which is not consumed.
    package mutating func kind() throws(JSONError) -> JSONKind {
        skipWhitespace()
        guard position < bytes.count else { throw failure(at: position, "the document ends too early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw failure(at: position, "expected a value")
        }
    }

    func mismatch(_ expected: JSONKind, found: JSONKind) -> JSONError {
        failure(at: position, "expected \(expected.rawValue), found \(found.rawValue)")
    }

    mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func open(_ bracket: UInt8, _ expected: JSONKind) throws(JSONError) -> Int {
        let found = try kind()
        guard bytes[position] == bracket else { throw mismatch(expected, found: found) }
        let start = position
        depth += 1
        if depth > Self.depthLimit {
            throw failure(at: start, "nested deeper than \(Self.depthLimit) levels")
        }
        position += 1
        return start
    }

    private mutating func closes(_ bracket: UInt8) throws(JSONError) -> Bool {
        skipWhitespace()
        guard position < bytes.count, bytes[position] == bracket else { return false }
        position += 1
        return true
    }

    private mutating func continues(closing bracket: UInt8, _ kind: JSONKind) throws(JSONError) -> Bool {
        if try closes(bracket) { return false }
        guard position < bytes.count else {
            throw failure(at: position, "the document ends inside \(kind.rawValue)")
        }
        guard bytes[position] == UInt8(ascii: ",") else {
            let closing = String(decoding: [bracket], as: UTF8.self)
            throw failure(at: position, "expected , or \(closing)")
        }
        position += 1
        return true
    }

    private mutating func name(
        after first: Int, _ known: inout Set<String>?
    ) throws(JSONError) -> String {
        skipWhitespace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw failure(at: position, "expected a member name")
        }
        let key = try string()
        let start = valueStart
        if isRepeated(key, after: first, &known) {
            throw failure(at: position, "the name occurs twice in one object (first byte at \(start))")
        }
        skipWhitespace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
            throw failure(at: position, "expected : after the member name")
        }
        position += 1
        return key
    }

    /// Few names are compared one by one; many go into a set, so that a hostile document costs no square
    /// time.
    private mutating func isRepeated(_ key: String, after first: Int, _ known: inout Set<String>?) -> Bool {
        if known != nil { return known?.insert(key).inserted == false }
        for index in first..<names.count where names[index] == key { return true }
        names.append(key)
        if names.count - first == 24 { known = Set(names[first...]) }
        return false
    }
}

/// The kinds of JSON values; the raw value is how an error message calls them.
package enum JSONKind: String, Sendable {
    case object = "an object"
    case array = "an array"
    case string = "a string"
    case number = "a number"
    case boolean = "a boolean"
    case null = "null"
}
