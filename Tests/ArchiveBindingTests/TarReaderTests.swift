import ArchiveBinding
import LinuxSystem
import Testing

/// A memory file of these bytes.
private func file(_ bytes: [UInt8]) throws -> OwnedFD {
    let file = try memoryFile(named: "tar", executable: false, sealable: false)
    try file.borrowed.writeAll(bytes)
    return file
}

private func entries(_ bytes: [UInt8]) throws -> [ArchiveEntry] {
    let source = try file(bytes)
    let reader = try TarReader(
        ByteStream(.range(source.borrowed, offset: 0, length: Int64(bytes.count))))
    var found: [ArchiveEntry] = []
    while let entry = try reader.next() { found.append(entry) }
    return found
}

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite struct TarReaderTests {
    @Test func `IMG-10: every kind of member is told`() throws {
        var tar = TarBuilder()
        tar.add("dir/", type: "5", mode: 0o1777)
        tar.add("dir/file", data: Array("hello".utf8), mode: 0o4755, mtime: 86400)
        tar.add("link", type: "2", link: "dir/file")
        tar.add("hard", type: "1", link: "dir/file")
        tar.add("pipe", type: "6")
        tar.add("null", type: "3")
        let found = try entries(tar.finished())
        #expect(
            found.map(\.kind) == [
                .directory, .regular, .symlink, .hardlink, .fifo, .characterDevice(major: 0, minor: 0),
            ])
        #expect(found[0].permissions == 0o1777)
        #expect(found[1].permissions == 0o4755)
        #expect(found[1].size == 5)
        #expect(found[1].modified == ArchiveEntry.Time(seconds: 86400, nanoseconds: 0))
        #expect(text(found[2].linkTarget) == "dir/file")
        #expect(text(found[3].linkTarget) == "dir/file")
    }

    @Test(arguments: ["é", "e\u{301}", "\u{65E5}\u{672C}", "a\u{1}b"])
    func `IMG-13: names keep their bytes, whatever the locale and the normal form`(_ name: String) throws {
        var tar = TarBuilder()
        tar.add("x", records: [("path", Array(name.utf8))])
        tar.add("x", type: "2", link: "y", records: [("linkpath", Array(name.utf8))])
        tar.add("x", type: "1", link: "y", records: [("linkpath", Array(name.utf8))])
        let found = try entries(tar.finished())
        #expect(found[0].path == Array(name.utf8))
        #expect(found[1].linkTarget == Array(name.utf8))
        #expect(found[2].linkTarget == Array(name.utf8))
    }

    @Test func `IMG-13: names that are not UTF-8 keep their bytes`() throws {
        var tar = TarBuilder()
        tar.add("x", records: [("path", [0x61, 0xFF, 0xFE])])
        #expect(try entries(tar.finished())[0].path == [0x61, 0xFF, 0xFE])
    }

    @Test func `IMG-9, 12: PAX records give nanoseconds and binary attributes`() throws {
        var tar = TarBuilder()
        let value: [UInt8] = [1, 0, 0x0A, 0xFF, 0x3D, 0]
        tar.add(
            "f",
            records: [
                ("mtime", Array("1.25".utf8)), ("SCHILY.xattr.security.capability", value),
                ("uid", Array("4294967294".utf8)),
            ])
        let entry = try #require(try entries(tar.finished()).first)
        #expect(entry.extendedAttributes.map { text($0.name) } == ["security.capability"])
        #expect(entry.extendedAttributes.map(\.value) == [value])
        #expect(entry.userID == 4_294_967_294)
        let exact = Double(entry.modified.seconds) + Double(entry.modified.nanoseconds) / 1e9
        #expect(exact == 1.25)
    }

    @Test func `IMG-9: times before 1970 are negative`() throws {
        var tar = TarBuilder()
        tar.add("f", records: [("mtime", Array("-86400".utf8))])
        #expect(try entries(tar.finished())[0].modified == ArchiveEntry.Time(seconds: -86400, nanoseconds: 0))
    }

    @Test func `IMG-13: the size in a PAX record wins, so a tar inside a file stays data`() throws {
        var inner = TarBuilder()
        inner.add("smuggled")
        var tar = TarBuilder()
        let data = inner.finished()
        tar.add("carrier", data: data, size: 0, records: [("size", Array(String(data.count).utf8))])
        tar.add("last")
        #expect(try entries(tar.finished()).map { text($0.path) } == ["carrier", "last"])
    }

    @Test func `an empty stream has no members, garbage is an error`() throws {
        #expect(try entries([]).isEmpty)
        #expect(try entries([UInt8](repeating: 0, count: 1024)).isEmpty)
        #expect(throws: ArchiveError.self) { try entries(Array(repeating: 0x41, count: 2048)) }
    }

    @Test func `data that ends too early is an error`() throws {
        var tar = TarBuilder()
        tar.add("f", data: [1, 2, 3], size: 5000)
        let bytes = Array(tar.bytes)
        let source = try file(bytes)
        let reader = try TarReader(
            ByteStream(.range(source.borrowed, offset: 0, length: Int64(bytes.count))))
        _ = try reader.next()
        let target = try file([])
        #expect(throws: ArchiveError.self) { try reader.copyData(to: target.borrowed) }
    }

    @Test func `a stream gives no more than its limit`() throws {
        let source = try file([UInt8](repeating: 0, count: 4096))
        let stream = ByteStream(.range(source.borrowed, offset: 0, length: 4096), limit: 4095)
        #expect(throws: ArchiveError.tooLarge(limit: 4095)) { try stream.drain() }
    }
}
