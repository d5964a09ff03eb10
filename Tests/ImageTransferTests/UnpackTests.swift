import Foundation
import ImageStore
import ImageTransfer
import LinuxSystem
import Testing

private func names(_ path: Path, in root: BorrowedFD) throws -> [String] {
    let directory = try open(path, [.readOnly, .directory], in: root, resolving: .inRoot)
    return try directory.borrowed.list().map(\.name.string).sorted()
}

private func text(_ path: Path, in root: BorrowedFD) throws -> String {
    let file = try open(path, [.readOnly], in: root, resolving: .inRoot)
    return String(decoding: try file.borrowed.readAll(), as: UTF8.self)
}

@Suite(.enabled(if: isRoot, "needs root")) struct UnpackTests {
    @Test func `IMG-9, 10, 12, 17: everything that a tar says about a file is there`() throws {
        let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let layer = tar { tar in
            tar.add("./", type: "5", mode: 0o711, mtime: 1000)
            tar.add("d/", type: "5", mode: 0o1777, mtime: 2000)
            tar.add(
                "d/f", data: Array("hello".utf8), mode: 0o4755,
                records: [
                    ("mtime", Array("3000.000000123".utf8)), ("SCHILY.xattr.security.capability", capability),
                    ("SCHILY.xattr.user.note", [1, 0, 2]), ("SCHILY.xattr.trusted.overlay.redirect", [0x2F]),
                    ("uid", Array("70000".utf8)), ("gid", Array("70001".utf8)),
                ])
            tar.add("d/hard", type: "1", link: "d/f")
            tar.add("d/link", type: "2", link: "../etc/passwd", mtime: 4000)
            tar.add("d/pipe", type: "6", mode: 0o600)
        }
        try Workshop().mounted([layer]) { (root: BorrowedFD) throws in
            let top = try root.status()
            #expect(top.mode & 0o7777 == 0o711)
            #expect(top.modified == FileTime(seconds: 1000))
            let directory = try status(of: "d", in: root)
            #expect(directory.mode & 0o7777 == 0o1777)
            #expect(directory.modified == FileTime(seconds: 2000))
            let file = try status(of: "d/f", in: root)
            #expect(file.mode & 0o7777 == 0o4755)
            #expect((file.userID, file.groupID) == (70000, 70001))
            #expect(file.modified == FileTime(seconds: 3000, nanoseconds: 123))
            #expect(file.linkCount == 2)
            #expect(try status(of: "d/hard", in: root).inode == file.inode)
            #expect(try ExtendedAttributes.value("security.capability", of: "d/f", in: root) == capability)
            #expect(try ExtendedAttributes.value("user.note", of: "d/f", in: root) == [1, 0, 2])
            #expect(try ExtendedAttributes.value("trusted.overlay.redirect", of: "d/f", in: root) == nil)
            #expect(try readLink("d/link", in: root) == "../etc/passwd")
            #expect(try status(of: "d/link", in: root).modified == FileTime(seconds: 4000))
            #expect(try status(of: "d/pipe", in: root).kind == .fifo)
        }
    }

    @Test func `IMG-4: what a later layer or member has replaces what was there`() throws {
        let base = tar { tar in
            tar.add("a", data: [1])
            tar.add("b/", type: "5")
            tar.add("b/inside", data: [1])
            tar.add("c", type: "2", link: "b")
        }
        let top = tar { tar in
            tar.add("a/", type: "5")
            tar.add("a/new", data: [2])
            tar.add("b", data: Array("file".utf8))
            tar.add("c/", type: "5")
            tar.add("c/own", data: [2])
            tar.add("twice/", type: "5")
            tar.add("twice/x", data: [1])
            tar.add("twice", data: Array("last".utf8))
        }
        try Workshop().mounted([base, top]) { (root: BorrowedFD) throws in
            #expect(try names("a", in: root) == ["new"])
            #expect(try text("b", in: root) == "file")
            #expect(try names("c", in: root) == ["own"])
            #expect(try text("twice", in: root) == "last")
        }
    }

    @Test func `IMG-5, 6, 7: whiteouts hide lower files only, wherever they stand`() throws {
        let base = tar { tar in
            for name in ["gone", "kept", "d/old", "o/low", "r/low"] { tar.add(name, data: [1]) }
        }
        let top = tar { tar in
            tar.add(".wh.gone")
            tar.add("same", data: [1])
            tar.add(".wh.same")
            tar.add(".wh.never")
            tar.add("o/first", data: [1])
            tar.add("o/.wh..wh..opq")
            tar.add("o/last", data: [1])
            tar.add(".wh..wh.plnk/x", data: [1])
            tar.add(".wh.r")
            tar.add("r/", type: "5")
            tar.add("r/new", data: [1])
        }
        try Workshop().mounted([base, top]) { (root: BorrowedFD) throws in
            #expect(try names(".", in: root) == ["d", "kept", "o", "r", "same"])
            #expect(try names("o", in: root) == ["first", "last"])
            #expect(try names("r", in: root) == ["new"])
            #expect(try names("d", in: root) == ["old"])
        }
    }

    @Test func `IMG-6: an opaque root hides everything below`() throws {
        let base = tar { tar in
            tar.add("x", data: [1])
            tar.add("d/low", data: [1])
        }
        let top = tar { tar in
            tar.add("d/high", data: [1])
            tar.add(".wh..wh..opq")
        }
        try Workshop().mounted([base, top]) { (root: BorrowedFD) throws in
            #expect(try names(".", in: root) == ["d"])
            #expect(try names("d", in: root) == ["high"])
        }
    }

    @Test func `IMG-5: a whiteout in the lowest layer leaves no trace`() throws {
        try Workshop().mounted([tar { $0.add("d/.wh.x") }]) { (root: BorrowedFD) throws in
            #expect(try names(".", in: root) == [])
        }
    }

    @Test func `IMG-11: a hard link to a lower layer shares the file with its old name`() throws {
        let base = tar { tar in
            tar.add("d/", type: "5", mode: 0o750, mtime: 500)
            tar.add("d/f", data: Array("low".utf8), mode: 0o640, mtime: 1234)
        }
        let top = tar { $0.add("h", type: "1", link: "d/f") }
        try Workshop().mounted([base, top]) { (root: BorrowedFD) throws in
            let file = try status(of: "d/f", in: root)
            #expect(try status(of: "h", in: root).inode == file.inode)
            #expect(file.mode & 0o7777 == 0o640)
            #expect(file.modified == FileTime(seconds: 1234))
            #expect(try text("h", in: root) == "low")
            #expect(try status(of: "d", in: root).mode & 0o7777 == 0o750)
        }
    }

    @Test func `IMG-15: missing parents are 0755, or what a lower layer says`() throws {
        let base = tar { $0.add("low/", type: "5", mode: 0o700, mtime: 77) }
        let top = tar { tar in
            tar.add("low/f", data: [1])
            tar.add("a/b/c", data: [1])
            tar.add("a/", type: "5", mode: 0o711)
        }
        try Workshop().mounted([base, top]) { (root: BorrowedFD) throws in
            #expect(try status(of: "low", in: root).mode & 0o7777 == 0o700)
            #expect(try status(of: "low", in: root).modified == FileTime(seconds: 77))
            #expect(try status(of: "a", in: root).mode & 0o7777 == 0o711)
            #expect(try status(of: "a/b", in: root).mode & 0o7777 == 0o755)
        }
    }

    @Test func `IMG-8: a whiteout device in the tar is not taken over`() throws {
        let base = tar { $0.add("f", data: [1]) }
        let top = tar { $0.add("f", type: "3") }
        try Workshop().mounted([base, top]) { (root: BorrowedFD) throws in
            #expect(try names(".", in: root) == ["f"])
        }
    }

    @Test func `the umask of the caller does not matter`() throws {
        let old = setFileModeMask(0o077)
        defer { _ = setFileModeMask(old) }
        try Workshop().mounted([tar { $0.add("d/f", data: [1], mode: 0o666) }]) { (root: BorrowedFD) throws in
            #expect(try status(of: "d/f", in: root).mode & 0o7777 == 0o666)
            #expect(try status(of: "d", in: root).mode & 0o7777 == 0o755)
        }
    }

    @Test func `sixty layers in a store with a long path are one file system`() throws {
        let layers = (0..<60).map { number in tar { $0.add("f\(number)", data: [1]) } }
        let workshop = try Workshop()
        let deep =
            workshop.path + "/"
            + Array(repeating: String(repeating: "n", count: 100), count: 5).joined(
                separator: "/")
        let store = try ImageStore.open(Path(deep))
        let layout = try workshop.directory(Workshop.layout(layers.map { Workshop.Layer($0) }))
        _ = try ImageLoader(ImageLoader.Request(path: Path(layout))).load(into: store)
        let found = try #require(try store.resolve("test:1"))
        let snapshot = try store.prepareSnapshot(of: found.image, as: found.reference, named: "c")
        let tree = try snapshot.mount()
        #expect(try names(".", in: tree.borrowed).count == 60)
    }
}
