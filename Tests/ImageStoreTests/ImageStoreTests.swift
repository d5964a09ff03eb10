import ImageSpec
import ImageStore
import JSONCoding
import LinuxSystem
import Testing

/// A store in a temporary directory with images that are made by hand.
private final class TestStore {
    let path: Path

    init() throws {
        path = "/tmp/skiff-store-\(currentProcessID().rawValue)-\(Clock.monotonicNanoseconds())"
        _ = try ImageStore.open(path)
    }

    deinit {
        bestEffort("what stays is in /tmp") { () throws(SyscallError) in try removeTree(path) }
    }

    func open() throws -> ImageStore { try ImageStore.open(path) }

    static func digest(_ digit: String) throws -> Digest {
        try #require(Digest(.sha256, hex: String(repeating: digit, count: 64)))
    }

    /// Adds an image whose layers hold one file each, named like the layer.
    @discardableResult
    func add(_ name: String, manifest: String, layers: [String]) throws -> StoredImage {
        let store = try open()
        let staging = try store.beginLoad()
        let config = Array(
            "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}}"
                .utf8)
        let image = try StoredImage(
            manifestDigest: Self.digest(manifest), configDigest: Self.digest("c"),
            layers: layers.map {
                StoredImage.Layer(diffID: try Self.digest($0), chainID: try Self.digest($0), size: 10)
            }, configBytes: config)
        for layer in image.layers where try !store.hasLayer(layer.chainID) {
            let name: Path = "layer-\(layer.chainID.short)"
            let tree = try store.prepare(layer, as: name, in: staging)
            try tree.borrowed.changeMode(0o751)
            let file: Path = "\(layer.chainID.hex.prefix(1))"
            _ = try LinuxSystem.open(file, [.writeOnly, .create], mode: 0o644, in: tree.borrowed)
            try store.add(layer, from: name, in: staging)
        }
        let missing = try store.add(
            image, manifest: Array("{}".utf8), names: [ImageReference(name)], staged: staging)
        #expect(missing.isEmpty)
        return image
    }

    func names(in directory: Path) throws -> [String] {
        let found = try LinuxSystem.open(path.appending(directory), [.readOnly, .directory])
        return try found.borrowed.list().map(\.name.string).sorted()
    }
}

@Suite struct ImageStoreTests {
    @Test func `I-22: the store and what it holds belong to its owner alone`() throws {
        let test = try TestStore()
        for name in ["", "images", "layers", "snapshots", "tmp"] as [Path] {
            #expect(try status(of: test.path.appending(name)).mode & 0o777 == 0o700)
        }
    }

    @Test func `a store of a later layout is refused`() throws {
        let test = try TestStore()
        try writeFile(test.path.appending("store.json"), "{\"version\":2}\n")
        let error = #expect(throws: StepError.self) { _ = try test.open() }
        #expect(error?.description.contains("version 2") == true)
    }

    /// Word for word what the first version wrote; only members may be added to it.
    @Test func `a store as the first version wrote it is read, and cleaned up`() throws {
        let test = try TestStore()
        let (a, one) = (String(repeating: "a", count: 64), String(repeating: "1", count: 64))
        let folder = test.path.appending("images/sha256-\(a)")
        try makeDirectory(folder, mode: 0o700)
        let config =
            #"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:\#(one)"]}}"#
        let files: [(Path, String)] = [
            ("store.json", "{\"version\":1}\n"),
            (
                "names.json",
                """
                {
                  "images": [
                    {
                      "name": "web:1",
                      "manifest": "sha256:\(a)",
                      "loaded": "2026-11-20T10:00:00Z"
                    }
                  ]
                }
                """
            ),
            ("images/sha256-\(a)/config.json", config),
            (
                "images/sha256-\(a)/manifest.json",
                #"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"#
                    + #""sha256:\#(one)","size":2},"layers":[{"mediaType":"#
                    + #""application/vnd.oci.image.layer.v1.tar","digest":"sha256:\#(one)","size":10}]}"#
            ),
            (
                "images/sha256-\(a)/record.json",
                #"{"manifest":"sha256:\#(a)","configDigest":"sha256:\#(one)","layers":[{"diffID":"sha256:\#(one)","#
                    + #""chainID":"sha256:\#(one)","size":10}],"config":\#(config)}"#
            ),
        ]
        for (name, text) in files {
            let file = try LinuxSystem.open(
                test.path.appending(name), [.writeOnly, .create, .truncate], mode: 0o600)
            try file.borrowed.writeAll(text)
        }
        try makeDirectories(test.path.appending("layers/sha256-\(one)/fs"), mode: 0o755)
        let store = try test.open()
        let listed = try store.allImages()
        #expect(listed.flatMap { $0.names.map(\.name.description) } == ["web:1"])
        #expect(listed.map(\.image.size) == [10])
        #expect(try store.blobDigests(of: listed[0].image.manifestDigest).map(\.hex) == [one])
        #expect(try store.remove("web:1").deleted.map(\.hex) == [one])
        #expect(try test.names(in: "layers").isEmpty && test.names(in: "images").isEmpty)
    }

