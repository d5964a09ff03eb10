/// The form of a container's log file, the one that Kubernetes and podman read: a line is
/// `TIME STREAM TAG TEXT`, where the tag is `F` for a whole line and `P` for a part that the next record continues.
/// - SeeAlso: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
package struct LogLine: Sendable, Equatable {
    /// Where a text came from.
    package enum Stream: String, Sendable {
        case output = "stdout"
        case error = "stderr"
    }

    /// RFC 3339, UTC, nanoseconds.
    package var time: String
    package var stream: Stream
    /// Whether the program has not ended the line yet.
    package var isPartial: Bool
    /// The bytes as the program wrote them, without the line's end.
    package var text: ArraySlice<UInt8>

    /// A record by its parts.
    package init(time: String, stream: Stream, isPartial: Bool, text: ArraySlice<UInt8>) {
        self.time = time
        self.stream = stream
        self.isPartial = isPartial
        self.text = text
    }

    /// Reads one line without its end; nil when it has another form.
    package init?(_ line: ArraySlice<UInt8>) {
        let space = UInt8(ascii: " ")
        guard let first = line.firstIndex(of: space) else { return nil }
        let afterTime = line[(first + 1)...]
        guard let second = afterTime.firstIndex(of: space) else { return nil }
        let afterStream = afterTime[(second + 1)...]
        guard let third = afterStream.firstIndex(of: space) else { return nil }
        guard let stream = Stream(rawValue: String(decoding: afterTime[..<second], as: UTF8.self)),
            afterStream[..<third].count == 1, let tag = afterStream.first,
            tag == UInt8(ascii: "F") || tag == UInt8(ascii: "P")
        else { return nil }
        time = String(decoding: line[..<first], as: UTF8.self)
        self.stream = stream
        isPartial = tag == UInt8(ascii: "P")
        text = afterStream[(third + 1)...]
    }

    /// The record as bytes with a line's end.
    package func appended(to bytes: inout [UInt8]) {
        bytes += time.utf8
        bytes.append(UInt8(ascii: " "))
        bytes += stream.rawValue.utf8
        bytes += isPartial ? [32, UInt8(ascii: "P"), 32] : [32, UInt8(ascii: "F"), 32]
        bytes += text
        bytes.append(UInt8(ascii: "\n"))
    }
}
