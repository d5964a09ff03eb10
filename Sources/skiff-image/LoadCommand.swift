import ArgumentParser
import ImageSpec
import ImageStore
import ImageTransfer
import JSONCoding
import LinuxSystem

/// `skiff load`.
///
/// What programs may rely on:
/// - The exit code is 0 when everything is loaded, 1 when nothing is used of it, 2 for a wrong command line.
/// - Standard output has one line per image, in the file's order: `NAME@DIGEST`, where DIGEST is the
///   manifest's;
///   with `--json` an object with `name`, `names`, `digest`, `id`, `layers`, `unpacked`. Nothing else is printed
///   there, so with `--single` the only line is the image.
/// - `NAME@DIGEST` can be given to every command that takes an image, and names exactly what was loaded even
///   if the
///   name moves on.
/// - Progress goes to standard error, and not at all with `--quiet`; with `--progress json` it is an object a line:
///   `event` (`layer`), `number`, `count`, `diffID`, `size`, `state` (`present`, `waiting`, `started`, `reading`,
///   `unpacked`), `read`.
/// - SIGINT, SIGTERM and SIGHUP stop it in good order, with 128 and the signal's number.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Load images from an archive or a layout.",
        discussion: """
            SOURCE is a file or directory whose kind is detected, oci:DIR[:TAG], oci-archive:FILE[:TAG] or \
            docker-archive:FILE[:REFERENCE]; without SOURCE, or with -, an archive is read from standard input.
            """)

    @Argument(help: "Where the images are.") var source: String?
    @Option(name: .shortAndLong, help: "The same as SOURCE, as docker has it.") var input: String?
    @Option(name: .long, help: "Name to give instead of the file's own; may be repeated.") var name:
        [String] = []
    @Option(name: .long, help: "Take the image for OS/ARCH[/VARIANT].") var platform: String?
    @Flag(name: .long, help: "Refuse a file that holds several images.") var single = false
    @Flag(name: .long, help: "Keep the layers' blobs as they are, so that save gives equal digests.")
    var keepBlobs = false
    @Flag(name: .shortAndLong, help: "Print no progress.") var quiet = false
    @Option(name: .long, help: "How to show progress: auto, bars, plain, json or none.")
    var progress = ProgressView.Mode.auto
    @Flag(name: .long, help: "Print JSON.") var json = false
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        if source != nil, input != nil { throw ValidationError("SOURCE and --input are the same; give one.") }
        _ = try request()
    }

    func run() throws {
        let store = try storeOptions.open()
        let interruption: Interruption
        do throws(SyscallError) {
            interruption = try Interruption()
        } catch {
            throw StepError("hold signals back", error)
        }
        let view = ProgressView(quiet ? .none : progress)
        let loader = ImageLoader(try request(), interruption: interruption) { view.tell($0) }
        do {
            try load(loader, store)
        } catch {
            // As a shell tells a death by a signal.
            guard let number = interruption.number else { throw error }
            Output.error("\(error)")
            throw ExitCode(128 + number)
        }
    }

    private func load(_ loader: ImageLoader, _ store: borrowing ImageStore) throws {
        for loaded in try loader.load(into: store) { print(loaded) }
    }

    private func request() throws -> ImageLoader.Request {
        var request = try place()
        request.wantsOne = single
        request.keepsBlobs = keepBlobs
        request.names = try name.map { text in
            do { return try ImageReference(text) } catch { throw ValidationError("\(error)") }
        }
        if let platform {
            guard let wanted = Platform(parsing: platform) else {
                throw ValidationError("\(platform) is no platform; write OS/ARCH[/VARIANT].")
            }
            request.platform = wanted
        }
        return request
    }

    private func place() throws -> ImageLoader.Request {
        guard let text = source ?? input, text != "-" else { return ImageLoader.Request(path: nil) }
        let transports = ImageSource.Format.allCases.filter { $0 != .detected }
        guard transports.contains(where: { text.hasPrefix($0.rawValue + ":") }) else {
            return ImageLoader.Request(path: Path(text))
        }
        do throws(ReferenceError) {
            if case .file(let path, let format, let selector) = try ImageSource(parsing: text) {
                return ImageLoader.Request(path: Path(path), format: format, selector: selector)
            }
            return ImageLoader.Request(path: Path(text))
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func print(_ loaded: ImageLoader.Loaded) {
        guard let name = loaded.names.first else { return }
        if !json { return Output.line("\(name)@\(loaded.manifestDigest)") }
        var writer = JSONWriter()
        writer.object { writer in
            writer.field("name", name.description)
            writer.field("names", loaded.names.map(\.description))
            writer.field("digest", loaded.manifestDigest)
            writer.field("id", loaded.configDigest)
            writer.field("layers", loaded.layers)
            writer.field("unpacked", loaded.unpacked)
        }
        Output.line(String(decoding: writer.finish(), as: UTF8.self))
    }
}
