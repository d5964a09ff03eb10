internal import Cgroups

/// Readings in the text form that Prometheus scrapes.
///
/// A figure `memory.page_faults` is `skiff_memory_page_faults_total` if it is a counter; times are in seconds, sizes in
/// bytes, and say so in their names. Every sample has the labels `id`, `name` and, for containers from images, `image`.
/// - SeeAlso: https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
package struct OpenMetrics: ~Copyable {
    /// What a server says the text is.
    package static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    private let readings: [LiveUsage]
    private let labels: [String]
    private var text: [UInt8] = []

    private init(_ readings: [LiveUsage]) {
        self.readings = readings
        labels = readings.map(Self.labels)
    }

    /// The text of a reading.
    package static func text(_ readings: [LiveUsage]) -> [UInt8] {
        var metrics = OpenMetrics(readings)
        metrics.text.reserveCapacity(readings.count * 6000 + 4096)
        metrics.writeInformation()
        for kind in FigureKind.allCases where !kind.isOfInit { metrics.write(kind) }
        metrics.writeDevices()
        metrics.add("# EOF\n")
        return metrics.text
    }

    /// One line for each container that is there, also when the host counts nothing.
    private mutating func writeInformation() {
        add("# TYPE skiff_container_running gauge\n# HELP skiff_container_running The container runs.\n")
        for label in labels { add("skiff_container_running{\(label)} 1\n") }
    }

    /// A family stays out where nobody has the figure; unknown is not 0.
    private mutating func write(_ kind: FigureKind) {
        let unit = kind.unit.metricUnit
        var name = "skiff_" + kind.rawValue.map { $0 == "." ? "_" : String($0) }.joined()
        if let unit, !name.hasSuffix("_\(unit)") { name += "_\(unit)" }
        var isBegun = false
        for (reading, label) in zip(readings, labels) {
            let value: String
            switch reading.statistics[kind] {
            case .value(let number, _): value = kind.unit.metricValue(number)
            case .unlimited: value = "+Inf"
            case .unavailable: continue
            }
            if !isBegun {
                isBegun = true
                add("# TYPE \(name) \(kind.isCounter ? "counter" : "gauge")\n")
                if let unit { add("# UNIT \(name) \(unit)\n") }
                add("# HELP \(name) \(kind.help)\n")
            }
            add("\(name)\(kind.isCounter ? "_total" : ""){\(label)} \(value)\n")
        }
    }

    private mutating func writeDevices() {
        let families:
            [(name: String, unit: String?, help: String, part: KeyPath<BlockDeviceUsage, UInt64?>)] = [
                ("skiff_device_read_bytes", "bytes", "Bytes read from a disk.", \.readBytes),
                ("skiff_device_write_bytes", "bytes", "Bytes written to a disk.", \.writeBytes),
                ("skiff_device_read_operations", nil, "Requests that read from a disk.", \.readOperations),
                ("skiff_device_write_operations", nil, "Requests that wrote to a disk.", \.writeOperations),
            ]
        for family in families where readings.contains(where: { !$0.statistics.devices.isEmpty }) {
            add("# TYPE \(family.name) counter\n")
            if let unit = family.unit { add("# UNIT \(family.name) \(unit)\n") }
            add("# HELP \(family.name) \(family.help)\n")
            for (reading, label) in zip(readings, labels) {
                for device in reading.statistics.devices {
                    guard let value = device[keyPath: family.part] else { continue }
                    let name = device.name ?? "\(device.major):\(device.minor)"
                    add("\(family.name)_total{\(label),device=\"\(name)\"} \(value)\n")
                }
            }
        }
    }

    private mutating func add(_ line: String) { text += line.utf8 }

    private static func labels(_ reading: LiveUsage) -> String {
        var text = "id=\"\(escaped(reading.id))\",name=\"\(escaped(reading.name))\""
        if let image = reading.image { text += ",image=\"\(escaped(image))\"" }
        return text
    }

    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}

extension FigureUnit {
    fileprivate var metricUnit: String? {
        switch self {
        case .bytes: "bytes"
        case .microseconds: "seconds"
        case .count: nil
        }
    }

    fileprivate func metricValue(_ number: UInt64) -> String {
        guard self == .microseconds else { return String(number) }
        let rest = String(number % 1_000_000)
        return "\(number / 1_000_000).\(String(repeating: "0", count: 6 - rest.utf8.count))\(rest)"
    }
}

extension FigureKind {
    /// One sentence, from the words of the tables.
    fileprivate var help: String {
        var words = String(title.drop { $0 == " " })
        if words.hasSuffix(" at last") { words = words.dropLast(8) + " now" }
        let group = rawValue.prefix { $0 != "." }
        return title.hasPrefix(" ")
            ? "Of \(group): \(words)." : words.prefix(1).uppercased() + words.dropFirst() + "."
    }
}
