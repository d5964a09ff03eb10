import CommandGrammar

/// All verbs. Only the verb that runs is built; help, completion and the reference build them all.
enum CommandTable {
    /// Makes one verb.
    typealias Maker = @Sendable () -> Command

    /// Verbs in the order of the help text.
    private static let makers: [(name: String, make: Maker)] = runtimeVerbs + engineVerbs + generalVerbs

    /// The verb of a name.
    static func command(named name: String) -> Command? {
        makers.first { $0.name == name }?.make()
    }

    /// How all verbs are spelled.
    static var verbs: [CommandVerb] { makers.map { $0.make().verb } }

    private static let runtimeVerbs: [(name: String, make: Maker)] = [
        ("create", { .create }), ("start", { .start }), ("run", { .run }), ("exec", { .exec }),
        ("kill", { .kill }),
        ("delete", { .delete }), ("state", { .state }), ("list", { .list }), ("ps", { .processes }),
        ("pause", { .pause }), ("resume", { .resume }), ("update", { .update }), ("spec", { .spec }),
        ("features", { .features }),
    ]
    private static let engineVerbs: [(name: String, make: Maker)] = [
        ("stop", { .stop }), ("restart", { .restart }), ("rm", { .remove }), ("wait", { .wait }),
        ("attach", { .attach }), ("rename", { .rename }), ("unpause", { .unpause }),
        ("monitor", { .monitor }), ("inspect", { .inspect }), ("logs", { .logs }), ("stats", { .stats }),
        ("top", { .top }), ("usage", { .usage }), ("cp", { .copy }), ("diff", { .diff }), ("load", { .load }),
        ("images", { .images }), ("rmi", { .removeImages }), ("image", { .image }),
    ]
    private static let generalVerbs: [(name: String, make: Maker)] = [
        ("help", { .help }), ("completion", { .completion }), ("debug", { .debug }),
    ]
}
