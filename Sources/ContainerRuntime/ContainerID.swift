package import LinuxSystem

/// The name of a container as the caller chose it: letters, digits and `_`, `+`, `.`, `-`, at most 255 bytes, not
/// starting with a dot. It names a directory, so nothing else is ever accepted.
package struct ContainerID: Sendable, Hashable, CustomStringConvertible {
    /// The text.
    package let description: String

    /// Checks a name.
    package init(_ text: String) throws(StepError) {
        let step: Step = "check the container ID"
        if text.isEmpty { throw StepError(step, refused: "the id is empty", code: .idInvalid) }
        if text.utf8.count > 255 {
            throw StepError(step, refused: "the id is longer than 255 bytes", code: .idInvalid)
        }
        if text.utf8.first == UInt8(ascii: ".") {
            throw StepError(
                step, refused: "'\(text)' is invalid: it starts with a dot", code: .idInvalid, operand: text)
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "+", ".", "-": continue
            default:
                let hint = "allowed are letters, digits and _ + . -"
                throw StepError(
                    step, refused: "'\(Self.printable(text))' has an invalid character", hint: hint,
                    code: .idInvalid, operand: Self.printable(text))
            }
        }
        description = text
    }

    /// The id named by a directory entry of the state root, or nil if the entry is something else.
    package init?(entry: Path) {
        do {
            try self.init(entry.string)
        } catch {
            return nil
        }
    }

    private static func printable(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { $0 += $1.value < 32 || $1.value == 127 ? "?" : String($1) }
    }

    /// Name of the session keyring of the container's processes.
    /// - SeeAlso: session-keyring(7)
    var keyring: String { "_ses.\(description)" }

    /// The name as one path element.
    package var path: Path { Path(description) }
}
