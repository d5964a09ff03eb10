import CommandGrammar
import Engine
import LinuxSystem

/// Words of verbs that take several containers.
private let containers = CommandOperands("CONTAINER...", 1, nil)

extension Command {
    /// `skiff stop CONTAINER...`
    static var stop: Command {
        let verb = CommandVerb(
            "stop", .engine, "Ask containers to end, and end them when the grace time is over",
            operands: CommandOperands("CONTAINER...", 0, nil),
            options: [
                CommandOption("time", "t", value: "SECONDS", "Grace time; -1 for no limit"),
                CommandOption("timeout", value: "SECONDS", "The same", hidden: true),
                CommandOption("all", "a", "All that run"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let grace = try invocation.graceTime()
            let words = try invocation.containerWords(running: true)
            // All at the same time: first everybody is asked, then each has until its own grace is over.
            var round = Round(invocation, words)
            var deadlines: [String: Int64] = [:]
            round.each { (container, word) throws(StepError) in
                deadlines[word] = try container.askToStop(graceSeconds: grace)
            }
            round.each { (container, word) throws(StepError) in try container.endWhenOver(deadlines[word]) }
            round.each { (container, _) throws(StepError) in try container.waitUntilStopped() }
            return round.finish()
        }
    }

    /// `skiff restart CONTAINER...`
    static var restart: Command {
        let verb = CommandVerb(
            "restart", .engine, "Stop containers and start them again", operands: containers,
            options: [CommandOption("time", "t", value: "SECONDS", "Grace time; -1 for no limit")])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let grace = try invocation.graceTime()
            return invocation.forEachContainer { (word) throws(CommandError) in
                let container = try invocation.engineContainer(word)
                try command { () throws(StepError) in try container.stop(graceSeconds: grace) }
                _ = try EngineStart(invocation).start(word, staysAttached: false)
            }
        }
    }

    /// `skiff rm [-f] CONTAINER...`
    static var remove: Command {
        let verb = CommandVerb(
            "rm", .engine, "Remove containers with their files and their own volumes",
            operands: CommandOperands("CONTAINER...", 0, nil),
            options: [
                CommandOption("all", "a", "All containers"),
                CommandOption("force", "f", "End those that run; one that is not there is no failure"),
                CommandOption("volumes", "v", "Accepted; a container's anonymous volumes always go with it"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let isForced = invocation.arguments.isSet("force")
            let words = try invocation.containerWords(running: false)
            let home = try invocation.home()
            // The kernel takes their processes and mounts down at the same time.
            if isForced, words.count > 1 {
                for word in words where EngineContainer.exists(word, in: home) {
                    bestEffort("the removal below tells what is wrong") { () throws(StepError) in
                        try EngineContainer.find(word, in: home).killWithoutWaiting()
                    }
                }
            }
            return invocation.forEachContainer(words) { (word) throws(CommandError) in
                if isForced, !EngineContainer.exists(word, in: home),
                    !EngineContainer.isBeginningOfID(word, in: home)
                {
                    return
                }
                let container = try invocation.engineContainer(word)
                try command { () throws(StepError) in try container.remove(force: isForced) }
            }
        }
    }

    /// `skiff wait CONTAINER...`
    static var wait: Command {
        let verb = CommandVerb(
            "wait", .engine, "Wait until containers have ended and print their exit codes",
            operands: containers)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            invocation.forEachContainer(printsNames: false) { (word) throws(CommandError) in
                let container = try invocation.engineContainer(word)
                let exit = try command { () throws(StepError) in try container.wait() }
                _ = Output.show("\(exit?.exitCode ?? 0)\n")
            }
        }
    }

    /// `skiff rename CONTAINER NAME`
    static var rename: Command {
        let verb = CommandVerb(
            "rename", .engine, "Give a container another name",
            operands: CommandOperands("CONTAINER NAME", 2, 2))
        return Command(verb: verb) { (invocation) throws(CommandError) in
            var container = try invocation.engineContainer(invocation.arguments.words[0])
            try command { () throws(StepError) in try container.rename(to: invocation.arguments.words[1]) }
            return 0
        }
    }

    /// `skiff unpause CONTAINER...`
    static var unpause: Command {
        let verb = CommandVerb(
            "unpause", .engine, "Let the processes of containers run again", operands: containers)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            invocation.forEachContainer { (word) throws(CommandError) in
                let container = try invocation.engineContainer(word)
                try command { () throws(StepError) in try container.unpause() }
            }
        }
    }

    /// `skiff attach CONTAINER`
    static var attach: Command {
        let verb = CommandVerb(
            "attach", .engine, "Attach to a running container's standard streams",
            details: "Ctrl-P Ctrl-Q leaves a container with a terminal and lets it go on.",
            operands: .container,
            options: [
                CommandOption("no-stdin", "Do not send standard input"),
                CommandOption("sig-proxy", "Pass signals on (default true)"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try invocation.engineContainer(invocation.arguments.words[0])
            let sendsInput = !invocation.arguments.isSet("no-stdin")
            let forwards = invocation.arguments.value("sig-proxy") != "false"
            let outcome = try command { () throws(StepError) in
                try container.attach(sendsInput: sendsInput, forwardsSignals: forwards)
            }
            return try AttachedClient(invocation).finish(outcome)
        }
    }

    /// `skiff monitor ID`, which only skiff itself runs.
    static var monitor: Command {
        let verb = CommandVerb(
            "monitor", .engine, "Watch over a container; started by run and start",
            operands: CommandOperands("ID", 1, 1),
            options: [
                CommandOption("window", value: "ROWSxCOLUMNS", "Size of the terminal"),
                CommandOption("attached", "The caller stays attached"),
                CommandOption("no-cgroups", "Use no cgroups"),
            ], hidden: true)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            var options = MonitorProcess.Options(
                id: invocation.arguments.words[0], home: try invocation.home())
            options.staysAttached = invocation.arguments.isSet("attached")
            options.usesCgroups = !invocation.arguments.isSet("no-cgroups")
            if let sides = invocation.arguments.value("window")?.split(separator: "x"), sides.count == 2,
                let rows = UInt16(sides[0]), let columns = UInt16(sides[1])
            {
                options.window = WindowSize(rows: rows, columns: columns)
            }
            return MonitorProcess.run(options)
        }
    }
}

extension Invocation {
    /// `--time`, in seconds; nil for each container's own.
    fileprivate func graceTime() throws(CommandError) -> Int? {
        guard let text = arguments.value("time") ?? arguments.value("timeout") else { return nil }
        return try command(exitCode: 2) { () throws(StepError) in
            try OptionText.integer(text, of: "time", in: -1...86_400)
        }
    }
}
