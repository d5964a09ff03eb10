internal import ImageSpec
internal import ImageStore
internal import JSONCoding
internal import LinuxSystem

/// Finds the image that a person means: in the store by name or id, or in a file or directory, which is loaded first.
struct ImageLookup {
    /// An image of the store.
    struct Found {
        let image: StoredImage
        let reference: ImageReference
    }

    let home: EngineHome
    /// The caller's environment, for the helper.
    let environment: [String]

    /// The image; a file is loaded by the helper, whose messages go to standard error.
    func find(_ text: String) throws(StepError) -> Found {
        let source: ImageSource
        do throws(ReferenceError) {
            source = try ImageSource(parsing: text)
        } catch {
            throw StepError(
                "read the image's name", refused: error.description, code: .idInvalid, operand: text)
        }
        switch source {
        case .stored: return try resolve(text)
        case .file: return try resolve(try load(text))
        }
    }

    private func resolve(_ text: String) throws(StepError) -> Found {
        let store = try ImageStore.open(home.store)
        guard let found = try store.resolve(text) else {
            throw StepError(
                "find image '\(text)'", refused: "no such image in \(home.store)",
                hint: "skiff load FILE puts one there, skiff images lists them", code: .imageNotFound,
                operand: text)
        }
        return Found(image: found.image, reference: found.reference)
    }

    /// Loads a file and gives the name that the image got.
    private func load(_ text: String) throws(StepError) -> String {
        let executable = try during("find skiff's own file") { () throws(SyscallError) in
            try readLink("/proc/self/exe")
        }
        let result = try ImageProgram.run(
            executable: executable,
            arguments: ["load", "--store", home.store.string, "--single", "--quiet", text],
            environment: environment)
        let name = result.output.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
        guard result.exitCode == 0, !name.isEmpty else {
            throw StepError(
                "load \(text)", refused: "skiff-image ended with exit code \(result.exitCode)",
                code: .imageDamaged)
        }
        return name
    }
}
