import ArgumentParser
import ImageSpec
import ImageStore
import LinuxSystem

/// `skiff image mount`.
struct MountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Mount an image read-only and print where; without a name list what is mounted.")

    @Argument(help: "Names or ids.") var images: [String] = []
    @OptionGroup var storeOptions: StoreOptions

    func run() throws {
        let store = try storeOptions.open()
        for image in images { Output.line("\(try store.mountImage(image))") }
        if !images.isEmpty { return }
        for mounted in try store.mountedImages() { Output.line("\(mounted.reference) \(mounted.place)") }
    }
}

/// `skiff image unmount`.
struct UnmountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unmount", abstract: "Take the mounts of images off.", aliases: ["umount"])

    @Argument(help: "Names or ids.") var images: [String] = []
    @Flag(name: .shortAndLong, help: "Every image.") var all = false
    @Flag(name: .shortAndLong, help: "Even while it is in use.") var force = false
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        if images.isEmpty != all { throw ValidationError("Give names, or --all.") }
    }

    func run() throws {
        let store = try storeOptions.open()
        if all {
            for mounted in try store.mountedImages() {
                try store.unmountImage(mounted.manifest.description, force: force)
            }
        }
        for image in images { try store.unmountImage(image, force: force) }
    }
}
