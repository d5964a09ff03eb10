import ArgumentParser
import ImageSpec
import ImageStore
import ImageTransfer
import LinuxSystem

/// What `commit` and `import` say about the new image.
struct MakeOptions: ParsableArguments {
    @Option(
        name: .shortAndLong, help: "CMD, ENTRYPOINT, ENV, LABEL, WORKDIR, USER, EXPOSE, VOLUME or STOPSIGNAL."
    )
    var change: [String] = []
    @Option(name: .shortAndLong, help: "Who makes it.") var author: String?
    @Option(name: .shortAndLong, help: "A remark for its history.") var message: String?

    func request(_ name: String?, createdBy: String) throws -> ImageMaker.Request {
        var request = ImageMaker.Request()
        request.names = try name.map { [try newName($0)] } ?? []
        request.changes = try change.map { text in
            do throws(StepError) {
                return try ConfigChange(text)
            } catch {
                throw ValidationError("\(error)")
            }
        }
        request.author = author
        request.message = message
        request.createdBy = createdBy
        return request
    }
}

/// How owners on the disk become those of an archive.
struct IDOptions: ParsableArguments {
    @Option(name: .long, help: "INSIDE:OUTSIDE:COUNT of the container's user namespace.") var uidmap:
        [String] = []
    @Option(name: .long, help: "INSIDE:OUTSIDE:COUNT of the container's user namespace.") var gidmap:
        [String] = []

    func shift() throws -> IDShift {
        func read(_ texts: [String]) throws -> [IDShift.Range] {
            try texts.map { text in
                guard let range = IDShift.Range(text) else {
                    throw ValidationError("\(text) is not INSIDE:OUTSIDE:COUNT.")
                }
                return range
            }
        }
        return IDShift(users: try read(uidmap), groups: try read(gidmap))
    }
}

/// `skiff-image commit`, which only `skiff commit` runs: it knows containers by the names of their snapshots.
struct CommitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit", abstract: "Make an image of what a container has written.",
        shouldDisplay: false)

    @Argument(help: "The snapshot.") var container: String
    @Argument(help: "The name of the image.") var name: String?
    @Option(name: .long, help: "A mount point of the container.") var skip: [String] = []
    @Option(name: .long, help: "What the history says.") var createdBy = ""
    @OptionGroup var options: MakeOptions
    @OptionGroup var ids: IDOptions
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws { _ = try options.request(name, createdBy: createdBy) }

    func run() throws {
        let maker = ImageMaker(try options.request(name, createdBy: createdBy))
        let id = try maker.commit(
            container, mountPoints: skip.map { Path($0) }, ids: try ids.shift(), into: try storeOptions.open()
        )
        Output.line("\(id)")
    }
}

/// `skiff-image export`, which only `skiff export` runs.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a container's files as a tar archive.", shouldDisplay: false)

    @Argument(help: "The snapshot.") var container: String
    @Option(name: .shortAndLong, help: "The file to make.") var output: String?
    @OptionGroup var ids: IDOptions
    @OptionGroup var storeOptions: StoreOptions

    func run() throws {
        let target = output == "-" ? nil : output.map { Path($0) }
        if target == nil, Terminal.isTerminal(.standardOutput) {
            throw ValidationError("An archive is nothing for a terminal; give --output FILE or redirect.")
        }
        try ImageExporter.export(container, to: target, ids: try ids.shift(), from: try storeOptions.open())
    }
}

/// `skiff import`.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make an image of a file system in a tar archive.")

    @Argument(help: "The archive, also compressed; - for standard input.") var source: String
    @Argument(help: "The name of the image.") var name: String?
    @Flag(name: .shortAndLong, help: "Accepted; only the id is printed.") var quiet = false
    @OptionGroup var options: MakeOptions
    @OptionGroup var storeOptions: StoreOptions

    func validate() throws {
        if source.isEmpty { throw ValidationError("Which archive?") }
        _ = try options.request(name, createdBy: "")
    }

    func run() throws {
        let label = source == "-" ? "standard input" : Path(source).lastComponent?.string ?? source
        let maker = ImageMaker(try options.request(name, createdBy: "skiff import \(label)"))
        let id = try maker.importArchive(source == "-" ? nil : Path(source), into: try storeOptions.open())
        Output.line("\(id)")
    }
}
