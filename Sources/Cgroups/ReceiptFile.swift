internal import JSONCoding
package import LinuxSystem

/// A file that collects receipts, one JSON object a line, from many containers at once.
package struct ReceiptFile: Sendable, Equatable {
    /// The annotation of a configuration that names one.
    package static let annotation = "org.skiff.receipt"

    /// Its absolute path.
    package let path: Path

    /// Checks that a receipt can be added there, and changes nothing: before the container is started, because it would
    /// be too late at its end. Refused are relative paths, missing folders, what is no regular file, what may not be
    /// written.
    package init(checking path: Path) throws(StepError) {
        self.path = path
        let step: Step = "use the receipt file \(path)"
        guard path.isAbsolute, path.bytes.last != UInt8(ascii: "/") else {
            throw StepError(
                step, refused: "it is not the absolute path of a file", code: .usage, operand: path.string)
        }
        do throws(SyscallError) {
            let named = try open(path, .pathOnly)
            let kind = try named.borrowed.status().kind
            if kind == .regular {
                _ = try open(path, [.writeOnly, .append])
            } else if kind == .directory {
                throw SyscallError(.openat, on: path.string, .EISDIR)
            } else {
                throw SyscallError(.openat, on: path.string, .ENXIO)
            }
        } catch {
            guard error.errno == .ENOENT else { throw StepError(step, error, hint: Self.hint(error.errno)) }
            try Self.checkMaking(path, step)
        }
    }

    /// A file of this path that was checked before.
    package init(checked path: String) { self.path = Path(path) }

    /// Whether the file can be made: one without a name vanishes again. On file systems that have no such files it is
    /// made and removed.
    private static func checkMaking(_ path: Path, _ step: Step) throws(StepError) {
        do throws(SyscallError) {
            do throws(SyscallError) {
                _ = try open(path.parent, [.writeOnly, .temporary], mode: 0o600)
            } catch {
                guard error.errno == .EOPNOTSUPP else { throw error }
                _ = try open(path, [.writeOnly, .create, .exclusive], mode: 0o600)
                try unlink(path)
            }
        } catch {
            throw StepError(step, error, hint: hint(error.errno))
        }
    }

    private static func hint(_ errno: Errno) -> String? {
        switch errno {
        case .EISDIR: "it names a directory; give it a file"
        case .ENOENT: "make its folder first"
        case .ENXIO: "it must be a regular file"
        default: nil
        }
    }

    /// Adds a receipt as one line, by one write, so that those of several containers cannot mix.
    /// - SeeAlso: open(2) O_APPEND
    package func append(_ receipt: UsageReceipt) throws(StepError) {
        let line = receipt.json() + [UInt8(ascii: "\n")]
        let step: Step = "add the receipt to \(path)"
        let count = try during(step) { () throws(SyscallError) in
            let file = try open(path, [.writeOnly, .append, .create, .nonBlocking], mode: 0o600)
            return try file.borrowed.write(line[...])
        }
        if count < line.count {
            throw StepError(
                step, refused: "only \(count) of \(line.count) bytes could be written", code: .hostExhausted)
        }
    }
}
