import DigestBinding
import Testing

private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}

@Suite struct RunningDigestTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func `SHA-256 gives the vectors of FIPS 180-2`(_ text: String, _ expected: String) {
        #expect(hex(RunningDigest.of(Array(text.utf8), by: .sha256)) == expected)
    }

    @Test func `SHA-512 gives the vector of FIPS 180-2`() {
        let expected =
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        #expect(hex(RunningDigest.of(Array("abc".utf8), by: .sha512)) == expected)
    }

    @Test func `pieces give the same digest as the whole`() {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let pieces = RunningDigest(.sha256)
        var start = 0
        for size in [1, 63, 64, 65, 4096, 95_711] {
            pieces.update(Array(bytes[start..<start + size]))
            start += size
        }
        #expect(start == bytes.count)
        #expect(pieces.finish() == RunningDigest.of(bytes, by: .sha256))
        #expect(pieces.count == 100_000)
        #expect(pieces.finish() == pieces.finish())
    }
}
