/// A document that cannot be read: where, and why.
///
/// `path` names the value the way people write it (`linux.seccomp.syscalls[3].action`; empty for the document
/// itself). The path is found by walking the document again up to `offset`, so reading pays nothing for it.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The refused value, from the root of the document.
    package let path: String
    /// Line of the refused byte, counted from 1.
    package let line: Int
    /// Offset of the refused byte, counted from 0.
    package let offset: Int
    /// What is wrong, in lower case, without the path.
    package let reason: String

    /// An error at a place that is already known.
    package init(path: String, line: Int, offset: Int, reason: String) {
        self.path = path
        self.line = line
        self.offset = offset
        self.reason = reason
    }

    /// One line: `linux.sysctl: expected an object, found a string (line 3, byte 41)`.
    package var description: String {
        let place = path.isEmpty ? "document" : path
        return "\(place): \(reason) (line \(line), byte \(offset))"
    }
}

extension JSONError {
    /// Finds line and path of the byte at `offset`.
    init(in bytes: [UInt8], at offset: Int, _ reason: String) {
        var finder = JSONPathFinder()
        for (index, byte) in bytes.enumerated() {
            if index >= offset { break }
            finder.step(over: byte)
        }
        self.init(path: finder.path, line: finder.line, offset: offset, reason: reason)
    }
}

/// Walks a document byte by byte and knows which value the next byte belongs to. It never fails: what comes
/// before an error was already read once, and the rest only has to give a helpful name.
private struct JSONPathFinder {
    private enum Level {
        case member(name: [UInt8], complete: Bool)
        case element(Int)
    }

    private(set) var line = 1
    private var levels: [Level] = []
    private var text: [UInt8]?
    private var escaped = false

    mutating func step(over byte: UInt8) {
        if byte == UInt8(ascii: "\n") { line += 1 }
        if text != nil {
            stepInString(over: byte)
            return
        }
        switch byte {
        case UInt8(ascii: "\""): text = []
        case UInt8(ascii: "{"): levels.append(.member(name: [], complete: false))
        case UInt8(ascii: "["): levels.append(.element(0))
        case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = levels.popLast()
        case UInt8(ascii: ","): next()
        default: break
        }
    }

    private mutating func stepInString(over byte: UInt8) {
        if escaped {
            escaped = false
        } else if byte == UInt8(ascii: "\\") {
            escaped = true
        } else if byte == UInt8(ascii: "\"") {
            if case .member(_, complete: false)? = levels.last {
                levels[levels.count - 1] = .member(name: text ?? [], complete: true)
            }
            text = nil
            return
        }
        text?.append(byte)
    }

    private mutating func next() {
        switch levels.last {
        case .member: levels[levels.count - 1] = .member(name: [], complete: false)
        case .element(let index): levels[levels.count - 1] = .element(index + 1)
        case nil: break
        }
    }

    var path: String {
        var path = ""
        for level in levels {
            switch level {
            case .element(let index): path += "[\(index)]"
            case .member(let name, complete: true):
                let name = String(decoding: name, as: UTF8.self)
                if name.contains(".") || name.contains("/") {
                    path += "[\"\(name)\"]"
                } else {
                    path += path.isEmpty ? name : ".\(name)"
                }
            case .member: break
            }
        }
        return path
    }
}
