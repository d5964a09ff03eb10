extension RuntimeSpec {
    /// The oldest version of the runtime specification that is accepted.
    package static let oldestVersion = "1.0.0"
    /// The newest version of the runtime specification that is accepted.
    package static let newestVersion = "1.3.0"
}

extension Validation {
    /// BND-3: SemVer 2.0, major 1, minor up to the newest known. Patch releases add nothing to a document,
    /// and pre-releases such as `1.0.2-dev` are what engines really write.
    static func version(of spec: RuntimeSpec) throws(SpecError) {
        try requireNonEmpty(spec.ociVersion, "ociVersion")
        guard let version = SemanticVersion(spec.ociVersion) else {
            throw SpecError(
                field: "ociVersion", reason: "must be a version such as \(RuntimeSpec.newestVersion)",
                value: spec.ociVersion)
        }
        guard let newest = SemanticVersion(RuntimeSpec.newestVersion), version.major == newest.major,
            version.minor <= newest.minor
        else {
            throw SpecError(
                field: "ociVersion",
                reason: "is not supported (\(RuntimeSpec.oldestVersion) to \(RuntimeSpec.newestVersion) are)",
                value: spec.ociVersion)
        }
    }
}

/// A version after the rules of SemVer 2.0; pre-release and build are checked and dropped.
struct SemanticVersion: Equatable {
    let major: UInt32
    let minor: UInt32
    let patch: UInt32

    init?(_ text: String) {
        if let numbers = Self.plain(text) {
            (major, minor, patch) = numbers
            return
        }
        let (withoutBuild, build) = Self.cut(text[...], at: "+")
        let (core, preRelease) = Self.cut(withoutBuild, at: "-")
        if let build, !Self.areIdentifiers(build) { return nil }
        if let preRelease, !Self.areIdentifiers(preRelease) { return nil }
        let numbers = core.split(separator: ".", omittingEmptySubsequences: false).map(Self.number)
        guard numbers.count == 3, let major = numbers[0], let minor = numbers[1], let patch = numbers[2]
        else {
            return nil
        }
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// The usual `1.0.2` with one digit each, byte by byte: the general way is slow where it runs for the first time.
    private static func plain(_ text: String) -> (UInt32, UInt32, UInt32)? {
        guard text.utf8.count == 5 else { return nil }
        var bytes = text.utf8.makeIterator()
        var numbers: (UInt32, UInt32, UInt32) = (0, 0, 0)
        for index in 0..<5 {
            guard let byte = bytes.next() else { return nil }
            if index % 2 == 1 {
                guard byte == UInt8(ascii: ".") else { return nil }
                continue
            }
            guard (0x30...0x39).contains(byte) else { return nil }
            numbers = (numbers.1, numbers.2, UInt32(byte) - 0x30)
        }
        return numbers
    }

    private static func cut(_ text: Substring, at mark: Character) -> (Substring, Substring?) {
        guard let index = text.firstIndex(of: mark) else { return (text, nil) }
        return (text[..<index], text[text.index(after: index)...])
    }

    private static func number(_ text: Substring) -> UInt32? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || !text.hasPrefix("0") else {
            return nil
        }
        return UInt32(text)
    }

    private static func areIdentifiers(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                        || (0x61...0x7A).contains(byte)
                        || byte == UInt8(ascii: "-")
                }
        }
    }
}
