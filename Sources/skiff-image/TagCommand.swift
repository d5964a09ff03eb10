import ArgumentParser
import ImageSpec
import ImageStore
import LinuxSystem

/// `skiff tag`.
struct TagCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag", abstract: "Give an image further names.")

    @Argument(help: "A name or an id.") var image: String
    @Argument(help: "The names to give.") var names: [String]
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        if names.isEmpty { throw ValidationError("Which name?") }
        _ = try names.map(newName)
    }

    func run() throws { try storeOptions.open().tag(image, as: try names.map(newName)) }
}

/// `skiff untag`.
struct UntagCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "untag", abstract: "Take names from an image and keep the image.")

    @Argument(help: "A name or an id.") var image: String
    @Argument(help: "The names to take; all of them if none is given.") var names: [String] = []
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws { _ = try names.map(newName) }

    func run() throws {
        for name in try storeOptions.open().untag(image, try names.map(newName)) {
            Output.line("untagged: \(name)")
        }
    }
}

/// A name that an image can be given: one without a digest.
func newName(_ text: String) throws -> ImageReference {
    let name: ImageReference
    do throws(ReferenceError) {
        name = try ImageReference(text)
    } catch {
        throw ValidationError("\(error)")
    }
    if name.digest != nil { throw ValidationError("image reference \"\(text)\": a new name has no digest") }
    return name
}
