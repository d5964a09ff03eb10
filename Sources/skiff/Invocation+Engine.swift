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
        _ words: [String]? = nil, printsNames: Bool = true, _ body: (String) throws(CommandError) -> Void
    ) -> Int32 {
        var exitCode: Int32 = 0
        for word in words ?? arguments.words {
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

extension Invocation {
    /// The words, or with `--all` the ids of all containers, newest first; neither and both are refused.
    func containerWords(running: Bool) throws(CommandError) -> [String] {
        guard arguments.isSet("all") else {
            if arguments.words.isEmpty { throw CommandError.usage("\(verbName) needs a CONTAINER, or --all") }
            return arguments.words
        }
        guard arguments.words.isEmpty else { throw CommandError.usage("--all means all; name none") }
        let home = try home()
        return try command { () throws(StepError) in
            let ids = try home.records().list().records.map(\.id).reversed()
            if !running { return Array(ids) }
            var list: [String] = []
            for id in ids where try EngineContainer.find(id, in: home).status().isActive { list.append(id) }
            return list
        }
    }
}

/// Several steps over many containers, each step for all before the next begins. A container for which a step failed is
/// left out of the following ones.
struct Round {
    private let invocation: Invocation
    private let words: [String]
    private var failures: [String: CommandError] = [:]
    private var isFirstStep = true

    /// For containers by these words.
    init(_ invocation: Invocation, _ words: [String]) {
        self.invocation = invocation
        self.words = words
    }

    /// One step.
    mutating func each(_ body: (borrowing EngineContainer, String) throws(StepError) -> Void) {
        for word in words where failures[word] == nil {
            do throws(CommandError) {
                let container = try invocation.engineContainer(word)
                try command { () throws(StepError) in try body(container, word) }
            } catch {
                // One that removes itself at its end may have done so since the step before.
                if !isFirstStep, error.code == .containerNotFound { continue }
                failures[word] = error
            }
        }
        isFirstStep = false
    }

    /// Prints names and failures in the order of the words; the exit code.
    func finish() -> Int32 {
        invocation.forEachContainer(words) { (word) throws(CommandError) in
            if let failure = failures[word] { throw failure }
        }
    }
}
