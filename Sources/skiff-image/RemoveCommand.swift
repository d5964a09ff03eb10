import ArgumentParser
import ImageStore
import LinuxSystem

/// `skiff rmi`.
struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rmi", abstract: "Remove images, and from the disk what nothing uses any more.",
        aliases: ["rm"])

    @Argument(help: "Names or ids.") var images: [String] = []
    @Flag(
        name: .shortAndLong,
        help: "All names of an id; and an image that containers use, whose layers stay until they are gone.")
    var force = false
    @Flag(name: .shortAndLong, help: "Every image that no container uses.") var all = false
    @Flag(name: .shortAndLong, help: "An image that is not there is no failure.") var ignore = false
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        if images.isEmpty, !all { throw ValidationError("Which image?") }
        if !images.isEmpty, all { throw ValidationError("--all takes no names.") }
    }

    func run() throws {
        let store = try storeOptions.open()
        if all { return show(try store.prune(unnamedOnly: false)) }
        var hasFailed = false
        for image in images {
            do throws(StepError) {
                show(try store.remove(image, force: force))
            } catch {
                if ignore, error.code == .imageNotFound { continue }
                Output.error("\(error)")
                hasFailed = true
            }
        }
        if hasFailed { throw ExitCode(1) }
    }
}

/// Prints what was removed, one line each.
func show(_ removal: ImageRemoval) {
    for name in removal.untagged { Output.line("untagged: \(name)") }
    for id in removal.deleted { Output.line("deleted: \(id)") }
}
