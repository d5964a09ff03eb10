internal import CLinux

/// An extended regular expression of the C library.
/// - SeeAlso: regex(3), regex(7)
package struct RegularExpression: Sendable {
    private let pattern: Path

    /// Nil if the text is no expression.
    package init?(_ text: String) {
        pattern = Path(text)
        // SAFETY: both C strings live for the call.
        if unsafe pattern.withCString({ unsafe cl_match($0, $0) }) < 0 { return nil }
    }

    /// Whether a part of the text matches.
    package func matches(_ text: String) -> Bool {
        let text = Path(text)
        // SAFETY: as above.
        let result = unsafe pattern.withCString { (pattern) in
            unsafe text.withCString { unsafe cl_match(pattern, $0) }
        }
        return result == 1
    }
}
