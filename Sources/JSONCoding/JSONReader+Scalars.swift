extension JSONReader {
    /// Consumes `null` if it is the next value.
    /// - Returns: whether it was.
    package mutating func skipNull() throws(JSONError) -> Bool {
        skipWhitespace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "n") else { return false }
        valueStart = position
        try literal("null")
        return true
    }

    /// Reads `true` or `false`.
    package mutating func boolean() throws(JSONError) -> Bool {
        let found = try kind()
        guard found == .boolean else { throw mismatch(.boolean, found: found) }
        valueStart = position
        if bytes[position] == UInt8(ascii: "t") {
            try literal("true")
            return true
        }
        try literal("false")
        return false
    }

    /// Reads a string.
    package mutating func string() throws(JSONError) -> String {
        let found = try kind()
        guard found == .string else { throw mismatch(.string, found: found) }
        let quote = position
        valueStart = quote
        position += 1
        let start = position
        var seen: UInt8 = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                let content = bytes[start..<(position - 1)]
                if seen < 0x80 { return String(decoding: content, as: UTF8.self) }
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw failure(at: quote, "invalid UTF-8 in a string")
                }
                return text
            }
            if byte == UInt8(ascii: "\\") { return try stringWithEscapes(quote: quote) }
            if byte < 0x20 { throw failure(at: position, "control character in a string") }
            seen |= byte
            position += 1
        }
        throw failure(at: quote, "the string does not end")
    }

    /// Continues a string at its first backslash.
    private mutating func stringWithEscapes(quote: Int) throws(JSONError) -> String {
        var content = Array(bytes[(quote + 1)..<position])
        while position < bytes.count {
            let byte = bytes[position]
            if byte < 0x20 { throw failure(at: position, "control character in a string") }
            position += 1
            if byte == UInt8(ascii: "\"") {
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw failure(at: quote, "invalid UTF-8 in a string")
                }
                return text
            }
            if byte == UInt8(ascii: "\\") {
                try escape(into: &content)
            } else {
                content.append(byte)
            }
        }
        throw failure(at: quote, "the string does not end")
    }

    /// Reads what follows a backslash.
    private mutating func escape(into content: inout [UInt8]) throws(JSONError) {
        guard position < bytes.count else { throw failure(at: position, "the string does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content.append(contentsOf: try unicodeEscape())
        default: throw failure(at: position - 1, "unknown escape in a string")
        }
    }

    /// Reads the digits after `\u`, and the second half if they are the first half of a surrogate pair.
    private mutating func unicodeEscape() throws(JSONError) -> [UInt8] {
        let start = position - 2
        let first = try hexadecimalDigits()
        var value = first
        if (0xD800..<0xDC00).contains(first) {
            guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            else { throw failure(at: start, "half of a surrogate pair in a string") }
            position += 2
            let second = try hexadecimalDigits()
            guard (0xDC00..<0xE000).contains(second) else {
                throw failure(at: start, "half of a surrogate pair in a string")
            }
            value = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
        }
        // A NUL would end the text early wherever the kernel reads it as a C string.
        if value == 0 { throw failure(at: start, "NUL character in a string") }
        guard let scalar = Unicode.Scalar(value) else {
            throw failure(at: start, "half of a surrogate pair in a string")
        }
        return Array(String(scalar).utf8)
    }

    private mutating func hexadecimalDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count else { throw failure(at: position, "the string does not end") }
            let digit: UInt8
            switch bytes[position] {
            case let byte where byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"):
                digit = byte - UInt8(ascii: "0")
            case let byte where byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f"):
                digit = byte - UInt8(ascii: "a") + 10
            case let byte where byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "F"):
                digit = byte - UInt8(ascii: "A") + 10
            default: throw failure(at: position, "expected four hexadecimal digits after \\u")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func literal(_ word: StaticString) throws(JSONError) {
        let start = position
        let text = "\(word)".utf8
        guard bytes.count - position >= text.count,
            bytes[position..<(position + text.count)].elementsEqual(text)
        else { throw failure(at: start, "expected \(word)") }
        position += text.count
    }

    // MARK: Numbers

    /// Reads an integer that fits `Value`; a fraction, an exponent or an overflow is an error, nothing is
    /// rounded.
    package mutating func integer<Value: FixedWidthInteger>(
        _ type: Value.Type = Value.self
    ) throws(JSONError) -> Value {
        let number = try number()
        guard number.isInteger else { throw refusal("expected a whole number") }
        if let magnitude = number.magnitude {
            if !number.isNegative, let value = Value(exactly: magnitude) { return value }
            if number.isNegative, magnitude <= 1 << 63,
                let value = Value(exactly: 0 &- Int64(bitPattern: magnitude))
            {
                return value
            }
        }
        throw refusal("the number does not fit the range \(Value.min)...\(Value.max)")
    }

    /// Reads any number; digits beyond the precision of `Double` are rounded, a number beyond its range
    /// refused.
    package mutating func double() throws(JSONError) -> Double {
        let number = try number()
        let text = String(decoding: bytes[number.range], as: UTF8.self)
        guard let value = Double(text), value.isFinite else { throw refusal("the number is too large") }
        return value
    }

    /// Checks the next number against the grammar and takes its digits.
    mutating func number() throws(JSONError) -> JSONNumber {
        let found = try kind()
        guard found == .number else { throw mismatch(.number, found: found) }
        let start = position
        valueStart = start
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        var magnitude: UInt64? = 0
        let firstDigit = position
        while let digit = decimalDigit() {
            magnitude = magnitude.flatMap { value in
                let (tens, tooLarge) = value.multipliedReportingOverflow(by: 10)
                let (sum, tooLargeSum) = tens.addingReportingOverflow(UInt64(digit))
                return tooLarge || tooLargeSum ? nil : sum
            }
        }
        let digits = position - firstDigit
        if digits == 0 { throw failure(at: position, "expected a digit") }
        if digits > 1, bytes[firstDigit] == UInt8(ascii: "0") {
            throw failure(at: start, "a number may not begin with 0")
        }
        let isInteger = try !fractionAndExponent()
        return JSONNumber(
            isNegative: isNegative, isInteger: isInteger, magnitude: magnitude, range: start..<position)
    }

    private mutating func decimalDigit() -> UInt8? {
        guard position < bytes.count else { return nil }
        let digit = bytes[position] &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        position += 1
        return digit
    }

    /// - Returns: whether there was a fraction or an exponent.
    private mutating func fractionAndExponent() throws(JSONError) -> Bool {
        let start = position
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count,
                bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
            {
                position += 1
            }
            try digits()
        }
        return position > start
    }

    private mutating func digits() throws(JSONError) {
        guard decimalDigit() != nil else { throw failure(at: position, "expected a digit") }
        while decimalDigit() != nil {}
    }
}

/// A number as it stands in the document.
struct JSONNumber {
    let isNegative: Bool
    /// Neither a fraction nor an exponent is written.
    let isInteger: Bool
    /// The digits before the fraction; nil beyond 64 bits.
    let magnitude: UInt64?
    let range: Range<Int>
}
