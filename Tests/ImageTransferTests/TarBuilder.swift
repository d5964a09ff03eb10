/// Writes tar archives byte by byte, honest and hostile ones.
struct TarBuilder {
    private(set) var bytes: [UInt8] = []

    /// One member in ustar form; `records` go before it as a PAX header.
    mutating func add(
        _ name: String, type: Character = "0", data: [UInt8] = [], link: String = "", mode: Int = 0o644,
        size: Int? = nil, mtime: Int = 0, records: [(String, [UInt8])] = []
    ) {
        if !records.isEmpty {
            var body: [UInt8] = []
            for (key, value) in records { body += Self.record(key, value) }
            header("pax", type: "x", size: body.count, link: "", mode: 0o644, mtime: 0)
            append(body)
        }
        header(name, type: type, size: size ?? data.count, link: link, mode: mode, mtime: mtime)
        append(data)
    }

    mutating func append(_ data: [UInt8]) {
        bytes += data
        bytes += [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
    }

    func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// `LENGTH KEY=VALUE\n`, where the length counts itself.
    private static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = [UInt8](" \(key)=".utf8) + value + [0x0A]
        var length = rest.count
        while String(length).utf8.count + rest.count != length { length += 1 }
        return Array(String(length).utf8) + rest
    }

    private mutating func header(
        _ name: String, type: Character, size: Int, link: String, mode: Int, mtime: Int
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in text.enumerated() { block[offset + index] = byte }
        }
        func octal(_ value: Int, _ digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8)
        }
        put(name.utf8.prefix(100), at: 0)
        put(octal(mode, 7), at: 100)
        put(octal(0, 7), at: 108)
        put(octal(0, 7), at: 116)
        put(octal(size, 11), at: 124)
        put(octal(mtime, 11), at: 136)
        put([UInt8](repeating: 0x20, count: 8), at: 148)
        put(String(type).utf8, at: 156)
        put(link.utf8.prefix(100), at: 157)
        put("ustar".utf8, at: 257)
        put("00".utf8, at: 263)
        put(octal(block.reduce(0) { $0 + Int($1) }, 6) + [0, 0x20], at: 148)
        bytes += block
    }
}
