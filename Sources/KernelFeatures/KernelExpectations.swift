/// What kernels are expected to have, by release: all features but those that a section names.
///
///     kernel 6.1
///     lacks overlay.layers-by-name: came with 6.7
///     lacks v1.*: every controller is in v2
///
/// A section holds for its release and later ones, up to the next section.
package struct KernelExpectations: Sendable {
    /// Something in the text that cannot be used.
    package struct Mistake: Error, Sendable {
        /// Number of the line, from 1.
        package let line: Int
        /// What is wrong with it.
        package let text: String
    }

    private struct Section {
        let release: [Int]
        var lacks: [(pattern: String, reason: String)] = []
    }

    private var sections: [Section] = []

    /// Reads the text; blank lines and those that begin with # say nothing.
    package init(_ text: String, features: [KernelFeature]) throws(Mistake) {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            let rest = words.count == 2 ? words[1] : ""
            switch first {
            case "kernel":
                let release = Self.numbers(String(rest))
                guard !release.isEmpty else {
                    throw Mistake(line: index + 1, text: "'\(rest)' is no release")
                }
                sections.append(Section(release: release))
            case "lacks":
                let parts = rest.split(separator: ":", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { throw Mistake(line: index + 1, text: "lacks FEATURE: REASON") }
                guard features.contains(where: { Self.fits($0.name, parts[0]) }) else {
                    throw Mistake(line: index + 1, text: "no feature is named '\(parts[0])'")
                }
                guard !sections.isEmpty else { throw Mistake(line: index + 1, text: "no kernel before it") }
                let reason = String(parts[1].drop { $0 == " " })
                sections[sections.count - 1].lacks.append((pattern: parts[0], reason: reason))
            default: throw Mistake(line: index + 1, text: "'\(first)' is neither 'kernel' nor 'lacks'")
            }
        }
    }

    /// What a kernel of this release may lack, and why; nil when all sections are for later ones.
    package func allowances(for release: String) -> KernelAllowances? {
        let wanted = Self.numbers(release)
        let fitting = sections.filter { !wanted.lexicographicallyPrecedes($0.release) }
        let newest = fitting.max { $0.release.lexicographicallyPrecedes($1.release) }
        return newest.map { section in KernelAllowances(patterns: section.lacks) }
    }

    /// `6.12.43+deb13-amd64` → 6, 12, 43.
    private static func numbers(_ release: String) -> [Int] {
        let start = release.prefix { $0.isNumber || $0 == "." }
        return start.split(separator: ".").compactMap { Int($0) }
    }

    fileprivate static func fits(_ name: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
    }
}

/// What a kernel may lack.
package struct KernelAllowances: Sendable {
    fileprivate let patterns: [(pattern: String, reason: String)]

    /// Why a feature may be missing; nil when it has to be there.
    package func reason(for feature: KernelFeature) -> String? {
        patterns.first { KernelExpectations.fits(feature.name, $0.pattern) }?.reason
    }
}
