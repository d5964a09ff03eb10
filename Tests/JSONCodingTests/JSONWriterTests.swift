import JSONCoding
import Testing

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

private struct Document: JSONWritable {
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("name", "a\"b\\c\n\r\t\u{1}\u{1f}\u{7f}é😀</>")
            writer.field("absent", nil as String?)
            writer.field("present", 7 as UInt64?)
            writer.fieldUnlessEmpty("none", [] as [String])
            writer.fieldUnlessEmpty("some", ["x", "y"])
            writer.fieldIfTrue("no", false)
            writer.fieldIfTrue("yes", true)
            writer.field("list") { writer in
                writer.array { writer in
                    writer.element(Int64.min)
                    writer.element { writer in writer.object { _ in } }
                    writer.element { writer in writer.array { _ in } }
                    writer.element { writer in writer.null() }
                    writer.element { writer in writer.raw(Array(#"{"r":1}"#.utf8)) }
                }
            }
            writer.field("map", ["b": 2, "a": 1.5])
        }
    }
}

struct JSONWriterTests {
    @Test func `compact output has no white space and escapes what must be escaped`() {
        #expect(
            text(Document().json()) == #"{"name":"a\"b\\c\n\r\t\u0001\u001f"# + "\u{7f}é😀</>\""
                + #","present":7,"some":["x","y"],"yes":true,"#
                + #""list":[-9223372036854775808,{},[],null,{"r":1}],"#
                + #""map":{"a":1.5,"b":2}}"#)
    }

    @Test func `pretty output puts one member or element on a line`() {
        #expect(
            text(["a": [1, 2], "b": []].json(.pretty)) == """
                {
                  "a": [
                    1,
                    2
                  ],
                  "b": []
                }
                """)
        #expect(text([true].json(.indented(by: "\t"))) == "[\n\ttrue\n]")
    }

    @Test(arguments: [0.0, 1.0, -2.5, 1e300, Double.leastNonzeroMagnitude, 0.1])
    func `a double reads back equal`(value: Double) throws {
        #expect(try Double(json: value.json()) == value)
    }

    @Test func `what is no number in JSON becomes null`() {
        #expect(text(Double.infinity.json()) == "null")
        #expect(text(Double.nan.json()) == "null")
    }

    @Test func `every character below 0x80 reads back equal, but NUL`() throws {
        let all = String(String.UnicodeScalarView((1..<0x80).compactMap { Unicode.Scalar($0) }))
        #expect(try String(json: all.json()) == all)
    }

    @Test func `a string map keeps its order and compares without it`() throws {
        let map = try StringMap(json: Array(#"{"z":"1","a":"2"}"#.utf8))
        #expect(map.map(\.key) == ["z", "a"])
        #expect(map["a"] == "2")
        #expect(map["b"] == nil)
        #expect(map == ["a": "2", "z": "1"])
        #expect(map != ["a": "2", "z": "3"])
        #expect(text(map.json()) == #"{"z":"1","a":"2"}"#)
        var changed = map
        changed["z"] = nil
        changed["b"] = "x"
        changed["a"] = "y"
        #expect(changed == ["a": "y", "b": "x"])
        #expect(StringMap([(key: "k", value: "1"), (key: "k", value: "2")]) == ["k": "2"])
    }
}
