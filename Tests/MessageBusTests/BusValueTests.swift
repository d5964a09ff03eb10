import Testing

@testable import MessageBus

@Suite struct BusValueTests {
    private static let values: [BusValue] = [
        .byte(7), .boolean(true), .int16(-2), .uint16(65535), .int32(-70000), .uint32(1 << 31), .int64(.min),
        .uint64(.max), .double(0.25), .string("häuser"), .objectPath("/org/x"), .signature("a(sv)"),
        .array(of: "t", []), .array(of: "(sv)", [.structure([.string("a"), .variant(.uint64(1))])]),
        .structure([.byte(1), .structure([.int64(5)])]),
        .array(of: "{sv}", [.entry(.string("k"), .variant(.bytes([1, 2, 3])))]),
        .variant(.variant(.string("x"))),
    ]

    @Test func `every type comes back as it went out, at any alignment`() throws {
        for lead in 0..<9 {
            for value in Self.values {
                let body = [BusValue](repeating: .byte(0xAA), count: lead) + [value, .uint16(0xBEEF)]
                var encoder = BusEncoder()
                for part in body { encoder.encode(part) }
                var decoder = BusDecoder(encoder.bytes, isLittleEndian: true)
                #expect(try decoder.decode(all: body.map(\.signature).joined()) == body)
                #expect(decoder.position == encoder.bytes.count)
            }
        }
    }

    @Test func `the bytes are those of the specification`() {
        var encoder = BusEncoder()
        encoder.encode(.string("foo"))
        encoder.encode(.string("+"))
        encoder.encode(.string("bar"))
        // The example of the specification's section on marshalling, there in big-endian order.
        #expect(
            encoder.bytes == [
                3, 0, 0, 0, 0x66, 0x6f, 0x6f, 0, 1, 0, 0, 0, 0x2b, 0, 0, 0, 3, 0, 0, 0, 0x62, 0x61, 0x72, 0,
            ])
        var array = BusEncoder()
        array.encode(.array(of: "x", [.int64(5)]))
        #expect(array.bytes == [8, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func `big-endian messages are read, too`() throws {
        var decoder = BusDecoder([0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5], isLittleEndian: false)
        #expect(try decoder.decode(all: "at") == [.array(of: "t", [.uint64(5)])])
    }

    @Test(arguments: ["a", "(", "()", "a{s", "{sv", "z", "(s", "aaaa"])
    func `malformed signatures are refused`(text: String) {
        #expect(BusSignature.types(of: text) == nil)
    }

    @Test func `a signature deeper than the limit is refused`() {
        #expect(BusSignature.types(of: String(repeating: "a", count: 500) + "s") == nil)
        #expect(BusSignature.types(of: "aas(sa{sv})v")?.count == 3)
    }

    @Test func `no shortened or changed message makes the reader trap`() throws {
        var message = BusMessage(
            call: "StartTransientUnit", of: "org.freedesktop.systemd1.Manager",
            at: "/org/freedesktop/systemd1",
            on: "org.freedesktop.systemd1",
            [
                .string("x.scope"),
                .array(of: "(sv)", [.structure([.string("PIDs"), .variant(.array(of: "u", [.uint32(5)]))])]),
            ])
        message.serial = 9
        let bytes = message.encoded()
        #expect(try BusMessage.length(of: bytes) == bytes.count)
        var back = try BusMessage(decoding: bytes)
        back.destination = message.destination
        #expect(back == message)
        for count in 0..<bytes.count { _ = try? BusMessage(decoding: Array(bytes[..<count])) }
        for index in bytes.indices {
            for value: UInt8 in [0, 1, 0x7F, 0xFF] {
                var changed = bytes
                changed[index] = value
                _ = try? BusMessage(decoding: changed)
            }
        }
    }

    @Test func `addresses`() throws {
        #expect(try BusAddress(parsing: "unix:path=/run/user/1000/bus").socket == "/run/user/1000/bus")
        #expect(try BusAddress(parsing: "tcp:host=a;unix:guid=1,path=/a%2db").socket == "/a-b")
        for text in ["", "unix:abstract=/x", "tcp:host=x", "unix:path=", "unix:path=/%zz"] {
            #expect(throws: BusError.self) { try BusAddress(parsing: text) }
        }
    }
}
