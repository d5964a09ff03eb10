package import LinuxSystem
package import RuntimeSpec

extension OptionText {
    /// A number of bytes or -1, which is without limit.
    package static func limit(_ text: String, of option: String) throws(StepError) -> Int64 {
        text == "-1" ? -1 : try bytes(text, of: option)
    }

    /// `PATH:VALUE` of a block device; the text that is not a path with a colon is refused by the option's name.
    /// - Throws: if the path leads to no block device.
    package static func blockDevice(
        _ text: String, of option: String
    ) throws(StepError) -> (number: DeviceNumber, value: String) {
        let step: Step = "read --\(option)"
        guard text.hasPrefix("/"), let colon = text.lastIndex(of: ":"),
            text.index(after: colon) != text.endIndex
        else {
            throw StepError(
                step, refused: "'\(text)' is not DEVICE:VALUE", hint: "such as /dev/sda:1m", code: .usage)
        }
        let path = Path(String(text[..<colon]))
        let facts = try during(step) { () throws(SyscallError) in try status(of: path, following: true) }
        guard facts.kind == .blockDevice else {
            throw StepError(step, refused: "\(path) is no block device", code: .usage)
        }
        return (facts.deviceNumber, String(text[text.index(after: colon)...]))
    }

    /// A time such as `500us`, `10ms` or `1s`, in microseconds.
    package static func microseconds(_ text: String, of option: String) throws(StepError) -> UInt64 {
        for (unit, factor) in [("us", 1.0), ("ms", 1e3), ("s", 1e6)] where text.hasSuffix(unit) {
            guard let number = decimal(text.dropLast(unit.count)), number > 0, number * factor <= 1e12 else {
                break
            }
            return UInt64(number * factor)
        }
        throw StepError(
            "read --\(option)", refused: "'\(text)' is no time", hint: "such as 500us, 10ms or 1s",
            code: .usage)
    }

    /// A part of a hundred with up to two digits after the point, as the kernel takes it; `max` is 100.
    package static func percentage(_ text: String, of option: String) throws(StepError) -> String {
        if text == "max" { return text }
        let fraction = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).dropFirst()
        guard let number = decimal(Substring(text)), number <= 100, (fraction.first?.count ?? 0) <= 2 else {
            throw StepError(
                "read --\(option)", refused: "'\(text)' is no percentage", hint: "0 to 100, such as 12.5",
                code: .usage)
        }
        return text
    }

    /// `TYPE MAJOR:MINOR ACCESS` of a rule that allows devices, such as `c 189:* rwm`.
    package static func deviceRule(
        _ text: String, of option: String
    ) throws(StepError) -> ResourcesSpec.DeviceRule {
        let refusal = StepError(
            "read --\(option)", refused: "'\(text)' is not TYPE MAJOR:MINOR ACCESS",
            hint: "such as 'c 189:* rwm', with a, b or c, numbers or *, and some of r, w and m", code: .usage)
        let words = text.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        guard words.count == 3, ["a", "b", "c"].contains(words[0]), !words[2].isEmpty,
            words[2].allSatisfy({ "rwm".contains($0) })
        else { throw refusal }
        let sides = words[1].split(separator: ":", omittingEmptySubsequences: false)
        guard sides.count == 2 else { throw refusal }
        var numbers: [Int64?] = []
        for (side, bits) in zip(sides, [12, 20]) {
            if side == "*" {
                numbers.append(nil)
            } else if let number = Int64(side), (0..<(1 << bits)).contains(number) {
                numbers.append(number)
            } else {
                throw refusal
            }
        }
        return ResourcesSpec.DeviceRule(
            allow: true, kind: ResourcesSpec.DeviceRuleKind(rawValue: words[0]), major: numbers[0],
            minor: numbers[1], access: words[2])
    }
}
