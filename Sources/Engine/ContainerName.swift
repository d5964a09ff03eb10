internal import LinuxSystem

/// Names for containers whose maker chose none: an adjective and a sailor's word, as `swift_ketch`.
enum ContainerName {
    private static let adjectives = [
        "able", "agile", "ample", "bold", "brave", "bright", "brisk", "calm", "clear", "clever", "cool",
        "crisp",
        "daring", "deft", "eager", "early", "fair", "fast", "fine", "firm", "fleet", "fond", "frank", "free",
        "fresh", "gentle", "glad", "golden", "grand", "hardy", "honest", "jolly", "keen", "kind", "light",
        "lively",
        "loyal", "lucid", "lucky", "merry", "mild", "neat", "nimble", "noble", "plain", "polite", "prime",
        "proud",
        "quick", "quiet", "rapid", "ready", "sharp", "silent", "smart", "snug", "sound", "steady", "still",
        "sunny",
        "swift", "tidy", "warm", "wise",
    ]
    private static let nouns = [
        "anchor", "atoll", "bay", "beacon", "bosun", "bow", "breeze", "brig", "buoy", "cape", "chart",
        "clipper",
        "coast", "compass", "coral", "cove", "crane", "creek", "current", "cutter", "deck", "delta", "dinghy",
        "dock", "dory", "ferry", "fjord", "frigate", "galley", "gull", "harbor", "heron", "hull", "island",
        "jetty",
        "keel", "ketch", "lagoon", "lantern", "ledger", "log", "mast", "moor", "oar", "pier", "pilot", "port",
        "quay", "reef", "rudder", "sail", "schooner", "sextant", "shoal", "shore", "sloop", "spar", "strait",
        "tern", "tide", "tiller", "wake", "wave", "yawl",
    ]

    /// A name; after some attempts in vain with digits of the container's id.
    static func random(attempt: Int, id: String) throws(StepError) -> String {
        let bytes = try during("make up a name") { () throws(SyscallError) in
            let source = try open("/dev/urandom", .readOnly)
            return try source.borrowed.read(max: 4)
        }
        let numbers = bytes.map(Int.init)
        let name =
            adjectives[(numbers[0] << 8 | numbers[1]) % adjectives.count] + "_"
            + nouns[(numbers[2] << 8 | numbers[3]) % nouns.count]
        return attempt < 8 ? name : "\(name)_\(id.prefix(8))"
    }
}
