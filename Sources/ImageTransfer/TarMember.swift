internal import ArchiveBinding
internal import LinuxSystem

/// One member of a tar archive that is written, and its header in exactly one form.
///
/// The form is POSIX ustar; what does not fit there stands in a PAX header before it, and nothing else does. So equal
/// files give equal bytes, now and with later versions: digests of layers depend on each of them.
/// - SeeAlso: pax(1) §pax Interchange Format, §ustar Interchange Format
struct TarMember {
    /// The name as it stands in the archive, without a slash before it and without one behind.
    var path: [UInt8]
    var kind: ArchiveEntry.Kind
    /// Target of a symbolic link, or the name of the member that this is another name of.
    var linkTarget: [UInt8] = []
    /// Bytes of data; only regular files have any.
    var size: Int64 = 0
    /// 07777 at the most.
    var mode: UInt32 = 0o644
    var userID: UInt32 = 0
    var groupID: UInt32 = 0
    var modified = FileTime(seconds: 0)
    var extendedAttributes: [(name: [UInt8], value: [UInt8])] = []

    init(path: [UInt8], kind: ArchiveEntry.Kind) {
        self.path = path
        self.kind = kind
    }

    /// The blocks before the data.
    func header() -> [UInt8] {
        let name = kind == .directory ? path + [0x2F] : path
        let (prefix, short) = Self.split(name)
        var records = records(hasLongName: short == nil, name)
        var bytes: [UInt8] = []
        if !records.isEmpty {
            let all = records.flatMap { $0 }
            let last = name.split(separator: 0x2F).last.map { Array($0) } ?? []
            var fields = Fields(type: "x", size: Int64(all.count), mode: 0o644)
            fields.name = Array("PaxHeaders.0/".utf8) + last.prefix(80)
            bytes = fields.block() + all + padding(after: Int64(all.count))
            records = []
        }
        var fields = Fields(type: typeFlag, size: size, mode: mode)
        fields.name = short ?? Array(name.prefix(100))
        fields.prefix = prefix
        fields.userID = userID <= Self.idLimit ? Int64(userID) : 0
        fields.groupID = groupID <= Self.idLimit ? Int64(groupID) : 0
        fields.size = size <= Self.sizeLimit ? size : 0
        fields.modified = (0...Self.sizeLimit).contains(modified.seconds) ? modified.seconds : 0
        fields.linkTarget = Array(linkTarget.prefix(100))
        switch kind {
        case .characterDevice(let major, let minor), .blockDevice(let major, let minor):
            fields.device = (major, minor)
        default: break
        }
        return bytes + fields.block()
    }

    /// The largest number of seven octal digits, and of eleven.
    private static let (idLimit, sizeLimit): (UInt32, Int64) = (0o777_7777, 0o777_7777_7777)

    private var typeFlag: Character {
        switch kind {
        case .regular, .unknown: "0"
        case .hardlink: "1"
        case .symlink: "2"
        case .characterDevice: "3"
        case .blockDevice: "4"
        case .directory: "5"
        case .fifo: "6"
        }
    }

    // MARK: PAX

    /// What the fields cannot hold, in the order of POSIX' list, extended attributes last.
    private func records(hasLongName: Bool, _ name: [UInt8]) -> [[UInt8]] {
        var records: [[UInt8]] = []
        func add(_ key: String, _ value: [UInt8]) { records.append(Self.record(Array(key.utf8), value)) }
        let isText = [path, linkTarget].allSatisfy { String(validating: $0, as: UTF8.self) != nil }
        // PAX values are UTF-8; a name that is not says so.
        if !isText, hasLongName || linkTarget.count > 100 { add("hdrcharset", Array("BINARY".utf8)) }
        if groupID > Self.idLimit { add("gid", Array("\(groupID)".utf8)) }
        if linkTarget.count > 100 { add("linkpath", linkTarget) }
        if modified.nanoseconds != 0 || !(0...Self.sizeLimit).contains(modified.seconds) {
            add("mtime", Array(Self.text(of: modified).utf8))
        }
        if hasLongName { add("path", name) }
        if size > Self.sizeLimit { add("size", Array("\(size)".utf8)) }
        if userID > Self.idLimit { add("uid", Array("\(userID)".utf8)) }
        for (name, value) in extendedAttributes {
            records.append(Self.record(Array("SCHILY.xattr.".utf8) + name, value))
        }
        return records
    }

    /// `LENGTH KEY=VALUE\n`, where the length counts itself.
    static func record(_ key: [UInt8], _ value: [UInt8]) -> [UInt8] {
        let rest = key.count + value.count + 3
        var length = rest + 1
        while length != rest + String(length).utf8.count { length = rest + String(length).utf8.count }
        return Array("\(length) ".utf8) + key + [0x3D] + value + [0x0A]
    }

    /// Seconds with as many digits behind the point as are needed. Readers disagree about what a fraction of a negative time
    /// means, so times before 1970 are written in whole seconds.
    static func text(of time: FileTime) -> String {
        if time.nanoseconds == 0 || time.seconds < 0 { return "\(time.seconds)" }
        var digits = String(1_000_000_000 + time.nanoseconds).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(time.seconds).\(digits)"
    }

    /// A name as the two fields of ustar have it: 100 bytes, or up to 155 before a slash; nil if it does not fit.
    private static func split(_ name: [UInt8]) -> (prefix: [UInt8], name: [UInt8]?) {
        if name.count <= 100 { return ([], name) }
        // The slash of a directory's own name is no place to part it.
        for index in name.indices.dropLast().reversed() where name[index] == 0x2F {
            let rest = name.count - index - 1
            if index <= 155, index > 0, rest <= 100 {
                return (Array(name[..<index]), Array(name[(index + 1)...]))
            }
            if rest > 100 { break }
        }
        return ([], nil)
    }
}

/// The fields of one ustar block.
private struct Fields {
    var name: [UInt8] = []
    var prefix: [UInt8] = []
    var linkTarget: [UInt8] = []
    var mode: UInt32
    var userID: Int64 = 0
    var groupID: Int64 = 0
    var size: Int64
    var modified: Int64 = 0
    var device: (major: UInt32, minor: UInt32) = (0, 0)
    let type: Character

    init(type: Character, size: Int64, mode: UInt32) {
        self.type = type
        self.size = size
        self.mode = mode
    }

    func block() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 512)
        func put(_ value: [UInt8], at offset: Int) {
            bytes.replaceSubrange(offset..<offset + value.count, with: value)
        }
        func octal(_ value: Int64, digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8)
        }
        put(name, at: 0)
        put(octal(Int64(mode), digits: 7), at: 100)
        put(octal(userID, digits: 7), at: 108)
        put(octal(groupID, digits: 7), at: 116)
        put(octal(size, digits: 11), at: 124)
        put(octal(modified, digits: 11), at: 136)
        put(Array(repeating: 0x20, count: 8), at: 148)
        put(Array(String(type).utf8), at: 156)
        put(linkTarget, at: 157)
        put(Array("ustar\u{0}00".utf8), at: 257)
        put(octal(Int64(device.major), digits: 7), at: 329)
        put(octal(Int64(device.minor), digits: 7), at: 337)
        put(prefix, at: 345)
        let sum = bytes.reduce(Int64(0)) { $0 + Int64($1) }
        put(octal(sum, digits: 6) + [0, 0x20], at: 148)
        return bytes
    }
}

/// Zeros up to the next block of 512 bytes.
func padding(after size: Int64) -> [UInt8] { [UInt8](repeating: 0, count: Int((512 - size % 512) % 512)) }
