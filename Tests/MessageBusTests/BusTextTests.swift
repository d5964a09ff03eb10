import Testing

@testable import MessageBus

/// CG-4: values of annotations, in the text format of GVariant.
@Suite struct BusTextTests {
    private static let good: [(String, BusValue)] = [
        ("true", .boolean(true)), (" false ", .boolean(false)), ("1", .int32(1)), ("-5", .int32(-5)),
        ("0x10", .int32(16)),
        ("010", .int32(8)), ("uint64 123456789", .uint64(123_456_789)),
        ("uint64 18446744073709551615", .uint64(.max)),
        ("byte 0xff", .byte(255)), ("int64 -7", .int64(-7)), ("1.5", .double(1.5)), ("double 2", .double(2)),
        ("2e3", .double(2000)),
        ("'inactive-or-failed'", .string("inactive-or-failed")), ("\"it's\"", .string("it's")),
        (#"'a\'b\n'"#, .string("a'b\n")),
        ("objectpath '/a/b'", .objectPath("/a/b")), ("@o '/a'", .objectPath("/a")),
        ("signature 'as'", .signature("as")),
        ("['a.service', 'b.service']", .strings(["a.service", "b.service"])), ("@as []", .strings([])),
        ("@at [1, 2]", .array(of: "t", [.uint64(1), .uint64(2)])),
        ("[uint64 1, 2]", .array(of: "t", [.uint64(1), .uint64(2)])),
        ("('a', 1)", .structure([.string("a"), .int32(1)])), ("(1,)", .structure([.int32(1)])),
        ("@a(st) [('/dev/null', 5)]", .array(of: "(st)", [.structure([.string("/dev/null"), .uint64(5)])])),
        ("<uint32 4>", .variant(.uint32(4))),
        ("{'k': <1>}", .array(of: "{sv}", [.entry(.string("k"), .variant(.int32(1)))])),
        ("@a{ss} {}", .array(of: "{ss}", [])),
    ]

    @Test func `what systemd's properties need is understood`() throws {
        for (text, value) in Self.good { #expect(try BusText.value(text) == value, "\(text)") }
    }

    @Test(arguments: [
        "", " ", "inactive-or-failed", "'a", "1 2", "[]", "['a', 1]", "byte 256", "uint64 -1", "@q 'x'",
        "@z 1", "[1", "(1", "()", "{'a' 1}", "{}", "<1", "int32",
        "99999999999", "'\0'", "1.2.3", "--1", "@(st) ('a')",
        String(repeating: "[", count: 200),
    ]) func `anything else is refused with the place`(text: String) {
        #expect(throws: BusTextError.self) { try BusText.value(text) }
    }

    @Test func `the place is told`() {
        #expect { try BusText.value("['a', 5]") } throws: {
            "\($0)" == "expected a number of type s at byte 6"
        }
    }
}
