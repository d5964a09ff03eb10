import ArgumentParser
import ImageSpec
import ImageTransfer
import JSONCoding
import LinuxSystem

/// Shows on standard error how a load goes on.
final class ProgressView {
    /// In which form.
    enum Mode: String, ExpressibleByArgument, CaseIterable {
        /// Bars on a terminal, else lines.
        case auto
        /// A bar for each layer, with bytes, rate and time left.
        case bars
        /// A line for each layer that begins and ends.
        case plain
        /// A JSON object a line.
        case json
        /// Nothing.
        case none
    }

    private struct Row {
        let event: LoadEvent
        var read: Int64 = 0
        var started: Int64
        var ended: Int64?
    }

    private let mode: Mode
    private var rows: [Int: Row] = [:]
    private var drawn = 0
    private var lastDrawn: Int64 = 0
    private static let barWidth = 24
    private static let drawInterval: Int64 = 80_000_000

    init(_ mode: Mode) {
        self.mode = mode == .auto ? (Terminal.isTerminal(.standardError) ? .bars : .plain) : mode
    }

    /// Takes in what a load tells.
    func tell(_ event: LoadEvent) {
        let now = Clock.monotonicNanoseconds()
        var row = rows[event.number] ?? Row(event: event, started: now)
        switch event.state {
        case .started: row.started = now
        case .read(let count): row.read = count
        case .unpacked, .present:
            row.read = event.size
            row.ended = now
        case .waiting: break
        }
        rows[event.number] = row
        switch mode {
        case .plain: writePlain(event, row)
        case .json: writeJSON(event, row)
        case .bars:
            if case .read = event.state, now - lastDrawn < Self.drawInterval { return }
            lastDrawn = now
            draw(now)
        case .auto, .none: break
        }
    }

    private func writePlain(_ event: LoadEvent, _ row: Row) {
        let layer = "layer \(event.number) of \(event.count), \(event.diffID.short)"
        switch event.state {
        case .started: say("unpack \(layer), \(readableSize(event.size))")
        case .waiting: say("wait for another load to unpack \(layer)")
        case .unpacked: say("unpacked \(layer), in \(seconds(row))")
        case .present, .read: break
        }
    }

    private func seconds(_ row: Row) -> String {
        let tenths = ((row.ended ?? row.started) - row.started + 50_000_000) / 100_000_000
        return "\(tenths / 10).\(tenths % 10) s"
    }

    private func writeJSON(_ event: LoadEvent, _ row: Row) {
        var writer = JSONWriter()
        writer.object { writer in
            writer.field("event", "layer")
            writer.field("number", event.number)
            writer.field("count", event.count)
            writer.field("diffID", event.diffID)
            writer.field("size", event.size)
            writer.field("state", Self.name(event.state))
            writer.field("read", row.read)
        }
        say(String(decoding: writer.finish(), as: UTF8.self))
    }

    private static func name(_ state: LoadEvent.State) -> String {
        switch state {
        case .present: "present"
        case .waiting: "waiting"
        case .started: "started"
        case .read: "reading"
        case .unpacked: "unpacked"
        }
    }

    private func say(_ line: String) { Output.write(line + "\n", to: .standardError) }

    // MARK: Bars

    private func draw(_ now: Int64) {
        var text = drawn > 0 ? "\u{1B}[\(drawn)A" : ""
        let shown = rows.keys.sorted()
        for number in shown {
            if let row = rows[number] { text += "\r\u{1B}[K\(Self.line(row, now))\n" }
        }
        drawn = shown.count
        Output.write(text, to: .standardError)
    }

    private static func line(_ row: Row, _ now: Int64) -> String {
        let event = row.event
        let head = "\(event.number)/\(event.count) \(event.diffID.short) "
        if row.ended != nil {
            let time = Double((row.ended ?? now) - row.started) / 1e9
            let words = time < 0.01 ? "there already" : "\(rounded(time)) s"
            return head + "[" + String(repeating: "=", count: barWidth)
                + "] \(readableSize(event.size)) \(words)"
        }
        let part = event.size > 0 ? Double(row.read) / Double(event.size) : 0
        let full = min(barWidth, Int(part * Double(barWidth)))
        let bar = String(repeating: "=", count: full) + String(repeating: " ", count: barWidth - full)
        let elapsed = Double(now - row.started) / 1e9
        var tail = "\(readableSize(row.read)) of \(readableSize(event.size))"
        if row.read > 0, elapsed > 0.1 {
            let rate = Double(row.read) / elapsed
            tail += " \(readableSize(Int64(rate)))/s \(rounded(Double(event.size - row.read) / rate)) s left"
        }
        return head + "[\(bar)] \(tail)"
    }

    private static func rounded(_ seconds: Double) -> String {
        let tenths = Int((seconds * 10).rounded())
        return tenths < 100 ? "\(tenths / 10).\(tenths % 10)" : "\(tenths / 10)"
    }
}
