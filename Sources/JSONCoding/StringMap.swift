/// Text by name, such as annotations or labels, in the order of the document.
///
/// The maps in container documents are short and are walked more often than searched, so this is a list of
/// pairs; two maps are equal if they hold the same pairs in any order. Making one keeps the last value of a
/// repeated name.
package struct StringMap: Sendable, RandomAccessCollection, ExpressibleByDictionaryLiteral {
    /// One name with its text.
    package typealias Element = (key: String, value: String)

    private var pairs: [Element] = []

    /// An empty map.
    package init() {}

    /// A map with these pairs.
    package init(_ pairs: some Sequence<Element>) {
        for pair in pairs { self[pair.key] = pair.value }
    }

    /// A map written as a literal.
    package init(dictionaryLiteral elements: (String, String)...) {
        for (key, value) in elements { self[key] = value }
    }

    /// Position of the first pair.
    package var startIndex: Int { 0 }
    /// Number of pairs.
    package var endIndex: Int { pairs.count }
    /// The pair at a position.
    package subscript(position: Int) -> Element { pairs[position] }

    /// The text under a name; setting nil removes the pair.
    package subscript(key: String) -> String? {
        get { pairs.first { $0.key == key }?.value }
        set {
            let index = pairs.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): pairs[index].value = value
            case (let index?, nil): pairs.remove(at: index)
            case (nil, let value?): pairs.append((key, value))
            case (nil, nil): break
            }
        }
    }
}

extension StringMap: Equatable {
    /// Same names with the same text; the order does not count.
    package static func == (left: StringMap, right: StringMap) -> Bool {
        func ordered(_ map: StringMap) -> [Element] { map.sorted { $0.key < $1.key } }
        return left.count == right.count && ordered(left).elementsEqual(ordered(right), by: ==)
    }
}

extension StringMap: JSONReadable, JSONWritable {
    /// Reads an object whose values are strings.
    package init(from reader: inout JSONReader) throws(JSONError) {
        var pairs: [Element] = []
        // The reader refuses repeated names, so no search is needed here.
        try reader.object { (key, reader) throws(JSONError) in pairs.append((key, try reader.string())) }
        self.pairs = pairs
    }

    /// Writes an object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            for (key, value) in self { writer.field(key, value) }
        }
    }
}
