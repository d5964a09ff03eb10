import CommandGrammar

/// The options of `run` for containers from images, spelled as docker and podman spell them.
enum ImageRunOptions {
    /// All of them, in the order of the help text.
    static let all = identity + program + files + limits + rights + behaviour

    private static let identity = [
        CommandOption("name", value: "NAME", "Name of the container (default: a made-up one)"),
        CommandOption("hostname", "h", value: "NAME", "Host name in the container (default: its id)"),
        CommandOption("label", "l", value: "KEY=VALUE", "Add a label"),
        CommandOption("annotation", value: "KEY=VALUE", "Add an annotation of the runtime configuration"),
    ]
    private static let program = [
        CommandOption("interactive", "i", "Keep standard input open"),
        CommandOption("tty", "t", "Give the program a terminal"),
        CommandOption(
            "env", "e", value: "NAME[=VALUE]", "Set a variable; a name alone takes the caller's value"),
        CommandOption("env-file", value: "FILE", "Set the variables of a file"),
        CommandOption("workdir", "w", value: "DIR", "Working directory in the container"),
        CommandOption("user", "u", value: "USER[:GROUP]", "Who the program runs as"),
        CommandOption("group-add", value: "GROUP", "Add a supplementary group"),
        CommandOption("entrypoint", value: "PROGRAM", "Replace the image's entry point; empty for none"),
        CommandOption("init", "Run a small init as the first process, which reaps and passes signals on"),
    ]
    private static let files = [
        CommandOption("volume", "v", value: "SRC:DST[:OPTIONS]", "Mount a host path or a named volume"),
        CommandOption("tmpfs", value: "DIR[:OPTIONS]", "Mount memory at a directory"),
        CommandOption("read-only", "Make the root file system read-only"),
        CommandOption("device", value: "SRC[:DST][:rwm]", "Add a device of the host"),
        CommandOption(
            "device-cgroup-rule", value: "RULE", "Allow devices by number, such as 'c 189:* rwm'"),
        CommandOption("shm-size", value: "SIZE", "Size of /dev/shm (default 64m)"),
    ]
    private static let limits =
        LimitOption.allCases.filter { !$0.isForUpdate }.map(\.option) + [
            CommandOption(
                "ulimit", value: "NAME=SOFT[:HARD]", "Set a resource limit, such as nofile=1024:2048"),
            CommandOption(
                "oom-score-adj", value: "NUMBER", "Adjust who is killed first without memory, -1000 to 1000"),
            CommandOption("cgroup-parent", value: "CGROUP", "Make the container's cgroup below this one"),
            CommandOption(
                "cgroupns", value: "NAME", "private (its own cgroup looks like the root; the default) or host"
            ),
        ]
    private static let rights = [
        CommandOption("cap-add", value: "CAPABILITY", "Add a capability, or ALL"),
        CommandOption("cap-drop", value: "CAPABILITY", "Take a capability away, or ALL"),
        CommandOption("privileged", "Give all capabilities and devices, hide nothing, filter nothing"),
        CommandOption(
            "security-opt", value: "OPTION", "seccomp=unconfined, seccomp=FILE or no-new-privileges"),
        CommandOption("sysctl", value: "KEY=VALUE", "Set a kernel parameter of the container's namespaces"),
        CommandOption(
            "userns", value: "NAME", "User namespace: host (the default), auto, auto:size=N or UID:GID:SIZE"),
        CommandOption("uidmap", value: "IN:OUT:SIZE", "Map user ids of a user namespace; may be repeated"),
        CommandOption("gidmap", value: "IN:OUT:SIZE", "Map group ids; like the user ids without it"),
        CommandOption("network", value: "NAME", "none (only a loopback interface; the default) or host"),
        CommandOption("net", value: "NAME", "The same as --network", hidden: true),
    ]
    private static let behaviour = [
        CommandOption("rm", "Remove the container when it ends"),
        CommandOption("stop-signal", value: "SIGNAL", "Signal that asks the program to end (default TERM)"),
        CommandOption("stop-timeout", value: "SECONDS", "Time from that signal to KILL (default 10)"),
        CommandOption(
            "on-pressure", value: "WHAT:HOW:STALL/WINDOW:COMMAND",
            "Run a command here when processes wait, such as memory:some:150ms/1s:'logger busy'"),
        CommandOption("usage", "Print the receipt to standard error at the end"),
    ]
}
