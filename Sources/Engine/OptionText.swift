package import LinuxSystem

/// Reads the values of options as people of docker and podman write them. Each error names the text and what was
/// expected.
package enum OptionText {
    /// A number of bytes: `64m`, `1.5g`, `512k`, `100b`, `1048576`; units are powers of 1024.
    package static func bytes(_ text: String, of option: String) throws(StepError) -> Int64 {
        let refusal = StepError(
            "read --\(option)", refused: "'\(text)' is no size",
            hint: "a number with b, k, m, g or t, such as 64m")
        var digits = Substring(text.lowercased())
        if digits.hasSuffix("ib") || (digits.hasSuffix("b") && digits.dropLast().last?.isLetter == true) {
            digits = digits.dropLast(digits.hasSuffix("ib") ? 2 : 1)
        }
        let factors: [(Character, Double)] = [
            ("b", 1), ("k", 1024), ("m", 1_048_576), ("g", 1_073_741_824),
            ("t", 1_099_511_627_776),
        ]
        var factor = 1.0
        if let last = digits.last, let known = factors.first(where: { $0.0 == last }) {
            factor = known.1
            digits = digits.dropLast()
        }
        guard let number = decimal(digits) else { throw refusal }
        let value = number * factor
        guard value >= 0, value < 9e18 else { throw refusal }
        return Int64(value)
    }

    /// A part of processors, such as `0.5`, as microseconds per period of 100 ms; at least 1 ms.
    package static func cpuQuota(_ text: String, of option: String) throws(StepError) -> Int64 {
        guard let number = decimal(Substring(text)), number > 0, number <= 8192 else {
            throw StepError(
                "read --\(option)", refused: "'\(text)' is no number of processors", hint: "such as 0.5 or 2")
        }
        let quota = Int64((number * 100_000).rounded())
        guard quota >= 1000 else {
            throw StepError("read --\(option)", refused: "'\(text)' is below the least possible, 0.01")
        }
        return quota
    }

    /// A whole number within bounds.
    package static func integer<Value: FixedWidthInteger & Sendable>(
        _ text: String, of option: String, in range: ClosedRange<Value>
    ) throws(StepError) -> Value {
        guard let number = Value(text), range.contains(number) else {
            throw StepError(
                "read --\(option)",
                refused: "'\(text)' is no whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// `SRC:DST[:options]`, `DST` alone for an anonymous volume is refused; options by commas.
    package static func bind(_ text: String) throws(StepError) -> RunOptions.BindOption {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), !parts[0].isEmpty, !parts[1].isEmpty else {
            throw StepError("read --volume", refused: "'\(text)' is not SOURCE:DESTINATION[:OPTIONS]")
        }
        guard parts[1].hasPrefix("/") else {
            throw StepError("read --volume", refused: "destination '\(parts[1])' is not absolute")
        }
        let isVolume = !parts[0].contains("/") && parts[0] != "." && parts[0] != ".."
        if isVolume { try checkName(parts[0], what: "volume") }
        let known: Set = [
            "ro", "rw", "bind", "rbind", "private", "rprivate", "shared", "rshared", "slave", "rslave",
            "nosuid",
            "nodev", "noexec", "suid", "dev", "exec", "z", "Z", "nocopy", "copy",
        ]
        var options: [String] = []
        for option in parts.count == 3 ? parts[2].split(separator: ",").map(String.init) : [] {
            guard known.contains(option) else {
                throw StepError("read --volume", refused: "unknown option '\(option)' in '\(text)'")
            }
            if !["z", "Z", "nocopy", "copy"].contains(option) { options.append(option) }
        }
        if !options.contains("bind") && !options.contains("rbind") { options.append("rbind") }
        if !options.contains(where: {
            $0.hasSuffix("private") || $0.hasSuffix("shared") || $0.hasSuffix("slave")
        }) {
            options.append("rprivate")
        }
        return .init(source: parts[0], destination: parts[1], options: options, isVolume: isVolume)
    }

    /// `PATH[:options]` of a memory-backed directory.
    package static func temporary(_ text: String) throws(StepError) -> (path: String, options: [String]) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        guard parts[0].hasPrefix("/") else {
            throw StepError("read --tmpfs", refused: "'\(parts[0])' is not absolute")
        }
        let given = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
        return (
            parts[0],
            ["nosuid", "nodev", "noexec"].filter { !given.contains(String($0.dropFirst(2))) } + given
        )
    }

    /// `SRC[:DST][:rwm]`.
    package static func device(_ text: String) throws(StepError) -> RunOptions.DeviceOption {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var access = "rwm"
        if parts.count > 1, let last = parts.last, !last.hasPrefix("/") {
            guard !last.isEmpty, last.allSatisfy({ "rwm".contains($0) }) else {
                throw StepError("read --device", refused: "'\(last)' in '\(text)' is not made of r, w and m")
            }
            access = last
            parts.removeLast()
        }
        guard (1...2).contains(parts.count), parts.allSatisfy({ $0.hasPrefix("/") }) else {
            throw StepError(
                "read --device", refused: "'\(text)' is not SOURCE[:DESTINATION][:rwm] with absolute paths")
        }
        return .init(source: parts[0], destination: parts[parts.count - 1], access: access)
    }

    /// `NAME=SOFT[:HARD]` of a resource limit; `unlimited` or -1 for no limit.
    package static func resourceLimit(
        _ text: String
    ) throws(StepError) -> (name: String, soft: UInt64, hard: UInt64) {
        let refusal = StepError("read --ulimit", refused: "'\(text)' is not NAME=SOFT[:HARD]")
        let sides = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard sides.count == 2 else { throw refusal }
        let values = sides[1].split(separator: ":", omittingEmptySubsequences: false).map { part -> UInt64? in
            part == "unlimited" || part == "-1" ? .max : UInt64(part)
        }
        guard (1...2).contains(values.count), let soft = values[0], let hard = values[values.count - 1] else {
            throw refusal
        }
        guard soft <= hard else {
            throw StepError("read --ulimit", refused: "soft limit above the hard one in '\(text)'")
        }
        return (sides[0], soft, hard)
    }

    /// `KEY=VALUE` split at the first `=`.
    package static func pair(_ text: String, of option: String) throws(StepError) -> (
        key: String, value: String
    ) {
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw StepError("read --\(option)", refused: "'\(text)' is not NAME=VALUE")
        }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }

    /// Names of containers and volumes: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`, at most 128 bytes.
    package static func checkName(_ name: String, what: String) throws(StepError) {
        func isPlain(_ byte: UInt8) -> Bool {
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        let bytes = Array(name.utf8)
        guard let first = bytes.first, isPlain(first), bytes.count <= 128,
            bytes.allSatisfy({ isPlain($0) || $0 == 95 || $0 == 46 || $0 == 45 })
        else {
            throw StepError(
                "check \(what) name", refused: "'\(name)' is not allowed",
                hint: "letters, digits, '_', '.', '-', beginning with a letter or digit, at most 128")
        }
    }

    /// A decimal number with an optional fraction, without exponent or sign.
    static func decimal(_ text: Substring) -> Double? {
        let sides = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard !text.isEmpty, sides.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            !(sides[0].isEmpty && (sides.count == 1 || sides[1].isEmpty))
        else { return nil }
        return Double(
            String(sides[0].isEmpty ? "0" : sides[0]) + "." + (sides.count == 2 ? sides[1] + "0" : "0"))
    }
}
