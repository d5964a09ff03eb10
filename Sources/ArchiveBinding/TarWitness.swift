/// Reads the headers of a tar archive a second time, by itself, while libarchive reads it: where the two would mean
/// different members, or the archive means different things to different readers, it is refused. What it sees are the
/// very bytes that libarchive is given; data is counted, not looked at.
///
/// Refused are: a PAX size that contradicts a ustar size which could have held it, records that come twice with
/// different values, global headers that change members, links and devices with data, types of members that readers
/// treat differently, wrong checksums, and names or sizes that libarchive reads otherwise.
/// - SeeAlso: pax(1) §pax Extended Header, tar(5)
package final class TarWitness {
    private struct Member {
        var type: UInt8
        var path: [UInt8]
        var size: Int64
        var isSparse: Bool
    }

    private enum Expectation {
        /// The 512 bytes of a header.
        case header
        /// The data of a header that describes the next member; its type.
        case description(UInt8, length: Int)
        case end
    }

    /// Bytes of all descriptions of one member.
    private static let descriptionLimit = 4 << 20
    /// What fits into the eleven octal digits of a ustar size.
    private static let ustarLimit: Int64 = 1 << 33

    private var expectation = Expectation.header
    private var collected: [UInt8] = []
    private var wanted = 512
    private var toSkip: Int64 = 0
    private var pending: [Member] = []
    private var failure: ArchiveError?

    private var records: [[UInt8]: [UInt8]] = [:]
    private var longName: [UInt8]?
    private var described = 0

    /// A witness who has seen nothing.
    package init() {}

    /// Takes the next bytes of the archive in.
    package func see(_ bytes: Span<UInt8>) {
        var position = 0
        while position < bytes.count, failure == nil {
            if case .end = expectation { return }
            if toSkip > 0 {
                let skipped = min(toSkip, Int64(bytes.count - position))
                toSkip -= skipped
                position += Int(skipped)
                continue
            }
            let count = min(wanted - collected.count, bytes.count - position)
            for index in position..<(position + count) { collected.append(bytes[index]) }
            position += count
            if collected.count == wanted { take() }
        }
    }

    /// Compares what libarchive says about the next member.
    func check(_ entry: ArchiveEntry) throws(ArchiveError) {
        if let failure { throw failure }
        if pending.isEmpty { throw .refused("libarchive reads a member where there is none") }
        let member = pending.removeFirst()
        if !member.isSparse {
            if member.size != entry.size, entry.kind == .regular {
                throw .refused("its size is \(member.size) or \(entry.size), as one reads it")
            }
            if Self.trimmed(member.path) != Self.trimmed(entry.path) {
                throw .refused("its name can be read in two ways")
            }
        }
    }

    /// Whether all that was seen is consistent; asked at the end.
    func checkEnd() throws(ArchiveError) {
        if let failure { throw failure }
        if !pending.isEmpty { throw .refused("it has members that libarchive does not read") }
    }

    private static func trimmed(_ path: [UInt8]) -> ArraySlice<UInt8> {
        var path = path[...]
        while path.last == UInt8(ascii: "/") { path.removeLast() }
        return path
    }

    // MARK: Headers

    private func take() {
        let block = collected
        collected = []
        do throws(ArchiveError) {
            switch expectation {
            case .header: try takeHeader(block)
            case .description(let type, let length): try takeDescription(type, Array(block.prefix(length)))
            case .end: break
            }
        } catch {
            failure = error
        }
    }

    private func takeHeader(_ block: [UInt8]) throws(ArchiveError) {
        if block.allSatisfy({ $0 == 0 }) {
            expectation = .end
            return
        }
        try Self.checkSum(block)
        let type = block[156]
        guard let size = Self.number(block[124..<136]), size >= 0 else {
            throw .refused("a size that is no number")
        }
        if [UInt8(ascii: "x"), UInt8(ascii: "X"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K")]
            .contains(type)
        {
            described += Int(clamping: size)
            if size > Int64(Self.descriptionLimit) || described > Self.descriptionLimit {
                throw .refused("a member that is described by more than \(Self.descriptionLimit) bytes")
            }
            expectation = .description(type, length: Int(size))
            wanted = (Int(size) + 511) / 512 * 512
            if wanted == 0 { try takeDescription(type, []) }
            return
        }
        try takeMember(type, size, block)
        expectation = .header
        wanted = 512
    }

    private func takeMember(_ type: UInt8, _ ustarSize: Int64, _ block: [UInt8]) throws(ArchiveError) {
        var size = ustarSize
        if let text = records[Array("size".utf8)] {
            guard let value = Int64(String(decoding: text, as: UTF8.self)), value >= 0 else {
                throw .refused("a size that is no number")
            }
            if value != ustarSize, value < Self.ustarLimit {
                throw .refused("its size is \(value) by its PAX record and \(ustarSize) by its header")
            }
            size = value
        }
        let isSparse =
            type == UInt8(ascii: "S") || records.keys.contains { $0.starts(with: Array("GNU.sparse.".utf8)) }
        switch type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): toSkip = (size + 511) / 512 * 512
        case UInt8(ascii: "1")...UInt8(ascii: "6"):
            if size != 0 { throw .refused("a link, directory or device with \(size) bytes of data") }
        case UInt8(ascii: "S"):
            toSkip = (size + 511) / 512 * 512
            if block[482] != 0 { throw .refused("a sparse file of GNU's old form with many holes") }
        default: throw .refused("a member of the type \(type)")
        }
        pending.append(Member(type: type, path: path(block), size: size, isSparse: isSparse))
        records = [:]
        longName = nil
        described = 0
    }

    private func path(_ block: [UInt8]) -> [UInt8] {
        if let path = records[Array("path".utf8)] { return path }
        if let longName { return longName }
        let name = Array(block[0..<100].prefix { $0 != 0 })
        // GNU's own magic has other fields where POSIX has the beginning of a long name.
        guard block[257..<263].elementsEqual(Array("ustar\0".utf8)) else { return name }
        let prefix = Array(block[345..<500].prefix { $0 != 0 })
        if prefix.isEmpty { return name }
        return prefix.last == UInt8(ascii: "/") ? prefix + name : prefix + [UInt8(ascii: "/")] + name
    }

    private static func checkSum(_ block: [UInt8]) throws(ArchiveError) {
        var unsigned = 8 * 32
        var signed = 8 * 32
        for (index, byte) in block.enumerated() where !(148..<156).contains(index) {
            unsigned += Int(byte)
            signed += Int(Int8(bitPattern: byte))
        }
        guard let said = number(block[148..<156]), said == Int64(unsigned) || said == Int64(signed) else {
            throw .refused("a header with a wrong checksum")
        }
    }

    /// A number of a header: octal digits, or base 256 with the first bit set.
    private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
        guard let first = field.first else { return nil }
        if first & 0x80 != 0 {
            var value: Int64 = first & 0x40 != 0 ? -1 : Int64(first & 0x3F)
            for byte in field.dropFirst() {
                let (product, overflows) = value.multipliedReportingOverflow(by: 256)
                if overflows { return nil }
                value = product | Int64(byte)
            }
            return value
        }
        var value: Int64 = 0
        let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) else { return nil }
            value = value * 8 + Int64(byte - UInt8(ascii: "0"))
        }
        return value
    }

    // MARK: Descriptions

    private func takeDescription(_ type: UInt8, _ data: [UInt8]) throws(ArchiveError) {
        switch type {
        case UInt8(ascii: "L"): longName = Array(data.prefix { $0 != 0 })
        case UInt8(ascii: "K"): break
        case UInt8(ascii: "g"):
            for (key, _) in try Self.records(data) where key != Array("comment".utf8) {
                throw .refused(
                    "a global header that changes members (\(String(decoding: key, as: UTF8.self)))")
            }
        default:
            for (key, value) in try Self.records(data) {
                if let old = records[key], old != value {
                    throw .refused("two values of \(String(decoding: key, as: UTF8.self))")
                }
                records[key] = value
            }
        }
        expectation = .header
        wanted = 512
    }

    /// The records of a PAX header: a length in decimal, a space, `key=value`, a line feed.
    private static func records(_ data: [UInt8]) throws(ArchiveError) -> [(key: [UInt8], value: [UInt8])] {
        var found: [(key: [UInt8], value: [UInt8])] = []
        var rest = data[...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: UInt8(ascii: " ")),
                let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
                length > space - rest.startIndex + 1, length <= rest.count,
                rest[rest.startIndex + length - 1] == UInt8(ascii: "\n")
            else { throw .refused("a PAX record without form") }
            let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
            guard let equals = record.firstIndex(of: UInt8(ascii: "=")) else {
                throw .refused("a PAX record without form")
            }
            found.append((Array(record[..<equals]), Array(record[(equals + 1)...])))
            rest = rest[(rest.startIndex + length)...]
        }
        return found
    }
}
