import ArgumentParser
import ImageStore
import ImageTransfer
import LinuxSystem

extension ImageSaver.Format: ExpressibleByArgument {}

/// `skiff save`.
struct SaveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "save", abstract: "Write images into an archive or a layout.")

    @Argument(help: "Names or ids.") var images: [String]
    @Option(name: .shortAndLong, help: "The file or directory to make; standard output without it.")
    var output: String?
    @Option(name: .long, help: "oci-archive, docker-archive or oci-dir.")
    var format = ImageSaver.Format.ociArchive
    @Flag(name: .shortAndLong, help: "Accepted; nothing is printed.") var quiet = false
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        if images.isEmpty { throw ValidationError("Which image?") }
        if output == "" { throw ValidationError("--output needs a name.") }
    }

    func run() throws {
        let target = output == "-" ? nil : output.map { Path($0) }
        if target == nil, Terminal.isTerminal(.standardOutput) {
            throw ValidationError("An archive is nothing for a terminal; give --output FILE or redirect.")
        }
        try ImageSaver(format).save(images, to: target, from: try storeOptions.open())
    }
}
