import ImageSpec
import Testing

private let zeros = String(repeating: "0", count: 64)

@Suite struct ImageReferenceTests {
    @Test(arguments: [
        ("debian", "debian", "latest", false),
        ("debian:12", "debian", "12", false),
        ("docker.io/library/debian:bookworm-slim", "docker.io/library/debian", "bookworm-slim", false),
        ("localhost:5000/a/b__c-d.e:V1_x.y", "localhost:5000/a/b__c-d.e", "V1_x.y", false),
        ("a---b", "a---b", "latest", false),
        ("web:1@sha256:\(zeros)", "web", "1", true),
    ])
    func `a reference has a name and a tag`(_ text: String, _ name: String, _ tag: String, _ pinned: Bool)
        throws
    {
        let reference = try ImageReference(text)
        #expect(reference.name == name)
        #expect(reference.tag == tag)
        #expect((reference.digest != nil) == pinned)
    }

    @Test func `a digest alone leaves the tag out`() throws {
        let reference = try ImageReference("web@sha256:\(zeros)")
        #expect(reference.tag == nil)
        #expect(reference.description == "web@sha256:\(zeros)")
        #expect(reference.withoutDigest.description == "web:latest")
    }

    @Test(arguments: [
        ("", "the name is empty"), (":12", "the name is empty"), ("Debian", "capital letters"),
        ("a//b", "empty part"), ("a/", "empty part"), ("-a", "separators"), ("a-", "ends with a separator"),
        ("a..b", "separators"), ("a___b", "separators"), ("a b", "characters"), ("a:", "not a tag"),
        ("a:.x", "not a tag"), ("a@sha256:12", "not a digest"),
        ("a@sha256:\(zeros.uppercased())A", "not a digest"),
        ("../x", "separator"), ("host:99999/x", "characters"), ("a\u{0}", "characters"),
        (String(repeating: "a", count: 256), "longer than 255"),
        ("a:" + String(repeating: "t", count: 129), "not a tag"),
    ])
    func `what is no reference is refused with the reason`(_ text: String, _ reason: String) {
        let error = #expect(throws: ReferenceError.self) { try ImageReference(text) }
        #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func `long names of other engines are alternatives of short ones`() throws {
        #expect(
            try ImageReference("debian:12").alternatives.map(\.description) == [
                "debian:12", "docker.io/library/debian:12", "docker.io/debian:12", "localhost/debian:12",
            ])
        #expect(
            try ImageReference("localhost/web").alternatives.map(\.description)
                == ["localhost/web:latest", "web:latest"])
    }

    @Test(arguments: [
        ("oci:/a/b", ImageSource.file(path: "/a/b", format: .layout, selector: nil)),
        ("oci:dir:v1", .file(path: "dir", format: .layout, selector: "v1")),
        ("oci-archive:x.tar:a/b:c", .file(path: "x.tar", format: .archive, selector: "a/b:c")),
        ("docker-archive:x.tar", .file(path: "x.tar", format: .dockerArchive, selector: nil)),
        ("./x.tar", .file(path: "./x.tar", format: .detected, selector: nil)),
        ("/x:1", .file(path: "/x:1", format: .detected, selector: nil)),
    ])
    func `transports and paths are told from names`(_ text: String, _ expected: ImageSource) throws {
        #expect(try ImageSource(parsing: text) == expected)
    }

    @Test func `everything else is a name in the store`() throws {
        #expect(try ImageSource(parsing: "oci") == .stored(ImageReference("oci:latest")))
        #expect(throws: ReferenceError.self) { try ImageSource(parsing: "oci:") }
        #expect(throws: ReferenceError.self) { try ImageSource(parsing: "oci:x:") }
    }
}
