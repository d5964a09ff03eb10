import JSONCoding
import Testing

/// A value of every kind, read in the way a typical document type reads itself.
private struct Sample: JSONReadable, Equatable {
    var name: String?
    var numbers: [Int32] = []
    var raw: [UInt8] = []
    var inner: [String: [UInt16]] = [:]

    init(from reader: inout JSONReader) throws(JSONError) {
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "name": name = try reader.read()
            case "numbers": numbers = try reader.read()
            case "raw": raw = try reader.rawValue()
            case "inner": inner = try reader.read()
            default: break
            }
        }
    }
}

private enum Colour: String, JSONWord {
    static let subject = "colour"
    case red
    case green
}

/// Reads nothing and checks everything.
private struct Anything: JSONReadable {
    init(from reader: inout JSONReader) throws(JSONError) { try reader.skip() }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func message(_ body: () throws(JSONError) -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return error.description
    }
}

struct JSONReaderTests {
    @Test func `members are read, unknown ones skipped, null counts as absent`() throws {
        let text = #"""
            {"name": null, "other": {"deep": [1, {"x": null}, "y"]}, "numbers": [-1, 0, 2147483647],
             "raw": {"a" : [1 , 2.50]}, "inner": {"p": [], "q": [65535]}}
            """#
        let sample = try Sample(json: bytes(text))
        #expect(sample.name == nil)
        #expect(sample.numbers == [-1, 0, .max])
        #expect(sample.raw == bytes(#"{"a" : [1 , 2.50]}"#))
        #expect(sample.inner == ["p": [], "q": [65535]])
    }

    @Test(arguments: [
        (#""""#, ""), (#""plain""#, "plain"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (#""\u0041\u00e9\u20AC""#, "Aé€"),
        (#""\ud83d\ude00 \uD83D\uDE00""#, "😀 😀"), (#""é€😀""#, "é€😀"),
        (
            #""a long string with an escape\n in the middle and é at the end""#,
            "a long string with an escape\n in the middle and é at the end"
        ),
    ])
    func `strings and their escapes`(text: String, expected: String) throws {
        #expect(try String(json: bytes(text)) == expected)
    }

    @Test func `numbers are exact at the ends of their ranges`() throws {
        #expect(try UInt64(json: bytes("18446744073709551615")) == .max)
        #expect(try Int64(json: bytes("-9223372036854775808")) == .min)
        #expect(try Int64(json: bytes("9223372036854775807")) == .max)
        #expect(try UInt32(json: bytes("4294967295")) == .max)
        #expect(try Int32(json: bytes("-0")) == 0)
        #expect(try Double(json: bytes("-12.5e-1")) == -1.25)
        #expect(try Double(json: bytes("100000000000000000000")) == 1e20)
    }

