/// Parsers for the few shapes that cgroup files have (cgroup-v2.rst, "Format"). They take bytes, never fail, and give
/// nil or nothing for what they do not know, so that keys of later kernels do no harm.
package enum KernelText {
    /// A file with one number, or `max`: a limit or a counter. v1 files say no limit by the largest page count.
    package enum Single: Sendable, Equatable {
        case number(UInt64)
        case unlimited
    }

    /// v1 says "no limit" by the largest multiple of a page in a signed 64-bit number; larger pages give smaller ones.
    private static let legacyUnlimited: UInt64 = 0x7FFF_FFFF_FFFF_0000

    /// Reads `123`, `max`, or v1's words for no limit (`-1`, 9223372036854771712).
    package static func single(_ bytes: [UInt8]) -> Single? {
        let text = trimmed(bytes[...])
        if text.elementsEqual("max".utf8) || text.elementsEqual("-1".utf8) { return .unlimited }
        guard let number = number(text) else { return nil }
        return number >= legacyUnlimited ? .unlimited : .number(number)
    }

    /// Calls `body` with key and value of each line `KEY VALUE`, such as memory.stat has.
    package static func flatKeyed(_ bytes: [UInt8], _ body: (_ key: String, _ value: UInt64) -> Void) {
        for line in lines(bytes) {
            let words = words(line)
            guard words.count == 2, let value = number(words[1]) else { continue }
            body(text(words[0]), value)
        }
    }

    /// The value of one key of a flat keyed file.
    package static func value(of key: String, in bytes: [UInt8]) -> UInt64? {
        for line in lines(bytes) where line.starts(with: key.utf8) {
            let words = words(line)
            guard words.count == 2, words[0].elementsEqual(key.utf8) else { continue }
            return number(words[1])
        }
        return nil
    }

    /// The total stall time in microseconds of the lines `some` and `full` of a pressure file, and their averages.
    package static func pressure(_ bytes: [UInt8]) -> (some: PressureLine?, full: PressureLine?) {
        var some: PressureLine?
        var full: PressureLine?
        for line in lines(bytes) {
            let words = words(line)
            guard let first = words.first, let parsed = pressureLine(words.dropFirst()) else { continue }
            if first.elementsEqual("some".utf8) { some = parsed }
            if first.elementsEqual("full".utf8) { full = parsed }
        }
        return (some, full)
    }

    private static func pressureLine(_ words: ArraySlice<ArraySlice<UInt8>>) -> PressureLine? {
        var line = PressureLine(average10: 0, average60: 0, average300: 0, total: 0)
        var hasTotal = false
        for word in words {
            guard let equals = word.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let key = text(word[..<equals])
            let value = word[(equals + 1)...]
            switch key {
            case "avg10": line.average10 = hundredths(value)
            case "avg60": line.average60 = hundredths(value)
            case "avg300": line.average300 = hundredths(value)
            case "total":
                guard let total = number(value) else { return nil }
                line.total = total
                hasTotal = true
            default: continue
            }
        }
        return hasTotal ? line : nil
    }

    /// `1.05` is 105.
    private static func hundredths(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        let parts = bytes.split(separator: UInt8(ascii: "."))
        let whole = parts.first.flatMap(number) ?? 0
        let fraction = parts.count > 1 ? number(parts[1].prefix(2)) ?? 0 : 0
        return whole * 100 + fraction
    }

    /// The lines of v2's io.stat: `254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`.
    package static func ioStat(_ bytes: [UInt8]) -> [BlockDeviceUsage] {
        lines(bytes).compactMap { line in
            let words = words(line)
            guard words.count > 1, var usage = words.first.flatMap(device) else { return nil }
            for word in words.dropFirst() {
                guard let equals = word.firstIndex(of: UInt8(ascii: "=")),
                    let value = number(word[(equals + 1)...])
                else { continue }
                switch text(word[..<equals]) {
                case "rbytes": usage.readBytes = value
                case "wbytes": usage.writeBytes = value
                case "rios": usage.readOperations = value
                case "wios": usage.writeOperations = value
                default: continue
                }
            }
            return usage
        }
    }

    /// Calls `body` for the lines `254:0 Read 17` of v1's blkio files.
    package static func blkio(
        _ bytes: [UInt8], _ body: (_ device: BlockDeviceUsage, _ operation: String, _ value: UInt64) -> Void
    ) {
        for line in lines(bytes) {
            let words = words(line)
            guard words.count == 3, let device = device(words[0]), let value = number(words[2]) else {
                continue
            }
            body(device, text(words[1]), value)
        }
    }

    /// The process ids of cgroup.procs. 0 stands for processes of other pid namespaces and is left out.
    package static func processIDs(_ bytes: [UInt8]) -> [Int32] {
        lines(bytes).compactMap { line in
            guard let id = number(line), id > 0, id <= UInt64(Int32.max) else { return nil }
            return Int32(id)
        }
    }

    /// The words of a file such as cgroup.controllers.
    package static func names(_ bytes: [UInt8]) -> [String] {
        words(bytes[...].filter { $0 != 0x0A }[...]).map(text)
    }

    /// A decimal number without sign, or nil if it is not one or too large.
    package static func number(_ bytes: ArraySlice<UInt8>) -> UInt64? {
        if bytes.isEmpty { return nil }
        var result: UInt64 = 0
        for byte in bytes {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (product, overflow) = result.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            if overflow || carry { return nil }
            result = sum
        }
        return result
    }

    private static func device(_ bytes: ArraySlice<UInt8>) -> BlockDeviceUsage? {
        let parts = bytes.split(separator: UInt8(ascii: ":"))
        guard parts.count == 2, let major = number(parts[0]), let minor = number(parts[1]) else { return nil }
        return BlockDeviceUsage(major: major, minor: minor)
    }

    private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] { bytes.split(separator: 0x0A) }

    private static func words(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        line.split(separator: 0x20)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let last = bytes.last, last == 0x0A || last == 0x20 { bytes.removeLast() }
        return bytes
    }
}

/// One line of a pressure file: how long tasks were stalled (psi.rst).
package struct PressureLine: Sendable, Equatable {
    /// Share of the last 10, 60 and 300 seconds in hundredths of a percent.
    package var average10: UInt64
    /// See `average10`.
    package var average60: UInt64
    /// See `average10`.
    package var average300: UInt64
    /// All stall time in microseconds.
    package var total: UInt64

    /// A line of these values.
    package init(average10: UInt64, average60: UInt64, average300: UInt64, total: UInt64) {
        self.average10 = average10
        self.average60 = average60
        self.average300 = average300
        self.total = total
    }
}

/// What was read from and written to one block device; nil is unknown.
package struct BlockDeviceUsage: Sendable, Equatable {
    /// The device's number.
    package let major: UInt64
    /// The device's number.
    package let minor: UInt64
    /// Its name, such as `vda`; nil if it was not looked up, or the device is gone.
    package var name: String?
    /// Bytes read.
    package var readBytes: UInt64?
    /// Bytes written.
    package var writeBytes: UInt64?
    /// Requests that read.
    package var readOperations: UInt64?
    /// Requests that wrote.
    package var writeOperations: UInt64?

    /// A device of which nothing is known yet.
    package init(major: UInt64, minor: UInt64) {
        self.major = major
        self.minor = minor
    }
}
