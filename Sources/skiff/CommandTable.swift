import CommandGrammar

/// All verbs. Only the verb that runs is built; help, completion and the reference build them all.
enum CommandTable {
    /// Makes one verb.
    typealias Maker = @Sendable () -> Command

    /// Verbs in the order of the help text.
    private static let makers: [(name: String, make: Maker)] = runtimeVerbs + engineVerbs + generalVerbs

    /// The verb of a name.
    static func command(named name: String, _ style: CommandStyle = .skiff) -> Command? {
        makers(style).first { $0.name == name }?.make()
    }

    /// How all verbs are spelled.
    static var verbs: [CommandVerb] { verbs(.skiff) }

    /// How the verbs of a command line are spelled.
    static func verbs(_ style: CommandStyle) -> [CommandVerb] { makers(style).map { $0.make().verb } }

    private static func makers(_ style: CommandStyle) -> [(name: String, make: Maker)] {
        switch style {
        case .skiff: makers
        case .runc: bundleVerbs + helpVerb
        case .crun: bundleVerbs + crunVerbs
        }
    }

    /// The runtime's verbs without those for images.
    private static let bundleVerbs: [(name: String, make: Maker)] =
        runtimeVerbs.map { $0.name == "run" ? bundleRun : $0 }
    private static let bundleRun: (name: String, make: Maker) = ("run", { .runBundle })

    private static let runtimeVerbs: [(name: String, make: Maker)] = [
        ("create", { .create }), ("start", { .start }), ("run", { .run }), ("exec", { .exec }),
        ("kill", { .kill }),
        ("delete", { .delete }), ("state", { .state }), ("list", { .list }), ("ps", { .processes }),
        ("pause", { .pause }), ("resume", { .resume }), ("events", { .events }), ("update", { .update }),
        ("spec", { .spec }), ("checkpoint", { .checkpoint }), ("restore", { .restore }),
        ("features", { .features }),
    ]
    private static let engineVerbs: [(name: String, make: Maker)] = [
        ("stop", { .stop }), ("restart", { .restart }), ("rm", { .remove }), ("wait", { .wait }),
        ("attach", { .attach }), ("rename", { .rename }), ("unpause", { .unpause }),
        ("monitor", { .monitor }), ("inspect", { .inspect }), ("logs", { .logs }), ("stats", { .stats }),
        ("top", { .top }), ("usage", { .usage }), ("cp", { .copy }), ("diff", { .diff }),
        ("commit", { .commit }), ("export", { .export }),
        ("import", { .importArchive }), ("load", { .load }),
        ("save", { .save }),
        ("images", { .images }), ("tag", { .tag }), ("untag", { .untag }), ("history", { .history }),
        ("rmi", { .removeImages }), ("image", { .image }), ("df", { .diskUsage }), ("prune", { .prune }),
    ]
    private static let crunVerbs: [(name: String, make: Maker)] = [("mounts", { .mounts })]
    private static let helpVerb: [(name: String, make: Maker)] = [("help", { .help })]
    private static let generalVerbs: [(name: String, make: Maker)] = [
        ("check", { .check }), ("help", { .help }), ("completion", { .completion }), ("debug", { .debug }),
    ]
}
