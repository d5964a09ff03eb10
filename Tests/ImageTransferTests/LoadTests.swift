import Foundation
import ImageSpec
import ImageStore
import ImageTransfer
import JSONCoding
import LinuxSystem
import Testing

private let sample = tar { tar in
    tar.add("bin/", type: "5")
    tar.add("bin/sh", data: Array("program".utf8), mode: 0o755)
}

@Suite(.enabled(if: isRoot, "needs root")) struct LoadTests {
    @Test func `IMG-31: directories, archives and compressed archives hold the same image`() throws {
        let files = Workshop.layout([Workshop.Layer(sample)])
        var digests: Set<Digest> = []
        for program in ["", "/bin/gzip", "/usr/bin/xz"] {
            let workshop = try Workshop()
            let source = try workshop.archive(files)
            if !program.isEmpty {
                let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: source)))
                try Data(workshop.filter(program, [], bytes)).write(to: URL(fileURLWithPath: source))
            }
            let loaded = try #require(try workshop.load(source).first)
            #expect(loaded.names.map(\.description) == ["test:1"])
            #expect(loaded.unpacked == 1)
            digests.insert(loaded.manifestDigest)
        }
        let workshop = try Workshop()
        digests.insert(try #require(try workshop.load(workshop.directory(files)).first).manifestDigest)
        #expect(digests.count == 1)
    }

    @Test func `IMG-3: gzip layers with several members are whole`() throws {
        let workshop = try Workshop()
        let half = sample.count / 2
        let blob =
            try workshop.filter("/bin/gzip", [], Array(sample[..<half]))
            + workshop.filter("/bin/gzip", [], Array(sample[half...]))
        var layer = Workshop.Layer(sample, blob: blob)
        layer.mediaType += "+gzip"
        #expect(try workshop.load(workshop.directory(Workshop.layout([layer]))).first?.unpacked == 1)
    }

    @Test func `loading again unpacks nothing, and a second name shares the layers`() throws {
        let workshop = try Workshop()
        let source = try workshop.directory(Workshop.layout([Workshop.Layer(sample)]))
        #expect(try workshop.load(source).first?.unpacked == 1)
        #expect(try workshop.load(source).first?.unpacked == 0)
        try workshop.load(source) { $0.names = [(try? ImageReference("other:2")) ?? $0.names[0]] }
        #expect(try workshop.store().images().map(\.named.name.description) == ["other:2", "test:1"])
        #expect(try workshop.names(in: workshop.path + "/store/layers").count == 1)
    }

    @Test func `IMG-20, 21, 28: a wrong digest, size or DiffID is found before anything is used`() throws {
        let other = sha256([1, 2, 3])
        var layer = Workshop.Layer(sample)
        layer.diffID = other
        var message = try Workshop().refusal([layer])
        #expect(message.contains("uncompressed content has the digest"), "\(message)")

        layer = Workshop.Layer(sample)
        layer.size += 1
        message = try Workshop().refusal([layer])
        #expect(message.contains("its descriptor says"), "\(message)")

        layer = Workshop.Layer(sample)
        layer.blob[600] ^= 1
        message = try Workshop().refusal([layer])
        #expect(message.contains("its content has the digest"), "\(message)")

        let good = Workshop.Layer(sample)
        var files = Workshop.layout([good, good])
        files[2].1[20] ^= 1
        let workshop = try Workshop()
        message = try workshop.refusal(of: workshop.directory(files))
        #expect(message.contains("verify manifest"), "\(message)")
    }

    @Test func `a good layer under a bad one does not stay`() throws {
        var bad = Workshop.Layer(tar { $0.add("x", data: [1]) })
        bad.diffID = sha256([9])
        _ = try Workshop().refusal([Workshop.Layer(sample), bad])
    }

    @Test func `truncated gzip is an error that names the layer`() throws {
        let workshop = try Workshop()
        let whole = try workshop.filter("/bin/gzip", [], sample)
        let layer = Workshop.Layer(sample, blob: Array(whole.dropLast(20)))
        let message = try workshop.refusal([layer])
        #expect(message.contains("unpack layer \(layer.digest)"), "\(message)")
    }

    @Test func `IMG-27, 28: layers and DiffIDs must be as many`() throws {
        let workshop = try Workshop()
        let files = Workshop.layout(
            [Workshop.Layer(sample)], extraConfig: ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]}")
        let message = try workshop.refusal(of: workshop.directory(files))
        #expect(message.contains("occurs twice"), "\(message)")
    }

    @Test func `IMG-25: an image for another machine is refused unless it is asked for`() throws {
        let workshop = try Workshop()
        let files = Workshop.layout([Workshop.Layer(sample)], platform: "s390x")
        let source = try workshop.directory(files)
        let message = try workshop.refusal(of: source)
        #expect(message.contains("linux/s390x"), "\(message)")
        #expect(
            try workshop.load(source) { $0.platform = Platform(os: "linux", architecture: "s390x") }.count
                == 1)
    }

    @Test func `IMG-24: an index in itself comes to an end`() throws {
        var files = Workshop.layout([Workshop.Layer(sample)])
        var inner = files[1].1
        for _ in 0..<12 {
            let descriptor = Descriptor(mediaType: .index, digest: sha256(inner), size: Int64(inner.count))
            files.append(("blobs/sha256/\(sha256(inner).hex)", inner))
            inner = Index(manifests: [descriptor]).json()
        }
        files[1].1 = inner
        let workshop = try Workshop()
        let message = try workshop.refusal(of: workshop.directory(files))
        #expect(message.contains("nested deeper"), "\(message)")
    }

    @Test func `IMG-32: an image is picked by its tag`() throws {
        let one = Workshop.layout([Workshop.Layer(sample)], name: "v1")
        let two = Workshop.layout([Workshop.Layer(tar { $0.add("x", data: [1]) })], name: "v2")
        var files = one + two.filter { file in !one.contains { $0.0 == file.0 } }
        let indexes = try [one, two].map { try ImageDocument(json: $0[1].1) }
        let all = indexes.flatMap { document in
            if case .index(let index) = document { return index.manifests }
            return []
        }
        files[1].1 = Index(manifests: all).json()
        let workshop = try Workshop()
        let source = try workshop.directory(files, "web")
        #expect(
            try workshop.load(source) { $0.selector = "v2" }.first?.names.map(\.description) == ["web:v2"])
        #expect(try workshop.load(source).count == 2)
        let several = #expect(throws: StepError.self) { try workshop.load(source) { $0.wantsOne = true } }
        #expect(several?.description.contains("several images") == true)
        let missing = #expect(throws: StepError.self) { try workshop.load(source) { $0.selector = "v3" } }
        #expect(missing?.description.contains("known: v1, v2") == true)
    }

    @Test func `IMG-34: old docker archives with linked layers are read`() throws {
        let top = tar { $0.add("top", data: [1]) }
        let config = Array(
            """
            {"architecture":"\(Platform.host.architecture)","os":"linux","rootfs":{"type":"layers",
             "diff_ids":["\(sha256(sample))","\(sha256(top))","\(sha256(sample))"]}}
            """.utf8)
        let manifest =
            "[{\"Config\":\"\(sha256(config).hex).json\",\"RepoTags\":[\"docker.io/library/old:1\"],"
            + "\"Layers\":[\"aa/layer.tar\",\"bb/layer.tar\",\"cc/layer.tar\"]}]"
        let archive = tar { tar in
            tar.add("aa/layer.tar", data: sample)
            tar.add("bb/layer.tar", data: top)
            tar.add("cc/layer.tar", type: "2", link: "../aa/layer.tar")
            tar.add("\(sha256(config).hex).json", data: config)
            tar.add("manifest.json", data: Array(manifest.utf8))
        }
        let workshop = try Workshop()
        try Data(archive).write(to: URL(fileURLWithPath: workshop.path + "/old.tar"))
        let loaded = try #require(try workshop.load(workshop.path + "/old.tar").first)
        #expect(loaded.unpacked == 3)
        #expect(loaded.configDigest == sha256(config))
        #expect(try workshop.store().resolve("old:1")?.image.manifestDigest == loaded.manifestDigest)
        #expect(try workshop.load(workshop.path + "/old.tar").first?.unpacked == 0)
    }

    @Test func `IMG-35: an archive whose two descriptions disagree is refused`() throws {
        let wrong = "[{\"Config\":\"blobs/sha256/\(sha256([7]).hex)\",\"RepoTags\":null,\"Layers\":[]}]"
        let files = Workshop.layout([Workshop.Layer(sample)]) + [("manifest.json", Array(wrong.utf8))]
        let workshop = try Workshop()
        let message = try workshop.refusal(of: workshop.archive(files))
        #expect(message.contains("name different images"), "\(message)")
    }

    @Test(arguments: ["", "garbage", String(repeating: "x", count: 5000)])
    func `what is no image archive is refused`(_ content: String) throws {
        let workshop = try Workshop()
        let source = workshop.path + "/file"
        try Data(content.utf8).write(to: URL(fileURLWithPath: source))
        #expect(try workshop.refusal(of: source).contains(source))
    }

    @Test func `a load that was killed is swept away, a living one is not`() throws {
        let workshop = try Workshop()
        let store = try workshop.store()
        let living = try store.beginLoad()
        try FileManager.default.createDirectory(
            atPath: workshop.path + "/store/tmp/load-dead/layer-0/fs", withIntermediateDirectories: true)
        try workshop.load(workshop.directory(Workshop.layout([Workshop.Layer(sample)])))
        let left = try workshop.names(in: workshop.path + "/store/tmp")
        #expect(left.count == 1 && !left.contains("load-dead"))
        _ = living.directory
    }
}
