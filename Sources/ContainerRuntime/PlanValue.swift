package import JSONCoding

/// A part of a plan for people or programs to read: written once, shown as JSON or as text.
package indirect enum PlanValue: Sendable, Equatable {
    case text(String)
    case number(Int64)
    case flag(Bool)
    case list([PlanValue])
    case record([Member])

    /// One named part of a record.
    package struct Member: Sendable, Equatable {
        let name: String
        let value: PlanValue
        /// Whether the `step` beside it says the same in words, so that text leaves it out.
        var isInStep = false
    }

    /// Texts as a list.
    static func texts(_ list: [String]) -> PlanValue { .list(list.map { .text($0) }) }

    /// Names as a list, of those that hold.
    static func names(_ list: KeyValuePairs<String, Bool>) -> PlanValue {
        .texts(list.compactMap { $0.value ? $0.key : nil })
    }

    /// Numbers as a list.
    static func numbers(_ list: [some BinaryInteger]) -> PlanValue { .list(list.map { .number(Int64($0)) }) }

    /// A record of those members that have a value that says something.
    static func members(_ list: KeyValuePairs<String, PlanValue?>) -> PlanValue {
        .record(
            list.compactMap { pair in
                guard let value = pair.value, !value.isEmpty else { return nil }
                return Member(name: pair.key, value: value)
            })
    }

    /// A step in words, the parts that its words hold, and what else belongs to it.
    static func step(
        _ words: String, of parts: KeyValuePairs<String, PlanValue?> = [:],
        _ rest: KeyValuePairs<String, PlanValue?>
    ) -> PlanValue {
        guard case .record(var first) = members(parts), case .record(let second) = members(rest) else {
            return .text(words)
        }
        for index in first.indices { first[index].isInStep = true }
        return .record([Member(name: "step", value: .text(words))] + first + second)
    }

    /// Whether it says nothing: an empty list or record, or no.
    private var isEmpty: Bool {
        switch self {
        case .list(let list): list.isEmpty
        case .record(let members): members.isEmpty
        case .flag(let isSet): !isSet
        default: false
        }
    }
}

extension PlanValue: JSONWritable {
    /// Writes the value.
    package func write(to writer: inout JSONWriter) {
        switch self {
        case .text(let text): writer.string(text)
        case .number(let number): writer.integer(number)
        case .flag(let flag): writer.boolean(flag)
        case .list(let list):
            writer.array { writer in for value in list { writer.element(value) } }
        case .record(let members):
            writer.object { writer in for member in members { writer.field(member.name, member.value) } }
        }
    }
}

/// As lines of text: one for each scalar, each short list and each record of a list.
extension PlanValue {
    private static let width = 100

    /// The lines of a record; nothing for other values.
    package var lines: [String] { lines(indented: 0) }

    private func lines(indented depth: Int) -> [String] {
        guard case .record(let members) = self else { return [] }
        let margin = String(repeating: "  ", count: depth)
        return members.flatMap { member -> [String] in
            let head = "\(margin)\(member.name):"
            switch member.value {
            case .record: return [head] + member.value.lines(indented: depth + 1)
            case .list(let list):
                let words = list.map(\.word)
                let line = "\(head) \(words.joined(separator: ", "))"
                if line.utf8.count <= Self.width, list.allSatisfy(\.isScalar) { return [line] }
                return [head] + words.map { "\(margin)  - \($0)" }
            default: return ["\(head) \(member.value.word)"]
            }
        }
    }

    private var isScalar: Bool {
        switch self {
        case .list, .record: false
        default: true
        }
    }

    /// The value in one line. The member `step` of a record stands for itself.
    private var word: String {
        switch self {
        case .text(let text): text
        case .number(let number): String(number)
        case .flag(let flag): flag ? "yes" : "no"
        case .list(let list): list.map(\.word).joined(separator: ",")
        case .record(let members):
            members.filter { !$0.isInStep }.map {
                $0.name == "step" ? $0.value.word : "\($0.name)=\($0.value.word)"
            }
            .joined(separator: "  ")
        }
    }
}
