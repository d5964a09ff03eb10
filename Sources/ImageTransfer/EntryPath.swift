internal import LinuxSystem

/// The cleaned path of a member of a layer: names below the layer's root, none of them empty, `.` or `..`.
struct EntryPath: Hashable {
    /// The names; none for the root itself.
    var names: [Path]

    init(names: [Path]) { self.names = names }

    /// Cleans what an archive has for a name. Leading slashes are dropped, as tar does; `..` is refused
    /// anywhere.
    /// - Throws: the reason, in words.
    init(_ bytes: [UInt8], _ limits: UnpackLimits) throws(EntryRefusal) {
        if bytes.count > limits.pathBytes { throw EntryRefusal("its path has \(bytes.count) bytes") }
        names = Path(bytes: bytes).components
        if names.count > limits.depth { throw EntryRefusal("it lies \(names.count) directories deep") }
        for name in names {
            if name == ".." { throw EntryRefusal("its path contains ..") }
            if name.bytes.count > 255 {
                throw EntryRefusal("a name in its path has \(name.bytes.count) bytes")
            }
        }
    }

    /// Whether it is the root of the layer.
    var isRoot: Bool { names.isEmpty }
    /// The directory that holds it; the root for the root.
    var parent: EntryPath { EntryPath(names: Array(names.dropLast())) }
    /// With one more name.
    func appending(_ name: Path) -> EntryPath { EntryPath(names: names + [name]) }
    /// As a relative path; `.` for the root.
    var path: Path { names.isEmpty ? "." : Path.joining(names, absolute: false) }

    /// Whether it is this path or lies below it.
    func isWithin(_ other: EntryPath) -> Bool { names.starts(with: other.names) }

    /// In an order in which a directory comes directly before what it holds.
    static func isBefore(_ left: EntryPath, _ right: EntryPath) -> Bool {
        left.names.lexicographicallyPrecedes(right.names) { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    }
}

/// Why a member of a layer is not taken, as a clause about "it".
struct EntryRefusal: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// A name from an archive for people to read: without control characters, and not too long.
func printable(_ bytes: [UInt8], atMost limit: Int = 200) -> String {
    var text = ""
    for scalar in String(decoding: bytes.prefix(limit), as: UTF8.self).unicodeScalars {
        if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
            text += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        } else {
            text.unicodeScalars.append(scalar)
        }
    }
    return bytes.count > limit ? text + "…" : text
}

/// What a member's last name says about the layers below.
/// - SeeAlso: image-spec layer.md §Whiteouts
enum Marker: Equatable {
    /// It is an ordinary member.
    case none
    /// The name must vanish from the layers below.
    case whiteout(Path)
    /// Everything in its directory must vanish from the layers below.
    case opaque
    /// A name that AUFS kept for itself; it is no part of the image.
    case reserved

    private static let prefix = Array(".wh.".utf8)
    private static let reservedPrefix = Array(".wh..wh.".utf8)

    init(_ path: EntryPath) throws(EntryRefusal) {
        guard let last = path.names.last else {
            self = .none
            return
        }
        for name in path.names.dropLast() where name.bytes.starts(with: Self.prefix) {
            guard name.bytes.starts(with: Self.reservedPrefix) else {
                throw EntryRefusal("it lies in a whiteout")
            }
            self = .reserved
            return
        }
        if last == ".wh..wh..opq" {
            self = .opaque
        } else if last.bytes.starts(with: Self.reservedPrefix) {
            self = .reserved
        } else if last.bytes.starts(with: Self.prefix) {
            let name = Path(bytes: Array(last.bytes.dropFirst(Self.prefix.count)))
            if name.isEmpty || name == "." || name == ".." { throw EntryRefusal("a whiteout of no name") }
            self = .whiteout(name)
        } else {
            self = .none
        }
    }
}
