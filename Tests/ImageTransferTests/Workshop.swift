import DigestBinding
import Foundation
import ImageSpec
import ImageStore
import ImageTransfer
import JSONCoding
import LinuxSystem
import Testing

/// A temporary directory with a store, and images made by hand in it.
final class Workshop {
    let path: String

    init() throws {
        path = "/tmp/skiff-images-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        bestEffort("what stays is in /tmp") { () throws(SyscallError) in try removeTree(Path(path)) }
    }

    func store() throws -> ImageStore { try ImageStore.open(Path(path + "/store")) }

    /// How a layer lies in the image, and what the image falsely says about it.
    struct Layer {
        var blob: [UInt8]
        var diffID: Digest
        var digest: Digest
        var size: Int64
        var mediaType = "application/vnd.oci.image.layer.v1.tar"

        init(_ tar: [UInt8], blob: [UInt8]? = nil) {
            self.blob = blob ?? tar
            diffID = sha256(tar)
            digest = sha256(self.blob)
            size = Int64(self.blob.count)
        }
    }

    /// Files of an OCI layout by name.
    static func layout(
        _ layers: [Layer], name: String? = "test:1", platform: String = Platform.host.architecture,
        extraConfig: String = ""
    ) -> [(String, [UInt8])] {
        let diffIDs = layers.map { "\"\($0.diffID)\"" }.joined(separator: ",")
        let config = Array(
            """
            {"architecture":"\(platform)","os":"linux","config":{"Cmd":["/bin/sh"]}\(extraConfig),\
            "rootfs":{"type":"layers","diff_ids":[\(diffIDs)]}}
            """.utf8)
        let manifest = Manifest(
            config: Descriptor(mediaType: .config, digest: sha256(config), size: Int64(config.count)),
            layers: layers.map {
                Descriptor(mediaType: MediaType(rawValue: $0.mediaType), digest: $0.digest, size: $0.size)
            }
        ).json()
        var descriptor = Descriptor(
            mediaType: .manifest, digest: sha256(manifest), size: Int64(manifest.count))
        if let name { descriptor.annotations[Descriptor.referenceName] = name }
        var files: [(String, [UInt8])] = [
            ("oci-layout", Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8)),
            ("index.json", Index(manifests: [descriptor]).json()),
            ("blobs/sha256/\(sha256(manifest).hex)", manifest),
            ("blobs/sha256/\(sha256(config).hex)", config),
        ]
        for layer in layers { files.append(("blobs/sha256/\(layer.digest.hex)", layer.blob)) }
        return files
    }

    /// Writes files into a directory.
    func directory(_ files: [(String, [UInt8])], _ name: String = "layout") throws -> String {
        let root = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: root + "/blobs/sha256", withIntermediateDirectories: true)
        for (name, bytes) in files { try Data(bytes).write(to: URL(fileURLWithPath: "\(root)/\(name)")) }
        return root
    }

    /// Writes files into a tar archive.
    func archive(_ files: [(String, [UInt8])], _ name: String = "image.tar") throws -> String {
        var tar = TarBuilder()
        for (name, bytes) in files { tar.add(name, data: bytes) }
        try Data(tar.finished()).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }

    @discardableResult
    func load(
        _ source: String, _ change: (inout ImageLoader.Request) -> Void = { _ in }
    ) throws -> [ImageLoader.Loaded] {
        var request = ImageLoader.Request(path: Path(source))
        change(&request)
        return try ImageLoader(request).load(into: store())
    }

    /// Loads layers as one image and gives what a container would see.
    func mounted(_ tars: [[UInt8]], _ check: (BorrowedFD) throws -> Void) throws {
        try load(directory(Self.layout(tars.map { Layer($0) })))
        let store = try store()
        let found = try #require(try store.resolve("test:1"))
        let snapshot = try store.prepareSnapshot(of: found.image, as: found.reference, named: "view")
        let tree = try snapshot.mount()
        try check(tree.borrowed)
        _ = tree.release()
    }

    /// The message with which loading these layers is refused; afterwards the store must be empty.
    func refusal(_ layers: [Layer], _ change: (inout ImageLoader.Request) -> Void = { _ in }) throws -> String
    {
        let source = try directory(Self.layout(layers))
        return try refusal(of: source, change)
    }

    func refusal(
        of source: String, _ change: (inout ImageLoader.Request) -> Void = { _ in }
    ) throws -> String {
        var message = ""
        do {
            try load(source, change)
            Issue.record("it was loaded")
        } catch let error as StepError {
            message = error.description
        }
        for place in ["images", "layers", "tmp"] {
            #expect(try names(in: "\(path)/store/\(place)") == [], "left in \(place)")
        }
        return message
    }

    func names(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    }

    /// Runs a program with bytes on its standard input and gives its output.
    func filter(_ program: String, _ arguments: [String] = [], _ input: [UInt8]) throws -> [UInt8] {
        let file = "\(path)/input"
        try Data(input).write(to: URL(fileURLWithPath: file))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = FileHandle(forReadingAtPath: file)
        let pipe = Foundation.Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return Array(output)
    }
}

func sha256(_ bytes: [UInt8]) -> Digest { Digest(.sha256, bytes: RunningDigest.of(bytes, by: .sha256)) }

/// A tar archive.
func tar(_ build: (inout TarBuilder) -> Void) -> [UInt8] {
    var builder = TarBuilder()
    build(&builder)
    return builder.finished()
}

/// Whether the tests may mount and make devices.
let isRoot = effectiveUserID() == 0
