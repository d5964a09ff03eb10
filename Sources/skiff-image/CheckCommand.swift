import ArgumentParser
import ImageStore
import ImageTransfer
import LinuxSystem

/// `skiff image check`.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Verify the image store.",
        discussion: """
            Verifies that every name has its image, every image its documents under their digests and all its layers \
            under their chain ids, and every container what it was made from. Prints a line for each finding and ends \
            with 1 if there is any. What killed loads have left is told, too; `skiff image prune` removes it.
            """)

    @Flag(name: .shortAndLong, help: "Print findings only.") var quiet = false
    @OptionGroup var storeOptions: StoreOptions

    func run() throws {
        let report = try StoreCheck.run(storeOptions.open())
        for finding in report.findings { Output.line(finding) }
        for leftover in report.leftovers { Output.line("left behind: \(leftover)") }
        if !quiet {
            Output.line("\(report.images) images, \(report.layers) layers, \(report.findings.count) findings")
        }
        if !report.findings.isEmpty { throw ExitCode(1) }
    }
}
