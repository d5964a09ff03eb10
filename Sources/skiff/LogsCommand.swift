import CommandGrammar
import Engine
import LinuxSystem

extension Command {
    /// `skiff logs CONTAINER`
    static var logs: Command {
        let verb = CommandVerb(
            "logs", .engine, "Print what a container printed", operands: .container,
            options: [
                CommandOption("follow", "f", "Go on until the container ends"),
                CommandOption("tail", "n", value: "LINES", "Begin with the last lines only, or all"),
                CommandOption("timestamps", "t", "Begin each line with its time"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try invocation.engineContainer(invocation.arguments.words[0])
            var selection = LogReader.Selection()
            selection.showsTime = invocation.arguments.isSet("timestamps")
            if let text = invocation.arguments.value("tail"), text != "all" {
                guard let number = Int(text), number >= 0 else {
                    throw CommandError.usage("--tail is a number of lines or all, not '\(text)'")
                }
                selection.tail = number
            }
            let follows = invocation.arguments.isSet("follow")
            try command { () throws(StepError) in try show(container, selection, follows) }
            return 0
        }
    }

    private static func show(
        _ container: borrowing EngineContainer, _ selection: LogReader.Selection, _ follows: Bool
    ) throws(StepError) {
        let step: Step = "print the log of \(container.record.name)"
        let path = container.path
        let folder = try during(step) { () throws(SyscallError) in
            try open(path, [.readOnly, .directory, .noFollow])
        }
        var reader = LogReader(folder: folder, selection: selection)
        let watch = try during(step) { () throws(SyscallError) in
            let watch = try ChangeWatch()
            if follows {
                try watch.add(path, mask: ChangeWatch.modified | ChangeWatch.movedTo | ChangeWatch.created)
            }
            return watch
        }
        try during(step) { () throws(SyscallError) in try reader.readExisting(write) }
        while follows {
            // Asked before reading: what was written until the end is still read.
            let isActive = try container.status().isActive
            try during(step) { () throws(SyscallError) in try reader.readAdded(write) }
            if !isActive { return }
            try during(step) { () throws(SyscallError) in
                _ = try poll([(watch.fd.borrowed, .readable)], timeoutMilliseconds: 1000)
                bestEffort("only the waking counts; nothing to read is fine, too") {
                    () throws(SyscallError) in
                    _ = try watch.fd.borrowed.read(max: 4096)
                }
            }
        }
    }

    private static func write(_ stream: LogLine.Stream, _ bytes: [UInt8]) throws(SyscallError) {
        let target: BorrowedFD = stream == .output ? .standardOutput : .standardError
        try target.writeAll(bytes)
    }
}
