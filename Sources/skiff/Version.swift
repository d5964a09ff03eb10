/// What `--version` prints.
enum Version {
    /// Version of the program.
    static let number = "0.1.0"
    /// Day of that version, for the manual page.
    static let date = "2026-11-21"
    /// Newest version of the runtime specification.
    static let specification = "1.3.0"

    /// Text in the form that engines parse: name and version, commit, specification.
    static let text = """
        skiff version 0.1.0
        commit: unknown
        spec: 1.3.0

        """
}
