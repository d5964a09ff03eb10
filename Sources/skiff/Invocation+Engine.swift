import CommandGrammar
import ContainerRuntime
import Engine
import LinuxSystem

extension Invocation {
    /// Where the engine keeps things, as absolute paths.
    func home() throws(CommandError) -> EngineHome {
        try command { () throws(StepError) in
            try EngineHome(store: globals.store, state: store.root).absolute()
        }
    }

    /// Whether the first word means a container of the engine, for verbs that both worlds have. A container of that
    /// very id in the runtime's state comes first and costs one lookup; the engine's own are there under their full
    /// ids, too, and are told by their records.
    func meansEngineContainer() throws(CommandError) -> Bool {
        guard style.knowsImages, let word = arguments.words.first, !word.isEmpty, !word.contains("/") else {
            return false
        }
        let isRuntimes = try command { () throws(StepError) in
            try during("look for \(word)") { () throws(SyscallError) in
                try statusIfPresent(of: store.root.appending(Path(word))) != nil
            }
        }
        if isRuntimes && word.utf8.count != 64 { return false }
        let home = try home()
        if EngineContainer.exists(word, in: home) { return true }
        if isRuntimes { return false }
        return EngineContainer.isBeginningOfID(word, in: home)
    }

    /// The engine's container that a word means.
    func engineContainer(_ word: String) throws(CommandError) -> EngineContainer {
        let home = try home()
        return try command { () throws(StepError) in try EngineContainer.find(word, in: home) }
    }

    /// Does something to each container named, in order, and prints its name as given; goes on after a failure, which
    /// decides the exit code.
    func forEachContainer(
        printsNames: Bool = true, _ body: (String) throws(CommandError) -> Void
    ) -> Int32 {
        var exitCode: Int32 = 0
        for word in arguments.words {
            do throws(CommandError) {
                try body(word)
                if printsNames { _ = Output.show(word + "\n") }
            } catch {
                exitCode = output.report(error, verb: verbName, subject: word)
            }
        }
        return exitCode
    }
}
