package import LinuxSystem

/// Writes what a container prints into its log file, line by line, and rotates the file at a size: `log`, `log.1`, …
///
/// Memory is bounded: a line longer than `longestPart` is written in parts. A full disk loses log lines, never blocks
/// the container (I-29); how many bytes were lost is written when there is room again.
package struct LogWriter: ~Copyable {
    /// Longest text of one record in bytes.
    package static let longestPart = 16_384

    private let folder: OwnedFD
    private var file: OwnedFD
    private var size: Int64
    private let sizeLimit: Int64
    private let fileLimit: Int
    private var pendingOutput: [UInt8] = []
    private var pendingError: [UInt8] = []
    private var lostBytes = 0

    /// Appends to `log` in a container's folder. `sizeLimit` is in bytes, `fileLimit` counts the files kept.
    package init(
        folder: consuming OwnedFD, sizeLimit: Int64 = 10 << 20, fileLimit: Int = 3
    ) throws(SyscallError) {
        let opened = try LogWriter.openFile(in: folder.borrowed)
        let status = try opened.borrowed.status()
        self.folder = folder
        file = opened
        size = status.size
        self.sizeLimit = sizeLimit
        self.fileLimit = max(fileLimit, 1)
    }

    private static func openFile(in folder: BorrowedFD) throws(SyscallError) -> OwnedFD {
        try open("log", [.writeOnly, .create, .append, .noFollow], mode: 0o600, in: folder)
    }

    /// Takes bytes that the container printed.
    package mutating func append(_ bytes: [UInt8], from stream: LogLine.Stream) {
        var pending: [UInt8]
        switch stream {
        case .output: (pending, pendingOutput) = (pendingOutput, [])
        case .error: (pending, pendingError) = (pendingError, [])
        }
        pending += bytes
        let time = Clock.timestamp(Clock.wall())
        var records: [UInt8] = []
        records.reserveCapacity(pending.count + 64)
        var start = pending.startIndex
        while let end = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
            LogWriter.split(pending[start..<end], time, stream, lineEnds: true, into: &records)
            start = end + 1
        }
        if pending.endIndex - start >= LogWriter.longestPart {
            LogWriter.split(pending[start...], time, stream, lineEnds: false, into: &records)
            start = pending.endIndex
        }
        let rest = Array(pending[start...])
        switch stream {
        case .output: pendingOutput = rest
        case .error: pendingError = rest
        }
        write(records)
    }

    /// Writes what is left of lines that were never ended.
    package mutating func finish() {
        let time = Clock.timestamp(Clock.wall())
        var records: [UInt8] = []
        if !pendingOutput.isEmpty {
            LogWriter.split(pendingOutput[...], time, .output, lineEnds: false, into: &records)
        }
        if !pendingError.isEmpty {
            LogWriter.split(pendingError[...], time, .error, lineEnds: false, into: &records)
        }
        pendingOutput = []
        pendingError = []
        write(records)
    }

    private static func split(
        _ text: ArraySlice<UInt8>, _ time: String, _ stream: LogLine.Stream, lineEnds: Bool,
        into records: inout [UInt8]
    ) {
        var rest = text
        repeat {
            let part = rest.prefix(longestPart)
            rest = rest.dropFirst(longestPart)
            let isPartial = !lineEnds || !rest.isEmpty
            LogLine(time: time, stream: stream, isPartial: isPartial, text: part).appended(to: &records)
        } while !rest.isEmpty
    }

    private mutating func write(_ records: [UInt8]) {
        if records.isEmpty { return }
        do throws(SyscallError) {
            if size > 0 && size + Int64(records.count) > sizeLimit { try rotate() }
            if lostBytes > 0 {
                let note = "skiff: \(lostBytes) bytes of log were lost"
                var record: [UInt8] = []
                let line = LogLine(
                    time: Clock.timestamp(Clock.wall()), stream: .error, isPartial: false,
                    text: Array(note.utf8)[...])
                line.appended(to: &record)
                try file.borrowed.writeAll(record)
                size += Int64(record.count)
                lostBytes = 0
            }
            try file.borrowed.writeAll(records)
            size += Int64(records.count)
        } catch {
            // A log that cannot be written must not stop the container; the loss is told as soon as there is room.
            lostBytes += records.count
        }
    }

    private mutating func rotate() throws(SyscallError) {
        let folder = folder.borrowed
        if fileLimit == 1 {
            try file.borrowed.truncate(to: 0)
            size = 0
            return
        }
        for number in stride(from: fileLimit - 1, to: 0, by: -1) {
            let older: Path = number == 1 ? "log" : "log.\(number - 1)"
            bestEffort("an older file need not exist yet") { () throws(SyscallError) in
                try rename(older, in: folder, to: "log.\(number)", in: folder)
            }
        }
        file = try LogWriter.openFile(in: folder)
        size = 0
    }
}
