import ArgumentParser
import LinuxSystem

/// The whole command line; `skiff` calls it for every verb that reads archives or changes the image store.
struct SkiffImage: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "skiff-image", abstract: "Loads, lists and removes the images that skiff runs.",
        subcommands: [
            LoadCommand.self, ImagesCommand.self, RemoveCommand.self, InspectCommand.self, TagCommand.self,
            UntagCommand.self, HistoryCommand.self, PruneCommand.self, SaveCommand.self,
            CommitCommand.self, ExportCommand.self, ImportCommand.self, MountCommand.self,
            UnmountCommand.self, CheckCommand.self,
        ])
}

// Exit codes as skiff's: 0 done, 1 failed, 2 the command line is wrong.
do {
    var command = try SkiffImage.parseAsRoot()
    try command.run()
} catch let error as StepError {
    Output.error("\(error)")
    exitProcess(1)
} catch {
    let code = SkiffImage.exitCode(for: error)
    let message = SkiffImage.fullMessage(for: error)
    if !message.isEmpty {
        if code == .success { Output.line(message) } else { Output.write(message + "\n", to: .standardError) }
    }
    exitProcess(code == .validationFailure ? 2 : code.rawValue)
}
exitProcess(0)
