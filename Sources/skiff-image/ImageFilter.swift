import ArgumentParser
import ImageSpec
import ImageStore
import LinuxSystem

/// Conditions of `--filter KEY=VALUE`. Those with the same key are alternatives, but for labels, which must all hold; those
/// with different keys must all hold.
struct ImageFilter {
    private struct Condition {
        let key: String
        let holds: (ListedImage) -> Bool
    }

    private var conditions: [Condition] = []

    /// The keys of `images`.
    static let keys = ["reference", "label", "label!", "dangling", "before", "since", "until"]

    /// Reads the conditions; the images that they name are looked up.
    init(_ texts: [String], in store: borrowing ImageStore, allowing keys: [String] = keys) throws {
        for text in texts {
            guard let equals = text.firstIndex(of: "=") else {
                throw ValidationError("--filter \(text): write KEY=VALUE.")
            }
            let (key, value) = (String(text[..<equals]), String(text[text.index(after: equals)...]))
            guard keys.contains(key) else {
                throw ValidationError("--filter \(text): the keys are \(keys.joined(separator: ", ")).")
            }
            conditions.append(Condition(key: key, holds: try Self.condition(key, value, store)))
        }
    }

    /// Whether an image fulfils all conditions.
    func takes(_ image: ListedImage) -> Bool {
        for key in Set(conditions.map(\.key)) {
            let own = conditions.filter { $0.key == key }
            let holds =
                key.hasPrefix("label")
                ? own.allSatisfy { $0.holds(image) } : own.contains { $0.holds(image) }
            if !holds { return false }
        }
        return true
    }

    private static func condition(
        _ key: String, _ value: String, _ store: borrowing ImageStore
    ) throws -> (ListedImage) -> Bool {
        switch key {
        case "reference": return { image in image.names.contains { matches($0.name, value) } }
        case "label", "label!":
            let isWanted = key == "label"
            let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let wanted = (name: String(parts[0]), value: parts.count > 1 ? String(parts[1]) : nil)
            return { image in
                let label = image.image.config.config.labels.first { $0.key == wanted.name }
                let has = label.map { wanted.value == nil || $0.value == wanted.value } ?? false
                return has == isWanted
            }
        case "dangling":
            guard let wanted = Bool(value) else {
                throw ValidationError("--filter dangling is true or false.")
            }
            return { $0.isDangling == wanted }
        case "until":
            let limit = try time(value)
            return { image in created(image.image).map { $0 < limit } ?? false }
        default:
            guard let other = try store.resolve(value)?.image else {
                throw StepError(
                    "filter by \(key)=\(value)", refused: "no such image", code: .imageNotFound)
            }
            guard let limit = created(other) else {
                throw StepError(
                    "filter by \(key)=\(value)", refused: "the image does not say when it was made")
            }
            let isBefore = key == "before"
            return { image in
                created(image.image).map { isBefore ? $0 < limit : $0 > limit } ?? false
            }
        }
    }

    private static func created(_ image: StoredImage) -> Int64? {
        image.config.created.flatMap(secondsOfTimestamp)
    }

    /// A point in time in seconds since 1970: a duration before now (`24h`, `1h30m`), seconds, or RFC 3339.
    private static func time(_ text: String) throws -> Int64 {
        if let seconds = Int64(text) { return seconds }
        if let seconds = secondsOfTimestamp(text) { return seconds }
        var (total, number): (Int64, Int64?) = (0, nil)
        for character in text {
            if let digit = character.wholeNumberValue, (number ?? 0) < 1 << 40 {
                number = (number ?? 0) * 10 + Int64(digit)
            } else if let unit = ["s": 1, "m": 60, "h": 3600, "d": 86400][character] as Int64?,
                let value = number
            {
                total += value * unit
                number = nil
            } else {
                throw ValidationError("--filter until=\(text): write a duration such as 24h, or a time.")
            }
        }
        guard number == nil, total > 0 else {
            throw ValidationError("--filter until=\(text): write a duration such as 24h, or a time.")
        }
        return Clock.wall().seconds - total
    }

    /// Whether a name matches a pattern with `*` and `?`: the whole name, without its tag, or without registry and folders.
    private static func matches(_ name: ImageReference, _ pattern: String) -> Bool {
        let last = name.name.split(separator: "/").last.map(String.init) ?? name.name
        let tag = name.tag.map { ":" + $0 } ?? ""
        let wanted = Array(pattern)
        return [name.name + tag, name.name, last + tag, last].contains { glob(Array($0)[...], wanted[...]) }
    }

    private static func glob(_ text: ArraySlice<Character>, _ pattern: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return glob(text, pattern.dropFirst()) || (!text.isEmpty && glob(text.dropFirst(), pattern))
        }
        guard let next = text.first, first == "?" || first == next else { return false }
        return glob(text.dropFirst(), pattern.dropFirst())
    }
}

/// Seconds since 1970 of an RFC 3339 timestamp, without its fraction; nil if it is none.
func secondsOfTimestamp(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    func number(_ range: Range<Int>) -> Int64? {
        guard bytes.count >= range.upperBound else { return nil }
        return Int64(String(decoding: bytes[range], as: UTF8.self))
    }
    guard bytes.count >= 20, let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
        let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
        (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    // Days from the civil calendar: years begin in March, eras have 400 years.
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    let days = era * 146_097 + dayOfEra - 719_468
    var offset: Int64 = 0
    if bytes.last != UInt8(ascii: "Z"), bytes.last != UInt8(ascii: "z") {
        let start = bytes.count - 6
        guard start >= 19, let hours = number(start + 1..<start + 3),
            let minutes = number(start + 4..<start + 6)
        else { return nil }
        offset = (hours * 3600 + minutes * 60) * (bytes[start] == UInt8(ascii: "-") ? -1 : 1)
    }
    return days * 86_400 + hour * 3600 + minute * 60 + second - offset
}
