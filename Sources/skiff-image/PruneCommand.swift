import ArgumentParser
import ImageStore
import LinuxSystem

/// `skiff image prune`.
struct PruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove images without a name, and what broken loads left.")

    @Flag(name: .shortAndLong, help: "Also images with a name that no container uses.") var all = false
    @Flag(name: .shortAndLong, help: "Do not ask.") var force = false
    @Option(name: .long, help: "until=TIME or label[!]=KEY[=VALUE]; may be repeated.") var filter: [String] =
        []
    @OptionGroup var storeOptions: StoreOptions

    func run() throws {
        let store = try storeOptions.open()
        let filter = try ImageFilter(filter, in: store, allowing: ["until", "label", "label!"])
        let what = all ? "all images that no container uses" : "all images without a name"
        guard force || confirm("Remove \(what)? [y/N] ") else { throw ExitCode(1) }
        let removal = try store.prune(unnamedOnly: !all) { filter.takes($0) }
        show(removal)
        Output.line("reclaimed: \(readableSize(removal.reclaimedBytes))")
    }
}

/// Asks on standard error and reads one line of standard input; only `y` and `yes` mean yes.
func confirm(_ question: String) -> Bool {
    Output.write(question, to: .standardError)
    var answer = ""
    bestEffort("no answer means no") { () throws(SyscallError) in
        answer = String(decoding: try BorrowedFD.standardInput.read(max: 100), as: UTF8.self)
    }
    let word = answer.prefix { !$0.isNewline }.lowercased()
    return word == "y" || word == "yes"
}