    @Test func `images are found by name, long name, digest and the beginning of an id`() throws {
        let test = try TestStore()
        try test.add("docker.io/library/web:1", manifest: "a", layers: ["1"])
        try test.add("web:2", manifest: "b", layers: ["1", "2"])
        let store = try test.open()
        let (one, two) = (try TestStore.digest("a"), try TestStore.digest("b"))
        #expect(try store.resolve("web:1")?.image.manifestDigest == one)
        #expect(try store.resolve("docker.io/library/web:2")?.image.manifestDigest == two)
        #expect(try store.resolve("web@\(two)")?.image.manifestDigest == two)
        #expect(try store.resolve("web:1@\(two)") == nil)
        #expect(try store.resolve("bbbbbbb")?.image.manifestDigest == two)
        #expect(try store.resolve("sha256:aaaaaa")?.image.manifestDigest == one)
        #expect(try store.resolve("web") == nil)
        #expect(throws: StepError.self) { try store.resolve("cccccc") }
        #expect(throws: StepError.self) { try store.resolve("Web") }
    }

    @Test func `a name moves to the image that was loaded last`() throws {
        let test = try TestStore()
        try test.add("web", manifest: "a", layers: ["1"])
        try test.add("web", manifest: "b", layers: ["2"])
        let images = try test.open().images()
        #expect(images.map(\.named.manifest) == [try TestStore.digest("b")])
    }

    @Test func `removing an image removes what nothing else uses`() throws {
        let test = try TestStore()
        try test.add("one", manifest: "a", layers: ["1", "2"])
        try test.add("two", manifest: "b", layers: ["1", "3"])
        #expect(try test.open().remove("one").untagged.map(\.description) == ["one:latest"])
        #expect(try test.names(in: "layers").count == 2)
        #expect(try test.names(in: "images").count == 1)
        #expect(try test.open().remove("two").untagged.count == 1)
        #expect(try test.names(in: "layers").isEmpty)
        #expect(throws: StepError.self) { try test.open().remove("two") }
    }

    @Test func `layers stay while a container or a load may use them`() throws {
        let test = try TestStore()
        let image = try test.add("web", manifest: "a", layers: ["1", "2"])
        let store = try test.open()
        let snapshot = try store.prepareSnapshot(of: image, as: ImageReference("web"), named: "box")
        let error = #expect(throws: StepError.self) { try store.remove("web") }
        #expect(error?.description.contains("used by container box") == true)
        try store.remove("web", force: true)
        #expect(try test.names(in: "layers").count == 2)
        try snapshot.remove()

        try test.add("web", manifest: "a", layers: ["1", "2"])
        do {
            let loading = try store.beginLoad()
            try store.remove("web")
            #expect(try test.names(in: "layers").count == 2)
            _ = loading.directory
        }
        try test.add("other", manifest: "b", layers: ["3"])
        try store.remove("other")
        #expect(try test.names(in: "layers").isEmpty)
    }

    @Test func `tags are given and taken, and an image without one stays until it is pruned`() throws {
        let test = try TestStore()
        try test.add("web", manifest: "a", layers: ["1"])
        try test.add("other", manifest: "b", layers: ["2"])
        let store = try test.open()
        try store.tag("web", as: [ImageReference("web:2"), ImageReference("other")])
        let digest = try TestStore.digest("a")
        #expect(try store.images().map(\.named.name.description) == ["other:latest", "web:2", "web:latest"])
        #expect(try store.images().allSatisfy { $0.named.manifest == digest })
        #expect(try store.allImages().map(\.isDangling) == [false, true])
        #expect(throws: StepError.self) { try store.tag("missing", as: [ImageReference("x")]) }
        #expect(throws: StepError.self) { try store.untag("web", [ImageReference("web:9")]) }
        #expect(try store.untag("web:2", [ImageReference("web")]).map(\.description) == ["web:latest"])
        #expect(try store.prune { _ in false }.deleted.isEmpty)
        #expect(try store.prune().deleted.count == 1)
        #expect(try store.allImages().map(\.image.manifestDigest) == [digest])
        let found = try store.resolve(digest.hex)
        let image = try #require(found?.image)
        let snapshot = try store.prepareSnapshot(of: image, as: ImageReference("web:2"), named: "box")
        #expect(try store.prune(unnamedOnly: false).deleted.isEmpty)
        try snapshot.remove()
        #expect(try store.prune(unnamedOnly: false).untagged.count == 2)
        #expect(try test.names(in: "layers").isEmpty && test.names(in: "images").isEmpty)
    }

