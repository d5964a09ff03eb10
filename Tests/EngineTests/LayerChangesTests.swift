import Engine
import LinuxSystem
import Testing

/// Two directories, an upper and a lower one, that go away with the value.
private final class Layers {
    let path: Path
    let upper: OwnedFD
    let lower: OwnedFD

    init() throws {
        path = "/tmp/skiff-test-layers-\(currentProcessID())-\(Clock.monotonicNanoseconds())"
        try makeDirectories(path.appending("upper"))
        try makeDirectories(path.appending("lower"))
        upper = try open(path.appending("upper"), [.readOnly, .directory])
        lower = try open(path.appending("lower"), [.readOnly, .directory])
    }

    func file(_ name: Path, in directory: BorrowedFD) throws {
        let parent = try makeDirectories(name.parent, inRoot: directory)
        _ = try open(name.lastComponent ?? "x", [.writeOnly, .create], mode: 0o644, in: parent.borrowed)
    }

    deinit { bestEffort("a left-over of a test") { () throws(SyscallError) in try removeTree(path) } }
}

@Suite struct LayerChangesTests {
    @Test func `added, changed and deleted names`() throws {
        let layers = try Layers()
        for name in ["etc/passwd", "etc/old", "opaque/a", "opaque/b", "same"] {
            try layers.file(Path(name), in: layers.lower.borrowed)
        }
        try layers.file("etc/passwd", in: layers.upper.borrowed)
        try layers.file("etc/new/deep", in: layers.upper.borrowed)
        try makeNode("etc/old", in: layers.upper.borrowed, kind: .characterDevice, mode: 0)
        try layers.file("opaque/b", in: layers.upper.borrowed)
        let opaque = try open("opaque", [.readOnly, .directory], in: layers.upper.borrowed)
        try opaque.borrowed.setExtendedAttribute("trusted.overlay.opaque", to: [121])
        try symlink("link", to: "etc", in: layers.upper.borrowed)
        let changes = try LayerChanges.list(upper: layers.upper.borrowed, lower: layers.lower.borrowed)
        #expect(
            changes.map { "\($0.kind.rawValue) \($0.path)" } == [
                "C /etc", "A /etc/new", "A /etc/new/deep", "D /etc/old", "C /etc/passwd", "A /link",
                "C /opaque",
                "D /opaque/a", "A /opaque/b",
            ])
    }

    @Test func `a changed link of below is changed, a whiteout of nothing is nothing`() throws {
        let layers = try Layers()
        try symlink("link", to: "a", in: layers.lower.borrowed)
        try symlink("link", to: "b", in: layers.upper.borrowed)
        try makeNode("gone", in: layers.upper.borrowed, kind: .characterDevice, mode: 0)
        let changes = try LayerChanges.list(upper: layers.upper.borrowed, lower: layers.lower.borrowed)
        #expect(changes.map { "\($0.kind.rawValue) \($0.path)" } == ["C /link"])
    }

    @Test func `mount points that were made for the container are no changes`() throws {
        let layers = try Layers()
        for name in ["etc/passwd", "var/x"] { try layers.file(Path(name), in: layers.lower.borrowed) }
        for name in ["etc/hostname", "var/y", "var/hosts", "deep/er/file"] {
            try layers.file(Path(name), in: layers.upper.borrowed)
        }
        for name in ["data", "alone/inner", "other"] {
            _ = try makeDirectories(Path(name), inRoot: layers.upper.borrowed)
        }
        let changes = try LayerChanges.list(
            upper: layers.upper.borrowed, lower: layers.lower.borrowed,
            mountPoints: ["/etc/hostname", "/var/hosts", "/deep/er/file", "/data", "/alone/inner"])
        #expect(
            changes.map { "\($0.kind.rawValue) \($0.path)" } == ["A /other", "C /var", "A /var/y"])
    }
}
