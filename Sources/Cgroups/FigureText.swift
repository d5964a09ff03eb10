extension FigureKind {
    /// The figure for people: `1.204 s`, `61.3 MiB`, `12`, `no limit`, or `not available: REASON`.
    package func text(_ figure: Figure) -> String {
        switch figure {
        case .value(let number, _): unit.text(number)
        case .unlimited: "no limit"
        case .unavailable(let reason): "not available: \(reason)"
        }
    }
}

extension FigureUnit {
    /// A number of this unit for people.
    package func text(_ number: UInt64) -> String {
        switch self {
        case .bytes: Self.bytesText(number)
        case .microseconds: Self.durationText(microseconds: number)
        case .count: String(number)
        }
    }

    private static func bytesText(_ bytes: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var power = 0
        while power < 6, bytes >> UInt64(10 * (power + 1)) > 0 { power += 1 }
        if power == 0 { return "\(bytes) B" }
        let unit = UInt64(1) << UInt64(10 * power)
        return "\(fixed(bytes / unit, bytes % unit, of: unit, digits: 1)) \(units[power])"
    }

    private static func durationText(microseconds: UInt64) -> String {
        if microseconds < 1000 { return "\(microseconds) us" }
        if microseconds < 1_000_000 {
            return "\(fixed(microseconds / 1000, microseconds % 1000, of: 1000, digits: 3)) ms"
        }
        return "\(fixed(microseconds / 1_000_000, microseconds % 1_000_000, of: 1_000_000, digits: 3)) s"
    }

    /// A whole part and a fraction cut (not rounded) to some digits.
    private static func fixed(_ whole: UInt64, _ rest: UInt64, of unit: UInt64, digits: Int) -> String {
        let scale: UInt64 = digits == 1 ? 10 : 1000
        let (high, low) = rest.multipliedFullWidth(by: scale)
        let fraction = String(unit.dividingFullWidth((high, low)).quotient)
        return "\(whole).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }
}
