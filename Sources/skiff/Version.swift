import LinuxSystem

/// What `--version` prints.
enum Version {
    /// Version of the program.
    static let number = "0.1.0"
    /// Day of that version, for the manual page.
    static let date = "2026-11-21"
    /// Newest version of the runtime specification.
    static let specification = "1.3.0"
    /// The program with its version.
    static let name = "skiff \(number)"

    /// Text in the form that engines parse: name and version, commit, specification. Under another name the first line
    /// begins as that runtime's does and says who answers.
    static func text(_ style: CommandStyle, root: Path) -> String {
        let commit = "commit: \(BuildFacts.commit)\n"
        let specification = "spec: \(specification)\n"
        switch style {
        case .skiff: return "skiff version \(number)\n" + commit + specification
        case .runc: return "runc version \(number) (skiff)\n" + commit + specification
        case .crun:
            return "crun version \(number) (skiff)\n" + commit + "rundir: \(root)\n" + specification
                + "+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +CRIU\n"
        }
    }
}
