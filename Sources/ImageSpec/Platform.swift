package import JSONCoding

/// The kind of machine that an image is for.
/// - SeeAlso: image-spec image-index.md, config.md
package struct Platform: Sendable, Equatable, CustomStringConvertible, JSONReadable, JSONWritable {
    /// The operating system as Go names it: `linux`.
    package var os: String
    /// The processor as Go names it: `amd64`, `arm64`, `arm`, `riscv64`, …
    package var architecture: String
    /// The level of the processor: `v7` of arm, `v2` of amd64; nil for the usual one.
    package var variant: String?
    /// The version that some operating systems need to match.
    package var osVersion: String?
    /// Features that the operating system must have.
    package var osFeatures: [String]

    /// A platform of the values named.
    package init(
        os: String, architecture: String, variant: String? = nil, osVersion: String? = nil,
        osFeatures: [String] = []
    ) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
        self.osVersion = osVersion
        self.osFeatures = osFeatures
    }

    /// The machine that this program was built for, at its usual level.
    package static var host: Platform {
        #if arch(arm64)
            let architecture = "arm64"
        #elseif arch(riscv64)
            let architecture = "riscv64"
        #elseif arch(powerpc64le)
            let architecture = "ppc64le"
        #elseif arch(s390x)
            let architecture = "s390x"
        #else
            let architecture = "amd64"
        #endif
        return Platform(os: "linux", architecture: architecture)
    }

    /// Reads `os/arch[/variant]` as people write it on a command line, `arch` alone included; nil if it is
    /// neither.
    package init?(parsing text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3, parts.allSatisfy({ !$0.isEmpty }), let first = parts.first else { return nil }
        if parts.count == 1 {
            self.init(os: "linux", architecture: first)
        } else {
            self.init(os: first, architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil)
        }
        self = normalized
    }

    /// The same platform in Go's words, with the variant that is meant when none is given left out.
    package var normalized: Platform {
        var result = self
        result.os = os.lowercased()
        switch architecture.lowercased() {
        case "x86_64", "x86-64", "amd64": result.architecture = "amd64"
        case "aarch64", "arm64": result.architecture = "arm64"
        case "armhf", "armv7l": (result.architecture, result.variant) = ("arm", variant ?? "v7")
        case "armel", "armv6l": (result.architecture, result.variant) = ("arm", variant ?? "v6")
        case let other: result.architecture = other
        }
        if let given = result.variant?.lowercased() {
            let level = given.hasPrefix("v") ? given : "v" + given
            result.variant = level == Self.usualVariants[result.architecture] ? nil : level
        }
        return result
    }

    private static let usualVariants = ["amd64": "v1", "arm64": "v8", "arm": "v7"]

    /// Whether an image for `image` runs on this machine: same system and processor, and a level of the
    /// processor that is not above this machine's.
    package func runs(_ image: Platform) -> Bool {
        let (host, image) = (normalized, image.normalized)
        guard host.os == image.os, host.architecture == image.architecture else { return false }
        if let wanted = image.osVersion, let ours = osVersion, wanted != ours { return false }
        guard image.osFeatures.allSatisfy(osFeatures.contains) || osFeatures.isEmpty else { return false }
        if host.variant == image.variant { return true }
        guard let ours = host.level, let theirs = image.level else { return false }
        return theirs <= ours
    }

    /// The processor's level as a number that can be compared: `v8.2` is 802.
    var level: Int? {
        guard let text = variant ?? Self.usualVariants[architecture] else { return 0 }
        let numbers = text.dropFirst().split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard text.hasPrefix("v"), (1...2).contains(numbers.count), let major = numbers[0], major >= 0,
            major < 100
        else { return nil }
        guard numbers.count == 2 else { return major * 100 }
        guard let minor = numbers[1], (0..<100).contains(minor) else { return nil }
        return major * 100 + minor
    }

    /// The best of several images for this machine: the highest level of the processor that it runs, the
    /// first of equals. Those that do not say what they are for come last.
    package func best<Choice>(of choices: [(platform: Platform?, choice: Choice)]) -> Choice? {
        var best: (level: Int, choice: Choice)?
        for (platform, choice) in choices {
            var level = -1
            if let platform {
                guard runs(platform) else { continue }
                level = platform.normalized.level ?? 0
            }
            if let found = best, found.level >= level { continue }
            best = (level, choice)
        }
        return best?.choice
    }

    /// `linux/arm/v6`
    package var description: String { "\(os)/\(architecture)" + (variant.map { "/\($0)" } ?? "") }

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        self.init(os: "", architecture: "")
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "os": os = try reader.read()
            case "architecture": architecture = try reader.read()
            case "variant":
                let text: String = try reader.read()
                variant = text.isEmpty ? nil : text
            case "os.version": osVersion = try reader.read()
            case "os.features": osFeatures = try reader.read()
            default: break
            }
        }
    }

    /// Writes the object; what is absent stays out.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("os", os)
            writer.field("architecture", architecture)
            writer.field("variant", variant)
            writer.field("os.version", osVersion)
            writer.fieldUnlessEmpty("os.features", osFeatures)
        }
    }
}
