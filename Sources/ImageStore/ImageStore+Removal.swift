package import ImageSpec
package import LinuxSystem

/// What a removal took away.
package struct ImageRemoval: Sendable, Equatable {
    /// The names that are no more.
    package var untagged: [ImageReference] = []
    /// The ids (digests of configurations) of the images that are no more.
    package var deleted: [Digest] = []
    /// Bytes on the disk that layers took which are no more.
    package var reclaimedBytes: Int64 = 0
}

extension ImageStore {
    /// Removes what a person names, by podman's rules: a name goes, and the image with its last name; by id an image goes
    /// with its only name. Layers go with the last image or container that uses them.
    /// - Parameter force: by id, all names; and also while containers use the image, whose layers and record stay.
    /// - Throws: if there is no such image, a container uses it, or an id is given to an image of several names.
    @discardableResult
    package func remove(_ text: String, force: Bool = false) throws(StepError) -> ImageRemoval {
        let step: Step = "remove image \(text)"
        let held = try exclusiveLock()
        defer { _ = held.borrowed }
        var all = try ImageNames.read(root.borrowed)
        let (doomed, images) = try removed(text, all, force: force, step)
        var manifests: [Digest] = []
        for image in images {
            let isLast = all.names.allSatisfy { $0.manifest != image.manifestDigest || doomed.contains($0) }
            guard isLast else { continue }
            let users = try leases().filter { $0.manifest == image.manifestDigest }
            if users.isEmpty {
                manifests.append(image.manifestDigest)
            } else if !force {
                throw inUse(users, text, step)
            }
        }
        all.names.removeAll(where: doomed.contains)
        try all.write(root.borrowed)
        var result = ImageRemoval(untagged: doomed.map(\.name))
        for image in images where manifests.contains(image.manifestDigest) {
            try discard("images/\(image.manifestDigest.fileName)")
            if !result.deleted.contains(image.configDigest) { result.deleted.append(image.configDigest) }
        }
        result.reclaimedBytes = try collectGarbage()
        return result
    }

    private func inUse(_ users: [Lease], _ text: String, _ step: Step) -> StepError {
        let containers = users.map(\.name).filter { !$0.hasPrefix(Self.mountPrefix) }.sorted()
        if containers.isEmpty {
            return StepError(
                step, refused: "it is mounted", hint: "skiff image unmount \(text)", code: .inUse,
                operand: text)
        }
        return StepError(
            step, refused: "used by container \(containers.joined(separator: ", "))",
            hint: "remove the container first, or use --force", code: .inUse, operand: text)
    }

    /// The names that go, and the images that go with them if these were their last.
    private func removed(
        _ text: String, _ all: ImageNames, force: Bool, _ step: Step
    ) throws(StepError) -> (names: [NamedImage], images: [StoredImage]) {
        if let named = try Self.find(text, in: all) {
            let image = try record(of: named.manifest)
            guard text.contains("@"), !text.prefix(while: { $0 != "@" }).contains(":") else {
                return ([named], [image])
            }
            // By digest: every name that this repository has for it.
            let same = all.names.filter { $0.manifest == named.manifest && $0.name.name == named.name.name }
            return (same, [image])
        }
        guard let digits = Self.idDigits(text) else {
            throw StepError(step, refused: "no such image", code: .imageNotFound, operand: text)
        }
        let images = try images(withIDPrefix: digits, of: text)
        if images.isEmpty {
            throw StepError(step, refused: "no such image", code: .imageNotFound, operand: text)
        }
        let names = all.names.filter { named in
            images.contains { $0.manifestDigest == named.manifest }
        }
        if names.count > 1, !force {
            throw StepError(
                step,
                refused:
                    "it has \(names.count) names: \(names.map(\.name.description).joined(separator: ", "))",
                hint: "remove it by name, or use --force", code: .inUse, operand: text)
        }
        return (names, images)
    }

    /// Removes images that nothing needs, and what killed loads and removals left.
    /// - Parameters:
    ///   - unnamedOnly: only images without a name; else also those that no container uses.
    ///   - isWanted: says of each of these whether it goes.
    package func prune(
        unnamedOnly: Bool = true, where isWanted: (ListedImage) -> Bool = { _ in true }
    ) throws(StepError) -> ImageRemoval {
        let held = try exclusiveLock()
        defer { _ = held.borrowed }
        var all = try ImageNames.read(root.borrowed)
        var result = ImageRemoval()
        var doomed: [ListedImage] = []
        for listed in try listedImages() where listed.users.isEmpty && isWanted(listed) {
            if listed.isDangling || !unnamedOnly { doomed.append(listed) }
        }
        result.untagged = doomed.flatMap { $0.names.map(\.name) }
        result.deleted = doomed.map(\.image.configDigest)
        all.names.removeAll { named in doomed.contains { $0.image.manifestDigest == named.manifest } }
        try all.write(root.borrowed)
        for listed in doomed { try discard("images/\(listed.image.manifestDigest.fileName)") }
        result.reclaimedBytes = try collectGarbage()
        result.reclaimedBytes += try sweepTemporary()
        return result
    }

    private func sweepTemporary() throws(StepError) -> Int64 {
        let step: Step = "sweep the image store \(path)"
        return try during(step) { () throws(SyscallError) in
            let before = try DiskUsage.of("tmp", in: root.borrowed)
            try sweep()
            return before - (try DiskUsage.of("tmp", in: root.borrowed))
        }
    }
}
