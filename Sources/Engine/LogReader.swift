package import LinuxSystem

/// Reads a container's log for `skiff logs`: the last lines or all, then what is added while somebody waits.
package struct LogReader: ~Copyable {
    /// What to show.
    package struct Selection: Sendable {
        /// How many of the last lines; nil for all.
        package var tail: Int?
        /// Whether each line begins with its time.
        package var showsTime = false

        /// Everything, without times.
        package init() {}
    }

    private let folder: OwnedFD
    private let selection: Selection
    private var file: OwnedFD?
    private var inode: UInt64 = 0
    private var unfinished: [UInt8] = []
    private var startsLine: (output: Bool, error: Bool) = (true, true)

    /// The log in a container's folder.
    package init(folder: consuming OwnedFD, selection: Selection) {
        self.folder = folder
        self.selection = selection
    }

    /// Gives what the log holds now, oldest first, to `sink` as (stream, bytes to print).
    package mutating func readExisting(
        _ sink: (LogLine.Stream, [UInt8]) throws(SyscallError) -> Void
    ) throws(SyscallError) {
        var older: [Path] = []
        for number in 1... {
            let name: Path = "log.\(number)"
            guard try statusIfPresent(of: name, in: folder.borrowed) != nil else { break }
            older.insert(name, at: 0)
        }
        var lines = LastLines(limit: selection.tail ?? 0)
        for name in older { try collect(try readFile(name, in: folder.borrowed), into: &lines, sink) }
        try openCurrent()
        if let current = file?.borrowed {
            try collect(try current.readAll(limit: 1 << 30), into: &lines, sink)
        }
        for line in lines.records { try emit(line[...], sink) }
    }

    /// Gives what was added since the last call. Follows the log into a new file when it was rotated.
    package mutating func readAdded(
        _ sink: (LogLine.Stream, [UInt8]) throws(SyscallError) -> Void
    ) throws(SyscallError) {
        try drain(sink)
        let now = try statusIfPresent(of: "log", in: folder.borrowed)
        if let now, now.inode != inode {
            try openCurrent()
            try drain(sink)
        }
    }

    private mutating func drain(
        _ sink: (LogLine.Stream, [UInt8]) throws(SyscallError) -> Void
    ) throws(SyscallError) {
        guard let current = file?.borrowed else { return try openCurrent() }
        while true {
            let bytes = try current.read(max: 65_536)
            if bytes.isEmpty { return }
            unfinished += bytes
            var start = 0
            while let end = unfinished[start...].firstIndex(of: UInt8(ascii: "\n")) {
                try emit(unfinished[start..<end], sink)
                start = end + 1
            }
            unfinished.removeFirst(start)
        }
    }

    private mutating func openCurrent() throws(SyscallError) {
        do throws(SyscallError) {
            let opened = try open("log", [.readOnly, .noFollow], in: folder.borrowed)
            inode = try opened.borrowed.status().inode
            file = consume opened
        } catch {
            if error.errno != .ENOENT { throw error }
        }
    }

    /// Without a limit lines go out at once; with one the last are kept.
    private mutating func collect(
        _ bytes: [UInt8], into lines: inout LastLines,
        _ sink: (LogLine.Stream, [UInt8]) throws(SyscallError) -> Void
    ) throws(SyscallError) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            if selection.tail == nil { try emit(line, sink) } else { lines.append(line) }
        }
    }

    private mutating func emit(
        _ line: ArraySlice<UInt8>, _ sink: (LogLine.Stream, [UInt8]) throws(SyscallError) -> Void
    ) throws(SyscallError) {
        guard let record = LogLine(line) else { return }
        var bytes: [UInt8] = []
        let starts = record.stream == .output ? startsLine.output : startsLine.error
        if selection.showsTime && starts { bytes += Array(record.time.utf8) + [32] }
        bytes += record.text
        if !record.isPartial { bytes.append(UInt8(ascii: "\n")) }
        switch record.stream {
        case .output: startsLine.output = !record.isPartial
        case .error: startsLine.error = !record.isPartial
        }
        try sink(record.stream, bytes)
    }
}

/// The records of the last lines. A long line is several records, and those of the other stream may lie in between.
private struct LastLines {
    private let limit: Int
    private var kept: [(record: [UInt8], line: Int)] = []
    private var first = 0
    private var count = 0
    /// The line of each stream that has not ended yet.
    private var unfinished: [LogLine.Stream: Int] = [:]

    init(limit: Int) { self.limit = limit }

    mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard let record = LogLine(bytes) else { return }
        let line = unfinished[record.stream] ?? count
        if line == count { count += 1 }
        unfinished[record.stream] = record.isPartial ? line : nil
        kept.append((Array(bytes), line))
        while first < kept.count, kept[first].line < count - limit { first += 1 }
        // Not one by one, which would move all others each time.
        if first > 1024 && first > kept.count / 2 {
            kept.removeFirst(first)
            first = 0
        }
    }

    var records: [[UInt8]] { kept[first...].filter { $0.line >= count - limit }.map(\.record) }
}
