import ImageSpec
import JSONCoding
import Testing

private let a = "sha256:" + String(repeating: "a", count: 64)
private let config =
    "{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"\(a)\",\"size\":2}"
private let layer =
    "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"\(a)\",\"size\":2}"

private func document(_ text: String) throws -> ImageDocument { try ImageDocument(json: Array(text.utf8)) }

@Suite struct ImageDocumentTests {
    @Test func `a manifest is read`() throws {
        guard
            case .manifest(let manifest) = try document(
                "{\"schemaVersion\":2,\"config\":\(config),\"layers\":[\(layer),\(layer)],\"subject\":null}")
        else { return #expect(Bool(false), "not a manifest") }
        #expect(manifest.layers.count == 2)
        #expect(manifest.config.digest.description == a)
        #expect(manifest.reasonNotRunnable == nil)
    }

    @Test(arguments: [
        (
            "{\"schemaVersion\":2,\"config\":\(config),\"layers\":[],\"manifests\":[]}",
            "an index and of a manifest"
        ),
        ("{\"schemaVersion\":2,\"config\":\(config),\"manifests\":[]}", "an index and of a manifest"),
        ("{\"schemaVersion\":1,\"config\":\(config),\"layers\":[]}", "schema 1"),
        ("{\"schemaVersion\":3,\"config\":\(config),\"layers\":[]}", "not 2"),
        ("{\"config\":\(config),\"layers\":[]}", "no schemaVersion"),
        ("{\"schemaVersion\":2,\"layers\":[]}", "neither a manifest"),
        ("{\"schemaVersion\":2,\"config\":\(config)}", "without layers"),
        ("{\"schemaVersion\":2,\"config\":\(config),\"layers\":[],\"layers\":[]}", "twice"),
        (
            "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"config\":\(config),\"layers\":[]}",
            "calls itself"
        ),
        (
            "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"manifests\":[]}",
            "calls itself"
        ),
        (
            "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x\",\"digest\":\"\(a)\",\"size\":-1},\"layers\":[]}",
            "negative"
        ),
        (
            "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x\",\"digest\":\"sha256:A\",\"size\":1},\"layers\":[]}",
            "digest"
        ),
        ("[]", "an object"),
    ])
    func `IMG-20, 21, 26, 36: an ambiguous or malformed document is refused`(_ text: String, _ reason: String)
    {
        let error = #expect(throws: JSONError.self) { try document(text) }
        #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func `IMG-33: artifacts are not runnable`() throws {
        let empty = "{\"mediaType\":\"application/vnd.oci.empty.v1+json\",\"digest\":\"\(a)\",\"size\":2}"
        guard
            case .manifest(let manifest) = try document(
                "{\"schemaVersion\":2,\"config\":\(empty),\"layers\":[\(empty)]}")
        else { return #expect(Bool(false), "not a manifest") }
        #expect(manifest.reasonNotRunnable?.contains("artifact") == true)
    }

    @Test func `IMG-22: embedded data must equal the content`() throws {
        let text = "{\"mediaType\":\"x\",\"digest\":\"\(a)\",\"size\":2,\"data\":\"e30=\"}"
        let descriptor = try Descriptor(json: Array(text.utf8))
        #expect(descriptor.embeddedDataEquals(Array("{}".utf8)))
        #expect(!descriptor.embeddedDataEquals(Array("[]".utf8)))
    }

    @Test(arguments: ["", "sha256:", "sha256:\(String(repeating: "A", count: 64))", "md5:00", "sha256:\(a)"])
    func `IMG-20: only registered digests in lower case are digests`(_ text: String) {
        #expect(Digest(text) == nil)
    }

    @Test func `documents are written as they are read`() throws {
        let text = "{\"schemaVersion\":2,\"config\":\(config),\"layers\":[\(layer)]}"
        guard case .manifest(let manifest) = try document(text) else { return #expect(Bool(false)) }
        #expect(try document(String(decoding: manifest.json(), as: UTF8.self)) == .manifest(manifest))
    }
}
