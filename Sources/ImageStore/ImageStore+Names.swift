package import ImageSpec
package import LinuxSystem

extension ImageStore {
    /// Whether a text is a name that the store has, rather than an id.
    package func names(_ text: String) throws(StepError) -> Bool {
        try Self.find(text, in: try ImageNames.read(root.borrowed)) != nil
    }

    /// Gives an image further names; each is taken from the image that had it.
    /// - Throws: if there is no such image.
    package func tag(_ text: String, as names: [ImageReference]) throws(StepError) {
        let held = try exclusiveLock()
        defer { _ = held.borrowed }
        guard let found = try resolve(text) else {
            throw StepError(
                "tag image \(text)", refused: "no such image", code: .imageNotFound, operand: text)
        }
        var all = try ImageNames.read(root.borrowed)
        let now = Clock.timestamp(Clock.wall(), fraction: 0)
        for name in names {
            all.set(NamedImage(name: name, manifest: found.image.manifestDigest, loaded: now))
        }
        try all.write(root.borrowed)
    }

    /// Takes names from an image and leaves the image.
    /// - Parameter names: the names to take; empty for all that the image has.
    /// - Returns: the names that were taken.
    /// - Throws: if there is no such image, or a name means another one.
    @discardableResult
    package func untag(_ text: String, _ names: [ImageReference]) throws(StepError) -> [ImageReference] {
        let step: Step = "untag image \(text)"
        let held = try exclusiveLock()
        defer { _ = held.borrowed }
        guard let found = try resolve(text) else {
            throw StepError(step, refused: "no such image", code: .imageNotFound, operand: text)
        }
        var all = try ImageNames.read(root.borrowed)
        var doomed = all.names.filter { $0.manifest == found.image.manifestDigest }
        if !names.isEmpty {
            for name in names where !doomed.contains(where: { $0.name == name }) {
                throw StepError(
                    step, refused: "\(name) is not one of its names", code: .imageNotFound,
                    operand: name.description)
            }
            doomed.removeAll { !names.contains($0.name) }
        }
        all.names.removeAll(where: doomed.contains)
        try all.write(root.borrowed)
        return doomed.map(\.name)
    }
}
