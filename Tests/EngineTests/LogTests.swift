import Engine
import LinuxSystem
import Testing

/// A container's folder under /tmp that goes away with the value.
private final class Folder {
    let path: Path

    init() throws {
        path = "/tmp/skiff-test-log-\(currentProcessID())-\(Clock.monotonicNanoseconds())"
        try makeDirectory(path, mode: 0o700)
    }

    func open() throws -> OwnedFD { try LinuxSystem.open(path, [.readOnly, .directory]) }

    deinit { bestEffort("a left-over of a test") { () throws(SyscallError) in try removeTree(path) } }
}

private func read(_ folder: Folder, tail: Int? = nil, times: Bool = false) throws -> String {
    var selection = LogReader.Selection()
    selection.tail = tail
    selection.showsTime = times
    var reader = LogReader(folder: try folder.open(), selection: selection)
    var text: [UInt8] = []
    try reader.readExisting { (_, bytes) throws(SyscallError) in text += bytes }
    return String(decoding: text, as: UTF8.self)
}

@Suite struct LogTests {
    @Test func `lines come back as they were written, whatever the pieces`() throws {
        let folder = try Folder()
        var writer = try LogWriter(folder: try folder.open())
        writer.append(Array("one\ntw".utf8), from: .output)
        writer.append(Array("error\n".utf8), from: .error)
        writer.append(Array("o\n\nlast".utf8), from: .output)
        writer.finish()
        #expect(try read(folder) == "one\nerror\ntwo\n\nlast")
        #expect(try read(folder, tail: 2) == "\nlast")
    }

    @Test func `bytes that are no text survive, and a line longer than a record is one line`() throws {
        let folder = try Folder()
        var writer = try LogWriter(folder: try folder.open())
        let long = [UInt8](repeating: 0xFF, count: 3 * LogWriter.longestPart + 5)
        writer.append(long + [10], from: .output)
        var reader = LogReader(folder: try folder.open(), selection: .init())
        var bytes: [UInt8] = []
        try reader.readExisting { (_, part) throws(SyscallError) in bytes += part }
        #expect(bytes == long + [10])
        writer.append(Array("last\n".utf8), from: .output)
        #expect(try read(folder, tail: 1) == "last\n")
        #expect(try read(folder, tail: 2) == String(decoding: long, as: UTF8.self) + "\nlast\n")
    }

    @Test func `rotation keeps the newest files and loses no line of them`() throws {
        let folder = try Folder()
        var writer = try LogWriter(folder: try folder.open(), sizeLimit: 1000, fileLimit: 3)
        for number in 0..<100 { writer.append(Array("line \(number)\n".utf8), from: .output) }
        writer.finish()
        let names = try folder.open()
        #expect(try Set(names.borrowed.list().map(\.name.string)) == ["log", "log.1", "log.2"])
        let lines = try read(folder).split(separator: "\n")
        let numbers = lines.compactMap { Int($0.split(separator: " ")[1]) }
        let first = try #require(numbers.first)
        #expect(numbers == Array(first..<100) && numbers.count > 30)
    }

    @Test func `following sees what is added, also across a rotation`() throws {
        let folder = try Folder()
        var writer = try LogWriter(folder: try folder.open(), sizeLimit: 200, fileLimit: 2)
        writer.append(Array("first\n".utf8), from: .output)
        var reader = LogReader(folder: try folder.open(), selection: .init())
        var text = ""
        func add(_ stream: LogLine.Stream, _ bytes: [UInt8]) {
            text += String(decoding: bytes, as: UTF8.self)
        }
        try reader.readExisting { (stream, bytes) throws(SyscallError) in add(stream, bytes) }
        for number in 0..<5 {
            writer.append(Array("more \(number) \(String(repeating: "x", count: 90))\n".utf8), from: .output)
            try reader.readAdded { (stream, bytes) throws(SyscallError) in add(stream, bytes) }
        }
        #expect(
            text.split(separator: "\n").map { String($0.prefix(6)) }
                == ["first", "more 0", "more 1", "more 2", "more 3", "more 4"])
    }

    @Test func `times are shown once a line`() throws {
        let folder = try Folder()
        var writer = try LogWriter(folder: try folder.open())
        writer.append(Array("a\n".utf8), from: .output)
        let text = try read(folder, times: true)
        #expect(text.hasSuffix("Z a\n") && text.count == 33)
    }
}