    @Test(arguments: [
        ("18446744073709551616", "the number does not fit the range 0...18446744073709551615"),
        ("-1", "the number does not fit the range 0...18446744073709551615"),
        ("99999999999999999999999999", "the number does not fit the range 0...18446744073709551615"),
        ("1.0", "expected a whole number"), ("1e3", "expected a whole number"),
        ("\"1\"", "expected a number, found a string"), ("true", "expected a number, found a boolean"),
    ])
    func `an integer that does not fit is refused (BND-8)`(text: String, reason: String) {
        #expect(
            message { () throws(JSONError) in _ = try UInt64(json: bytes(text)) }
                == "document: \(reason) (line 1, byte 0)")
    }

    @Test func `a signed integer below its range is refused`() {
        #expect(
            message { () throws(JSONError) in _ = try Int64(json: bytes("-9223372036854775809")) }
                == "document: the number does not fit the range "
                + "-9223372036854775808...9223372036854775807 (line 1, byte 0)"
        )
        #expect(
            message { () throws(JSONError) in _ = try Double(json: bytes("1e999")) }
                == "document: the number is too large (line 1, byte 0)")
    }

    @Test(arguments: [
        ("", "document: the document ends too early (line 1, byte 0)"),
        ("{", "document: expected a member name (line 1, byte 1)"),
        ("[1", "[0]: the document ends inside an array (line 1, byte 2)"),
        ("{\"a\":1", "a: the document ends inside an object (line 1, byte 6)"),
        ("[1,]", "[1]: expected a value (line 1, byte 3)"),
        ("{\"a\":1,}", "document: expected a member name (line 1, byte 7)"),
        ("[1 2]", "[0]: expected , or ] (line 1, byte 3)"),
        ("{\"a\" 1}", "a: expected : after the member name (line 1, byte 5)"),
        ("{\"a\":{\"b\":[true,\n nul]}}", "a.b[1]: expected null (line 2, byte 18)"),
        ("[tru]", "[0]: expected true (line 1, byte 1)"), ("[falsy]", "[0]: expected false (line 1, byte 1)"),
        ("{} x", "document: unexpected bytes after the document (line 1, byte 3)"),
        ("[01]", "[0]: a number may not begin with 0 (line 1, byte 1)"),
        ("[-]", "[0]: expected a digit (line 1, byte 2)"), ("[1.]", "[0]: expected a digit (line 1, byte 3)"),
        ("[1e+]", "[0]: expected a digit (line 1, byte 4)"),
        ("[+1]", "[0]: expected a value (line 1, byte 1)"),
        ("[\"a]", "[0]: the string does not end (line 1, byte 1)"),
        ("[\"a\\", "[0]: the string does not end (line 1, byte 4)"),
        ("[\"a\\n", "[0]: the string does not end (line 1, byte 1)"),
        ("[\"\\x\"]", "[0]: unknown escape in a string (line 1, byte 3)"),
        ("[\"\\u12g4\"]", "[0]: expected four hexadecimal digits after \\u (line 1, byte 6)"),
        ("[\"\\u12", "[0]: the string does not end (line 1, byte 6)"),
        ("[\"\\ud800\"]", "[0]: half of a surrogate pair in a string (line 1, byte 2)"),
        ("[\"\\ud800\\u0041\"]", "[0]: half of a surrogate pair in a string (line 1, byte 2)"),
        ("[\"\\udc00\"]", "[0]: half of a surrogate pair in a string (line 1, byte 2)"),
        ("[\"\\u0000\"]", "[0]: NUL character in a string (line 1, byte 2)"),
        ("[\"a\tb\"]", "[0]: control character in a string (line 1, byte 3)"),
        ("[\"\\n\t\"]", "[0]: control character in a string (line 1, byte 4)"),
        ("{\"a.b/c\":{\"d\":?}}", "[\"a.b/c\"].d: expected a value (line 1, byte 14)"),
    ])
    func `a malformed document is refused with its place (BND-8)`(text: String, expected: String) {
        #expect(message { () throws(JSONError) in _ = try Anything(json: bytes(text)) } == expected)
    }

    @Test func `invalid UTF-8 is refused, plain and beside an escape`() {
        for tail in [[], bytes("\\n")] {
            for wrong in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] as [[UInt8]] {
                let document = bytes("[\"x") + wrong + tail + bytes("\"]")
                #expect(
                    message { () throws(JSONError) in _ = try Anything(json: document) }
                        == "[0]: invalid UTF-8 in a string (line 1, byte 1)")
            }
        }
    }

    @Test func `a byte order mark and a document that is too large are refused`() {
        #expect(
            message { () throws(JSONError) in _ = try Anything(json: [0xEF, 0xBB, 0xBF] + bytes("{}")) }
                == "document: begins with a byte order mark (line 1, byte 0)")
        #expect(
            message { () throws(JSONError) in _ = try Anything(json: bytes("[1,2,3]"), sizeLimit: 6) }
                == "document: larger than 6 bytes (line 1, byte 0)")
    }

    @Test func `128 levels are read, 129 are refused (BND-8)`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: depth)
                + Array(repeating: UInt8(ascii: "]"), count: depth)
        }
        _ = try Anything(json: nested(128))
        let text = message { () throws(JSONError) in _ = try Anything(json: nested(129)) }
        #expect(text?.hasSuffix("[0]: nested deeper than 128 levels (line 1, byte 128)") == true)
        // Siblings do not add up.
        _ = try Anything(json: bytes("[" + Array(repeating: "[]", count: 500).joined(separator: ",") + "]"))
    }

    @Test func `a name that occurs twice is refused (BND-8, IMG-36)`() {
        #expect(
            message { () throws(JSONError) in _ = try Anything(json: bytes(#"{"x":{"a":1,"b":2,"a":3}}"#)) }
                == "x.a: the name occurs twice in one object (first byte at 18) (line 1, byte 21)")
        #expect(
            message { () throws(JSONError) in _ = try Anything(json: bytes(#"{"a":1,"\u0061":3}"#)) } != nil)
        let many = (0..<100).map { "\"k\($0)\":0" }.joined(separator: ",")
        #expect(message { () throws(JSONError) in _ = try Anything(json: bytes("{\(many)}")) } == nil)
        for repeated in [3, 24, 25, 99] {
            let text = "{\(many),\"k\(repeated)\":0}"
            #expect(
                message { () throws(JSONError) in _ = try Anything(json: bytes(text)) }?
                    .contains("k\(repeated): the name occurs twice") == true)
        }
        #expect(
            message { () throws(JSONError) in _ = try Anything(json: bytes(#"[{"a":1},{"a":1,"b":{"a":2}}]"#))
            } == nil)
    }

    @Test func `a word outside of its set is refused with the known ones`() {
        #expect(
            message { () throws(JSONError) in _ = try [Colour](json: bytes(#"["red","blue"]"#)) }
                == "[1]: unknown colour \"blue\" (known: red, green) (line 1, byte 7)")
    }

    @Test func `kinds are named when another was expected`() {
        #expect(
            message { () throws(JSONError) in _ = try Sample(json: bytes(#"{"name":["x"]}"#)) }
                == "name: expected a string, found an array (line 1, byte 8)")
        #expect(
            message { () throws(JSONError) in _ = try Sample(json: bytes("[]")) }
                == "document: expected an object, found an array (line 1, byte 0)")
        #expect(
            message { () throws(JSONError) in _ = try [String](json: bytes("[null]")) }
                == "[0]: expected a string, found null (line 1, byte 1)")
        #expect(
            message { () throws(JSONError) in _ = try Bool(json: bytes("0")) }
                == "document: expected a boolean, found a number (line 1, byte 0)")
    }

    @Test func `an empty text or word counts as absent where the caller says so`() throws {
        var reader = try JSONReader(bytes(#"["", "x", "", "green"]"#))
        var texts: [String?] = []
        var colours: [Colour?] = []
        try reader.array { (reader) throws(JSONError) in
            if texts.count < 2 { texts.append(try reader.text()) } else { colours.append(try reader.word()) }
        }
        #expect(texts == [nil, "x"])
        #expect(colours == [nil, .green])
    }
}
