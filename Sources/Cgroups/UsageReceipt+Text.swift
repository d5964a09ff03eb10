internal import LinuxSystem

extension UsageReceipt {
    /// The account as a table for people: what, how much, and which kernel file says so.
    package var text: String {
        var rows: [(String, String, String)] = [
            ("container", name.map { "\($0) (\(id))" } ?? id, "")
        ]
        if let image { rows.append(("image", image, "")) }
        let noStart = "not available: \(Self.noStart)"
        rows += [
            ("started", started.map { Clock.timestamp($0, fraction: 3) } ?? noStart, ""),
            ("finished", Clock.timestamp(finished, fraction: 3), ""),
            (
                "wall time", wallMicroseconds.map(FigureUnit.microseconds.text) ?? noStart,
                wallMicroseconds == nil ? "" : "monotonic clock"
            ),
            ("ended by", exitText, ""),
            ("out of memory", outOfMemoryText, ""),
        ]
        for kind in FigureKind.allCases {
            let figure = self[kind]
            rows.append((kind.title, kind.text(figure), figure.source ?? ""))
        }
        for device in devices {
            let name = device.name ?? "\(device.major):\(device.minor)"
            rows.append(("device \(name)", Self.text(device), ""))
        }
        return Self.table(rows)
    }

    private var exitText: String {
        switch exit {
        case .exited(let code): "exit code \(code)"
        case .signaled(let number): "signal \(number) (\(SignalName.name(number)))"
        case nil: "not available: \(Self.notWaitedFor)"
        }
    }

    private var outOfMemoryText: String {
        switch outOfMemory.verdict {
        case .none: "no"
        case .innerLimit: "a process was killed at the limit of a cgroup inside the container"
        case .ownLimit: "a process was killed at the container's own limit"
        case .outerLimit:
            outOfMemory.outerCgroup.map { "a process was killed at the limit of the cgroup \($0) above" }
                ?? "a process was killed at a limit outside the container"
        case .unknown: "not known on this host"
        }
    }

    private static func text(_ device: BlockDeviceUsage) -> String {
        func bytes(_ number: UInt64?) -> String { number.map(FigureUnit.bytes.text) ?? "?" }
        func count(_ number: UInt64?) -> String { number.map { "\($0)" } ?? "?" }
        return "read \(bytes(device.readBytes)) in \(count(device.readOperations)), "
            + "written \(bytes(device.writeBytes)) in \(count(device.writeOperations))"
    }

    /// Aligns three columns; a value too wide for its column moves only its own row.
    private static func table(_ rows: [(String, String, String)]) -> String {
        let first = rows.map(\.0.count).max() ?? 0
        let second = rows.filter { !$0.2.isEmpty }.map(\.1.count).max() ?? 0
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        return rows.map { row in
            let start = "\(padded(row.0, first))  "
            return start + (row.2.isEmpty ? row.1 : "\(padded(row.1, second))  \(row.2)") + "\n"
        }.joined()
    }
}
