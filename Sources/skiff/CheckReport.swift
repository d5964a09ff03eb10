import JSONCoding
import KernelFeatures

/// What `skiff check` prints.
struct CheckReport {
    /// The forms.
    enum Format: String { case table, json, tap }

    let release: String
    let findings: [FeatureFinding]
    /// What the kernel may lack; nil without expectations.
    let allowances: KernelAllowances?

    /// 3 when expectations are not met, 1 when a required feature is missing.
    var exitCode: Int32 {
        if findings.contains(where: isUnexpected) { return 3 }
        return findings.contains(where: isFatal) ? 1 : 0
    }

    func text(_ format: Format) -> String {
        switch format {
        case .table: table
        case .json: String(decoding: json, as: UTF8.self) + "\n"
        case .tap: tap
        }
    }

    private func isFatal(_ finding: FeatureFinding) -> Bool {
        finding.answer != .present && finding.feature.need == .required
    }

    private func isUnexpected(_ finding: FeatureFinding) -> Bool {
        guard let allowances, finding.answer != .present else { return false }
        return allowances.reason(for: finding.feature) == nil
    }

    private var summary: String {
        let present = findings.filter { $0.answer == .present }.count
        let fatal = findings.filter(isFatal).map(\.feature.name)
        return "kernel \(release): \(present) of \(findings.count) features"
            + (fatal.isEmpty ? "" : "; required and missing: \(fatal.joined(separator: ", "))")
    }

    private var table: String {
        let rows = findings.map { finding in
            let feature = finding.feature
            return [feature.name, finding.answer.state, feature.need.rawValue, feature.since, feature.use]
        }
        var text = TextTable.text([["FEATURE", "STATE", "NEED", "SINCE", "USED FOR"]] + rows)
        let missing = findings.filter { $0.answer != .present }
        if !missing.isEmpty {
            text += "\n"
            text += TextTable.text(
                [["MISSING", "REASON", "WITHOUT IT"]]
                    + missing.map { [$0.feature.name, $0.answer.reason ?? "", $0.feature.without] })
        }
        for finding in findings where isUnexpected(finding) {
            text += "\nexpected of this kernel: \(finding.feature.name)"
        }
        return text + "\n\(summary)\n"
    }

    private var json: [UInt8] {
        var writer = JSONWriter(.pretty)
        writer.object { writer in
            writer.field("kernel", release)
            writer.field("usable", !findings.contains(where: isFatal))
            if allowances != nil {
                writer.field("asExpected", !findings.contains(where: isUnexpected))
            }
            writer.field("features") { writer in
                writer.array { writer in
                    for finding in findings { writer.element { write(finding, to: &$0) } }
                }
            }
        }
        return writer.finish()
    }

    private func write(_ finding: FeatureFinding, to writer: inout JSONWriter) {
        let feature = finding.feature
        writer.object { writer in
            writer.field("name", feature.name)
            writer.field("area", feature.area.rawValue)
            writer.field("need", feature.need.rawValue)
            writer.field("state", finding.answer.state)
            writer.field("reason", finding.answer.reason)
            writer.field("since", feature.since)
            writer.field("usedFor", feature.use)
            writer.field("without", feature.without)
            if let allowances {
                writer.field("expected", allowances.reason(for: feature) == nil)
            }
        }
    }

    /// - SeeAlso: https://testanything.org/tap-specification.html
    private var tap: String {
        var text = "1..\(findings.count)\n"
        for (index, finding) in findings.enumerated() {
            let point = "\(index + 1) - \(finding.feature.name)"
            let reason = finding.answer.reason ?? ""
            if finding.answer == .present {
                text += "ok \(point)\n"
            } else if isUnexpected(finding) || isFatal(finding) {
                text += "not ok \(point)\n# \(finding.answer.state): \(reason)\n"
            } else {
                let allowed = allowances?.reason(for: finding.feature).map { "\($0) (\(reason))" } ?? reason
                text += "ok \(point) # SKIP \(allowed)\n"
            }
        }
        return text + "# \(summary)\n"
    }
}