    @Test func `an id removes an image of one name, a digest the names of its repository`() throws {
        let test = try TestStore()
        try test.add("web", manifest: "a", layers: ["1"])
        let store = try test.open()
        try store.tag("web", as: [ImageReference("web:2"), ImageReference("other")])
        let error = #expect(throws: StepError.self) { try store.remove("aaaaaa") }
        #expect(error?.description.contains("it has 3 names: other:latest, web:2, web:latest") == true)
        let digest = try TestStore.digest("a")
        #expect(try store.remove("web@\(digest)").untagged.map(\.description) == ["web:2", "web:latest"])
        #expect(try store.allImages().count == 1)
        #expect(try store.remove("sha256:aaaaaa").deleted.count == 1)
        #expect(try store.allImages().isEmpty)
        #expect(throws: StepError.self) { try store.remove("aaaaaa") }
    }

    @Test func `a snapshot whose layers are gone is refused with advice`() throws {
        let test = try TestStore()
        let image = try test.add("web", manifest: "a", layers: ["1"])
        try removeTree(test.path.appending("layers/sha256-\(String(repeating: "1", count: 64))"))
        let store = try test.open()
        let error = #expect(throws: StepError.self) {
            _ = try store.prepareSnapshot(of: image, as: ImageReference("web"), named: "box")
        }
        #expect(error?.hint == "load image web:latest again")
    }

    @Test(arguments: ["", ".", "..", "a/b"])
    func `a snapshot's name is a file name`(_ name: String) throws {
        let test = try TestStore()
        let image = try test.add("web", manifest: "a", layers: ["1"])
        let store = try test.open()
        #expect(throws: StepError.self) {
            _ = try store.prepareSnapshot(of: image, as: ImageReference("web"), named: name)
        }
    }
}

@Suite(.enabled(if: effectiveUserID() == 0, "needs root")) struct SnapshotTests {
    @Test func `what a container wrote is there when it is mounted again`() throws {
        let test = try TestStore()
        let image = try test.add("web", manifest: "a", layers: ["1", "2"])
        let store = try test.open()
        do {
            let tree = try store.prepareSnapshot(of: image, as: ImageReference("web"), named: "box").mount()
            let root = try LinuxSystem.open(".", [.readOnly, .directory], in: tree.borrowed)
            #expect(try root.borrowed.list().map(\.name.string).sorted() == ["1", "2"])
            #expect(try root.borrowed.status().mode & 0o7777 == 0o751)
            let file = try LinuxSystem.open("new", [.writeOnly, .create], mode: 0o600, in: root.borrowed)
            try file.borrowed.writeAll("data")
            try unlink("1", in: root.borrowed)
        }
        let snapshot = try store.snapshot(named: "box")
        let tree = try snapshot.mount()
        #expect(try readFile("new", in: tree.borrowed) == Array("data".utf8))
        #expect(try statusIfPresent(of: "1", in: tree.borrowed) == nil)
        #expect(try status(of: snapshot.upperPath.appending("new")).size == 4)
        #expect(try store.leases().map(\.name) == ["box"])
    }

    @Test func `a removed snapshot leaves nothing, a missing one is an error`() throws {
        let test = try TestStore()
        let image = try test.add("web", manifest: "a", layers: ["1"])
        let store = try test.open()
        try store.prepareSnapshot(of: image, as: ImageReference("web"), named: "box").remove()
        #expect(try test.names(in: "snapshots").isEmpty)
        #expect(throws: StepError.self) { _ = try store.snapshot(named: "box") }
        try store.removeSnapshot(named: "box")
    }

    @Test(arguments: OverlayMount.Method.allCases)
    func `every way of telling the kernel the layers gives the same file system`(
        _ method: OverlayMount.Method
    ) throws {
        let test = try TestStore()
        let image = try test.add("web", manifest: "a", layers: ["1", "2", "3"])
        let store = try test.open()
        let snapshot = try store.prepareSnapshot(of: image, as: ImageReference("web"), named: "box")
        let layers = try snapshot.openLayers()
        let writable = try LinuxSystem.open(
            test.path.appending("snapshots/box"), [.readOnly, .directory])
        let before = try readFile("/proc/self/mountinfo").count
        do {
            let tree = try OverlayMount.mount(
                lower: layers.map(\.borrowed), writable: writable.borrowed, name: "box", methods: [method])
            let root = try LinuxSystem.open(".", [.readOnly, .directory], in: tree.borrowed)
            #expect(try root.borrowed.list().map(\.name.string).sorted() == ["1", "2", "3"])
            _ = try LinuxSystem.open("new", [.writeOnly, .create], mode: 0o600, in: root.borrowed)
        }
        withExtendedLifetime(layers) {}
        #expect(try readFile("/proc/self/mountinfo").count == before)
    }

    @Test func `an image without layers is an empty file system`() throws {
        let test = try TestStore()
        let image = try test.add("empty", manifest: "a", layers: [])
        let store = try test.open()
        let tree = try store.prepareSnapshot(of: image, as: ImageReference("empty"), named: "box").mount()
        let root = try LinuxSystem.open(".", [.readOnly, .directory], in: tree.borrowed)
        #expect(try root.borrowed.list().isEmpty)
    }
}
