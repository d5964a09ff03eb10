/// A value that can be written to a document.
package protocol JSONWritable {
    /// Writes this one value.
    func write(to writer: inout JSONWriter)
}

extension JSONWritable {
    /// This value as a whole document, without a newline at the end.
    package func json(_ style: JSONWriter.Style = .compact) -> [UInt8] {
        var writer = JSONWriter(style)
        write(to: &writer)
        return writer.finish()
    }
}

/// Writes one JSON document, front to back, into memory.
///
/// ```swift
/// writer.object { writer in
///     writer.field("path", path)
///     writer.field("timeout", timeout)            // left out if nil
///     writer.fieldUnlessEmpty("args", args)
/// }
/// ```
package struct JSONWriter: ~Copyable {
    /// How the document is laid out.
    package enum Style: Sendable {
        /// No white space at all.
        case compact
        /// One member or element per line, indented by a unit such as two spaces or a tab.
        case indented(by: String)

        /// Indented by two spaces.
        package static var pretty: Style { .indented(by: "  ") }
    }

    private var bytes: [UInt8] = []
    private let indentation: [UInt8]?
    private var depth = 0
    private var isFirst = true

    /// An empty document.
    package init(_ style: Style = .compact) {
        switch style {
        case .compact: indentation = nil
        case .indented(let unit): indentation = Array(unit.utf8)
        }
    }

    /// The document.
    package consuming func finish() -> [UInt8] { bytes }

    // MARK: Objects and arrays

    /// Writes an object; `members` calls `field` for each member.
    package mutating func object(_ members: (_ writer: inout JSONWriter) -> Void) {
        enclose(UInt8(ascii: "{"), UInt8(ascii: "}"), members)
    }

    /// Writes an array; `elements` calls `element` for each element.
    package mutating func array(_ elements: (_ writer: inout JSONWriter) -> Void) {
        enclose(UInt8(ascii: "["), UInt8(ascii: "]"), elements)
    }

    /// Writes one element of an array.
    package mutating func element(_ value: some JSONWritable) {
        separate()
        value.write(to: &self)
    }

    /// Writes one element of an array, in the closure.
    package mutating func element(_ value: (_ writer: inout JSONWriter) -> Void) {
        separate()
        value(&self)
    }

    /// Writes a member.
    package mutating func field(_ name: String, _ value: some JSONWritable) {
        self.name(name)
        value.write(to: &self)
    }

    /// Writes a member, or nothing if there is no value.
    package mutating func field(_ name: String, _ value: (some JSONWritable)?) {
        guard let value else { return }
        self.name(name)
        value.write(to: &self)
    }

    /// Writes a member whose value is written by the closure.
    package mutating func field(_ name: String, _ value: (_ writer: inout JSONWriter) -> Void) {
        self.name(name)
        value(&self)
    }

    /// Writes a member, or nothing if the value has no elements.
    package mutating func fieldUnlessEmpty(_ name: String, _ value: some JSONWritable & Collection) {
        if !value.isEmpty { field(name, value) }
    }

    /// Writes a member that is true, or nothing.
    package mutating func fieldIfTrue(_ name: String, _ value: Bool) {
        if value { field(name, true) }
    }

    // MARK: Scalars

    /// Writes a string. Control characters are escaped, everything else stands as UTF-8.
    package mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(contentsOf: [UInt8(ascii: "\\"), byte])
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                bytes.append(contentsOf: byte < 0x10 ? "\\u000".utf8 : "\\u00".utf8)
                bytes.append(contentsOf: String(byte, radix: 16).utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes an integer.
    package mutating func integer(_ value: some FixedWidthInteger) {
        bytes.append(contentsOf: String(value).utf8)
    }

    /// Writes a number in the shortest form that reads back equal; JSON has no infinity and no NaN, so these
    /// become `null`.
    package mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        let text = "\(value)"
        bytes.append(contentsOf: text.hasSuffix(".0") ? text.dropLast(2).utf8 : text[...].utf8)
    }

    /// Writes `true` or `false`.
    package mutating func boolean(_ value: Bool) {
        bytes.append(contentsOf: value ? "true".utf8 : "false".utf8)
    }

    /// Writes `null`.
    package mutating func null() {
        bytes.append(contentsOf: "null".utf8)
    }

    /// Writes a value that is JSON already, such as the result of `JSONReader.rawValue()`, as it is.
    package mutating func raw(_ value: [UInt8]) {
        bytes.append(contentsOf: value)
    }

    // MARK: Layout

    private mutating func enclose(
        _ opening: UInt8, _ closing: UInt8, _ content: (_ writer: inout JSONWriter) -> Void
    ) {
        bytes.append(opening)
        depth += 1
        isFirst = true
        content(&self)
        depth -= 1
        if !isFirst { newline() }
        isFirst = false
        bytes.append(closing)
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        newline()
    }

    private mutating func newline() {
        guard let indentation else { return }
        bytes.append(0x0A)
        for _ in 0..<depth { bytes.append(contentsOf: indentation) }
    }

    private mutating func name(_ name: String) {
        separate()
        string(name)
        bytes.append(UInt8(ascii: ":"))
        if indentation != nil { bytes.append(0x20) }
    }
}
