import ArgumentParser
import ImageStore
import LinuxSystem

/// `skiff rmi`.
struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rmi", abstract: "Remove images, and from the disk what nothing uses any more.")

    @Argument(help: "Names or ids.") var images: [String]
    @Flag(
        name: .shortAndLong, help: "Also an image that containers use; its layers stay until they are gone.")
    var force = false
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        if images.isEmpty { throw ValidationError("Which image?") }
    }

    func run() throws {
        let store = try storeOptions.open()
        var hasFailed = false
        for image in images {
            do throws(StepError) {
                for name in try store.remove(image, force: force) { Output.line("untagged: \(name)") }
            } catch {
                Output.error("\(error)")
                hasFailed = true
            }
        }
        if hasFailed { throw ExitCode(1) }
    }
}
