extension String: JSONWritable {
    /// Writes a string.
    package func write(to writer: inout JSONWriter) { writer.string(self) }
}

extension Bool: JSONWritable {
    /// Writes `true` or `false`.
    package func write(to writer: inout JSONWriter) { writer.boolean(self) }
}

extension Double: JSONWritable {
    /// Writes a number.
    package func write(to writer: inout JSONWriter) { writer.double(self) }
}

extension JSONWritable where Self: FixedWidthInteger {
    /// Writes an integer.
    package func write(to writer: inout JSONWriter) { writer.integer(self) }
}

extension Int: JSONWritable {}
extension Int32: JSONWritable {}
extension Int64: JSONWritable {}
extension UInt16: JSONWritable {}
extension UInt32: JSONWritable {}
extension UInt64: JSONWritable {}

extension Array: JSONWritable where Element: JSONWritable {
    /// Writes an array.
    package func write(to writer: inout JSONWriter) {
        writer.array { writer in
            for element in self { writer.element(element) }
        }
    }
}

extension Dictionary: JSONWritable where Key == String, Value: JSONWritable {
    /// Writes an object, ordered by name, so that equal values give equal bytes.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            for (key, value) in self.sorted(by: { $0.key < $1.key }) { writer.field(key, value) }
        }
    }
}
