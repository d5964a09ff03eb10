/// Values as people write them: the text format of GVariant, of which systemd's properties need numbers, texts, lists,
/// pairs and type names: `true`, `uint64 123`, `'text'`, `['a', 'b']`, `@as []`, `('a', 1)`, `<1>`, `{'k': 1}`.
/// - SeeAlso: https://docs.gtk.org/glib/gvariant-text-format.html
package struct BusText {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    private init(_ text: String) { bytes = Array(text.utf8) }

    /// Reads one value.
    /// - Throws: `BusTextError` that names the place.
    package static func value(_ text: String) throws(BusTextError) -> BusValue {
        var parser = BusText(text)
        let value = try parser.value(of: nil)
        parser.skipSpace()
        if parser.position < parser.bytes.count { throw parser.failure("an end") }
        return value
    }

    private func failure(_ expected: String) -> BusTextError {
        BusTextError(expected: expected, offset: position)
    }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: Character) -> Bool {
        skipSpace()
        guard next == byte.asciiValue else { return false }
        position += 1
        return true
    }

    /// The letters from here on.
    private mutating func word() -> String {
        let start = position
        while let byte = next, byte.isLetterOrDigit { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// A value; `type` is what its surroundings want, nil if they leave it open.
    private mutating func value(of type: String?) throws(BusTextError) -> BusValue {
        depth += 1
        defer { depth -= 1 }
        if depth > BusSignature.depthLimit { throw failure("fewer levels") }
        skipSpace()
        switch next {
        case nil: throw failure("a value")
        case UInt8(ascii: "@"): return try annotated(type)
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return try typed(try string(), type ?? "s")
        case UInt8(ascii: "["): return try list(type)
        case UInt8(ascii: "("): return try tuple(type)
        case UInt8(ascii: "{"): return try dictionary(type)
        case UInt8(ascii: "<"):
            position += 1
            let inner = try value(of: nil)
            guard take(">") else { throw failure("'>'") }
            guard type == nil || type == "v" else { throw failure("a value of type \(type ?? "")") }
            return .variant(inner)
        case let byte? where byte.isLetter: return try named(type)
        default: return try number(type)
        }
    }

    /// `@as []`
    private mutating func annotated(_ type: String?) throws(BusTextError) -> BusValue {
        position += 1
        let start = position
        guard let end = BusSignature.end(of: bytes, from: start) else { throw failure("a type") }
        position = end
        let named = String(decoding: bytes[start..<end], as: UTF8.self)
        if let type, type != named { throw failure("a value of type \(type)") }
        return try value(of: named)
    }

    /// `true`, `uint64 5`, `objectpath '/a'`
    private mutating func named(_ type: String?) throws(BusTextError) -> BusValue {
        let start = position
        let word = word()
        if word == "true" || word == "false" {
            guard type == nil || type == "b" else { throw failure("a value of type \(type ?? "")") }
            return .boolean(word == "true")
        }
        guard let named = Self.typeNames[word], type == nil || type == named else {
            position = start
            throw failure("a value")
        }
        return try value(of: named)
    }

    private static let typeNames = [
        "boolean": "b", "byte": "y", "int16": "n", "uint16": "q", "int32": "i", "handle": "h", "uint32": "u",
        "int64": "x", "uint64": "t", "double": "d", "string": "s", "objectpath": "o", "signature": "g",
    ]

    private mutating func number(_ type: String?) throws(BusTextError) -> BusValue {
        let start = position
        while let byte = next, byte.isLetterOrDigit || "+-.".utf8.contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        let isDecimal = !text.hasPrefix("0x") && text.contains { $0 == "." || $0 == "e" || $0 == "E" }
        guard let value = Self.number(text, type ?? (isDecimal ? "d" : "i")) else {
            position = start
            throw failure("a number" + (type.map { " of type \($0)" } ?? ""))
        }
        return value
    }

    private static func number(_ text: String, _ type: String) -> BusValue? {
        func integer<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
            let (isNegative, digits) = text.hasPrefix("-") ? (true, text.dropFirst()) : (false, text[...])
            let sign = isNegative ? "-" : ""
            if digits.hasPrefix("0x") { return Number(sign + digits.dropFirst(2), radix: 16) }
            if digits.count > 1, digits.hasPrefix("0") { return Number(sign + digits, radix: 8) }
            return Number(sign + digits)
        }
        switch type {
        case "y": return integer(UInt8.self).map { .byte($0) }
        case "n": return integer(Int16.self).map { .int16($0) }
        case "q": return integer(UInt16.self).map { .uint16($0) }
        case "i": return integer(Int32.self).map { .int32($0) }
        case "u", "h": return integer(UInt32.self).map { .uint32($0) }
        case "x": return integer(Int64.self).map { .int64($0) }
        case "t": return integer(UInt64.self).map { .uint64($0) }
        case "d": return Double(text).map { .double($0) }
        default: return nil
        }
    }

    private func typed(_ text: String, _ type: String) throws(BusTextError) -> BusValue {
        switch type {
        case "s": return .string(text)
        case "o": return .objectPath(text)
        case "g": return .signature(text)
        default: throw failure("a value of type \(type)")
        }
    }

    private mutating func string() throws(BusTextError) -> String {
        let quote = next
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            if byte == quote { return String(decoding: text, as: UTF8.self) }
            if byte == 0 { throw failure("no NUL") }
            guard byte == UInt8(ascii: "\\"), let escaped = next else {
                text.append(byte)
                continue
            }
            position += 1
            switch escaped {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "r"): text.append(0x0D)
            default: text.append(escaped)
            }
        }
        throw failure("the closing quote")
    }

    /// Elements get the type of the first one unless it is given.
    private mutating func list(_ type: String?) throws(BusTextError) -> BusValue {
        position += 1
        var element = try inner(of: type, prefix: "a")
        var values: [BusValue] = []
        if !take("]") {
            repeat {
                let value = try value(of: element)
                element = element ?? value.signature
                values.append(value)
            } while take(",")
            guard take("]") else { throw failure("',' or ']'") }
        }
        guard let element else { throw failure("a type before an empty list, such as @as") }
        return .array(of: element, values)
    }

    private func inner(of type: String?, prefix: Character) throws(BusTextError) -> String? {
        guard let type else { return nil }
        guard type.first == prefix else { throw failure("a value of type \(type)") }
        return String(type.dropFirst())
    }

    private mutating func tuple(_ type: String?) throws(BusTextError) -> BusValue {
        position += 1
        var wanted: [String]?
        if let type {
            guard type.hasPrefix("("), let types = BusSignature.types(of: String(type.dropFirst().dropLast()))
            else { throw failure("a value of type \(type)") }
            wanted = types
        }
        var values: [BusValue] = []
        while !take(")") {
            if !values.isEmpty {
                guard take(",") else { throw failure("',' or ')'") }
                if take(")") { break }
            }
            let hasType = wanted.map { values.count < $0.count } ?? false
            values.append(try value(of: hasType ? wanted?[values.count] : nil))
        }
        if values.isEmpty || (wanted.map { $0.count != values.count } ?? false) {
            throw failure("more or fewer members")
        }
        return .structure(values)
    }

    private mutating func dictionary(_ type: String?) throws(BusTextError) -> BusValue {
        position += 1
        var types: [String]?
        if let entry = try inner(of: type, prefix: "a") {
            types = BusSignature.types(of: String(entry.dropFirst().dropLast()))
        }
        var values: [BusValue] = []
        if !take("}") {
            repeat {
                let key = try value(of: types?.first)
                guard take(":") else { throw failure("':'") }
                let value = try value(of: types?.last)
                types = types ?? [key.signature, value.signature]
                values.append(.entry(key, value))
            } while take(",")
            guard take("}") else { throw failure("',' or '}'") }
        }
        guard let types else { throw failure("a type before an empty dictionary, such as @a{sv}") }
        return .array(of: "{\(types.joined())}", values)
    }
}

/// A text that is no value.
package struct BusTextError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What should have been there.
    package let expected: String
    /// After how many bytes.
    package let offset: Int

    /// `expected a number at byte 3`
    package var description: String { "expected \(expected) at byte \(offset)" }
}

extension UInt8 {
    fileprivate var isLetter: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self)
    }

    fileprivate var isLetterOrDigit: Bool {
        isLetter || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}
