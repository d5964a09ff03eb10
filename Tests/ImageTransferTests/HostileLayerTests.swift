import Foundation
import ImageTransfer
import LinuxSystem
import Testing

@Suite(.enabled(if: isRoot, "needs root")) struct HostileLayerTests {
    /// What an archive does, and what the refusal says.
    struct Attack: Sendable, CustomTestStringConvertible {
        let name: String
        let reason: String
        let bytes: [UInt8]
        var testDescription: String { name }

        init(_ name: String, _ reason: String, _ build: (inout TarBuilder) -> Void) {
            self.name = name
            self.reason = reason
            bytes = tar(build)
        }
    }

    static let attacks = [
        Attack("a file through a link", "a directory in its path is a link") {
            $0.add("d", type: "2", link: "/tmp")
            $0.add("d/skiff-escaped", data: [1])
        },
        Attack("a directory through a link", "a directory in its path is a link") {
            $0.add("d", type: "2", link: "..")
            $0.add("d/skiff-escaped/", type: "5")
        },
        Attack("a whiteout through a link", "is a link") {
            $0.add("d", type: "2", link: "/tmp")
            $0.add("d/x", data: [1])
        },
        Attack("a parent reference", "contains ..") { $0.add("../skiff-escaped", data: [1]) },
        Attack("a parent reference inside", "contains ..") { $0.add("a/../../skiff-escaped", data: [1]) },
        Attack("a hard link out", "contains ..") { $0.add("h", type: "1", link: "../../etc/passwd") },
        Attack("a hard link to the host", "not in the image") { $0.add("h", type: "1", link: "/etc/passwd") },
        Attack("a hard link through a link", "is a link") {
            $0.add("d", type: "2", link: "/etc")
            $0.add("h", type: "1", link: "d/passwd")
        },
        Attack("a hard link before its target", "not in the image") {
            $0.add("h", type: "1", link: "later")
            $0.add("later", data: [1])
        },
        Attack("a hard link to a directory", "EISDIR") {
            $0.add("d/", type: "5")
            $0.add("h", type: "1", link: "d")
        },
        Attack("a link as the root", "only a directory can be the root") {
            $0.add("./.", type: "2", link: "/")
        },
        Attack("a file as the root", "only a directory can be the root") { $0.add(".", data: [1]) },
        Attack("a whiteout of nothing", "whiteout of no name") { $0.add("d/.wh.") },
        Attack("a whiteout of the parent", "whiteout of no name") { $0.add("d/.wh...") },
        Attack("a file in a whiteout", "lies in a whiteout") { $0.add(".wh.d/x", data: [1]) },
        Attack("a long name", "300 bytes") {
            $0.add("x", records: [("path", [UInt8](repeating: 0x61, count: 300))])
        },
        Attack("a long path", "its path has") {
            $0.add("x", records: [("path", Array(String(repeating: "ab/", count: 1400).utf8))])
        },
        Attack("a deep path", "directories deep") {
            $0.add("x", records: [("path", Array(String(repeating: "a/", count: 600).utf8))])
        },
        Attack("large attributes", "extended attributes are too long") {
            $0.add("x", records: [("SCHILY.xattr.user.a", [UInt8](repeating: 1, count: 200_000))])
        },
        Attack("an owner that is none", "is no user id") {
            $0.add("x", records: [("uid", Array("4294967295".utf8))])
        },
        Attack("data that is missing", "runcated") { $0.add("x", data: [1], size: 1 << 20) },
    ]

    @Test(arguments: attacks)
    func `I-19, I-20: a hostile layer is refused and leaves nothing`(_ attack: Attack) throws {
        let workshop = try Workshop()
        let message = try workshop.refusal([Workshop.Layer(attack.bytes)])
        #expect(message.contains(attack.reason), "\(message)")
        #expect(!message.contains("\n"))
        #expect(!FileManager.default.fileExists(atPath: "/tmp/skiff-escaped"))
        #expect(!FileManager.default.fileExists(atPath: workshop.path + "/skiff-escaped"))
    }

    @Test func `an absolute name lies below the root`() throws {
        try Workshop().mounted([tar { $0.add("/tmp/skiff-escaped", data: [1]) }]) {
            (root: BorrowedFD) throws in
            #expect(try status(of: "tmp/skiff-escaped", in: root).size == 1)
        }
        #expect(!FileManager.default.fileExists(atPath: "/tmp/skiff-escaped"))
    }

    @Test func `IMG-18: a layer with too many members, too many bytes or too high a ratio is refused`() throws
    {
        let many = Workshop.Layer(tar { tar in for number in 0..<20 { tar.add("f\(number)") } })
        var message = try Workshop().refusal([many]) { $0.limits.entries = 10 }
        #expect(message.contains("more than 10 members"), "\(message)")

        let large = Workshop.Layer(tar { $0.add("f", data: [UInt8](repeating: 0, count: 1 << 20)) })
        message = try Workshop().refusal([large]) { $0.limits.bytes = 1 << 16 }
        #expect(message.contains("more than 65536 bytes"), "\(message)")

        let workshop = try Workshop()
        let zeros = tar { $0.add("f", data: [UInt8](repeating: 0, count: 8 << 20)) }
        let bomb = Workshop.Layer(zeros, blob: try workshop.filter("/bin/gzip", ["-9"], zeros))
        message = try workshop.refusal([bomb]) { $0.limits.ratioFreeBytes = 1 << 20 }
        #expect(message.contains("more than"), "\(message)")
    }

    @Test func `names from an archive cannot write to the terminal`() throws {
        let layer = tar { $0.add("x", records: [("path", Array("../\u{1B}[2Jx".utf8))]) }
        let message = try Workshop().refusal([Workshop.Layer(layer)])
        #expect(!message.contains("\u{1B}"))
        #expect(message.contains("\\x1b"))
    }
}
