package import JSONCoding

/// A configuration that is well formed but not acceptable: which field, what is wrong, and the value.
package struct SpecError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What kind of refusal it is.
    package enum Kind: Sendable {
        /// The value itself is wrong.
        case invalid
        /// The value is right; skiff or this host does not do it.
        case unsupported
        /// The value is right; this host has no controller for it.
        case controllerMissing
    }

    /// The field by its path in the document: `linux.namespaces[3].type`.
    package let field: String
    /// What is wrong, in lower case: `must be absolute`.
    package let reason: String
    /// The value, nil where it says nothing (an absent field, an empty list).
    package let value: String?
    /// What kind of refusal it is.
    package let kind: Kind

    /// An error about one field.
    package init(field: String, reason: String, value: String? = nil, kind: Kind = .invalid) {
        self.kind = kind
        self.field = field
        self.reason = reason
        self.value = value
    }

    /// An error about a value that cannot be read, with its place in the document.
    package init(_ error: JSONError) {
        self.init(
            field: error.path.isEmpty ? "document" : error.path,
            reason: "\(error.reason) (line \(error.line), byte \(error.offset))")
    }

    /// One line: `mounts[2].destination "a/../b": must not contain ..`. Control characters in the value are
    /// escaped and a long value is cut, so that an error message stays one readable line.
    package var description: String {
        guard let value else { return "\(field): \(reason)" }
        return "\(Self.printable(field)) \"\(Self.printable(value))\": \(reason)"
    }

    private static func printable(_ text: String) -> String {
        let limit = 200
        var result = ""
        for scalar in text.unicodeScalars.prefix(limit) {
            result +=
                scalar.value < 0x20 || scalar.value == 0x7F ? scalar.escaped(asASCII: true) : String(scalar)
        }
        return text.unicodeScalars.count > limit ? result + "…" : result
    }
}
