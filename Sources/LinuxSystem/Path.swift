/// A path as the kernel sees it: bytes without NUL, not necessarily UTF-8.
package struct Path: Sendable, Hashable, ExpressibleByStringInterpolation, CustomStringConvertible {
    /// The bytes, without a terminating NUL.
    package let bytes: [UInt8]

    /// A path of raw bytes; everything from the first NUL on is refused by the calls that use it (EINVAL).
    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// The UTF-8 bytes of a string.
    package init(_ string: String) { bytes = Array(string.utf8) }

    /// The UTF-8 bytes of a literal.
    package init(stringLiteral value: String) { self.init(value) }

    /// An interpolated literal. The protocol's own way is generic and slow where it runs for the first time.
    package init(stringInterpolation: DefaultStringInterpolation) {
        self.init(String(stringInterpolation: stringInterpolation))
    }

    /// As text; bytes that are not UTF-8 are replaced, so only for people to read.
    package var string: String { String(decoding: bytes, as: UTF8.self) }

    /// As text, see `string`.
    package var description: String { string }

    /// Whether it starts with a slash.
    package var isAbsolute: Bool { bytes.first == UInt8(ascii: "/") }

    /// Whether it has no bytes at all.
    package var isEmpty: Bool { bytes.isEmpty }

    /// The names between slashes, without empty ones and without `.`; `..` is kept.
    package var components: [Path] {
        // By hand: the generic algorithms cost more than the work where each runs for the first time.
        var names: [Path] = []
        var start = 0
        for end in 0...bytes.count where end == bytes.count || bytes[end] == UInt8(ascii: "/") {
            let isDot = end - start == 1 && bytes[start] == UInt8(ascii: ".")
            if end > start, !isDot { names.append(Path(bytes: Array(bytes[start..<end]))) }
            start = end + 1
        }
        return names
    }

    /// The last name, or nil for `/` and the empty path.
    package var lastComponent: Path? { components.last }

    /// Everything before the last name: `/a/b` gives `/a`, `a` gives `.`, `/a` gives `/`.
    package var parent: Path {
        let names = components.dropLast()
        if names.isEmpty { return isAbsolute ? "/" : "." }
        return Path.joining(Array(names), absolute: isAbsolute)
    }

    /// Whether a name `..` occurs in it.
    package var hasParentReference: Bool { components.contains("..") }

    /// This path, a slash, and another: only for paths that no container controls.
    package func appending(_ other: Path) -> Path {
        if bytes.isEmpty { return other }
        let tail = other.bytes.drop { $0 == UInt8(ascii: "/") }
        if tail.isEmpty { return self }
        return bytes.last == UInt8(ascii: "/")
            ? Path(bytes: bytes + tail) : Path(bytes: bytes + [UInt8(ascii: "/")] + tail)
    }

    /// Names put together with slashes.
    package static func joining(_ names: [Path], absolute: Bool) -> Path {
        var bytes: [UInt8] = absolute ? [UInt8(ascii: "/")] : []
        for (index, name) in names.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "/")) }
            bytes += name.bytes
        }
        return Path(bytes: bytes)
    }

    /// Calls `body` with the NUL-terminated bytes. A path with a NUL inside is cut there by no one: it becomes a path
    /// that the kernel refuses as too long to exist, so it is handed over as an empty name (ENOENT).
    @inline(__always)
    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        if bytes.contains(0) {
            var empty: CChar = 0
            // SAFETY: one NUL byte that lives for the call.
            return unsafe withUnsafePointer(to: &empty) { pointer in unsafe body(pointer) }
        }
        // SAFETY: the buffer is NUL-terminated and lives until the closure returns; the kernel copies it.
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
            for (index, byte) in bytes.enumerated() { unsafe buffer[index] = CChar(bitPattern: byte) }
            unsafe buffer[bytes.count] = 0
            guard let base = buffer.baseAddress else { preconditionFailure("temporary allocation is empty") }
            return unsafe body(UnsafePointer(base))
        }
    }
}
