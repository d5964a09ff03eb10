import CommandGrammar

/// The prose of the manual page.
enum ManualText {
    /// The page around the table of commands.
    static var page: ManualPage {
        ManualPage(
            version: Version.number, date: Version.date, before: [description],
            after: [exitStatus, environment, files, examples, related])
    }

    private static let description = ManualPage.Section(
        "DESCRIPTION",
        """
        skiff runs containers on Linux. It is an OCI runtime, which engines call with a bundle, and an engine of its own, \
        without a daemon, for containers that are made from images.

        Verbs that both worlds have (run, start, exec, kill, ps, pause) mean a bundle's container or one made from an \
        image, whichever has the name. With --bundle, run takes a bundle, else an image.

        Containers from images can be named by name, by id or by the beginning of an id.
        """)

    private static let exitStatus = ManualPage.Section(
        "EXIT STATUS",
        """
        0\tThe command did what it was asked for.
        1\tIt failed; one line on standard error says why.
        2\tThe command line cannot be used.
        125\trun, and start and exec of containers from images: skiff itself failed.
        126\tthe same: the program was found but cannot be executed.
        127\tthe same: the program was not found.
        128+n\trun, exec: signal n ended the program.
        255\texec in a bundle's container: the program could not be started.
        other\trun, exec: the exit status of the program.
        """)

    private static let environment = ManualPage.Section(
        "ENVIRONMENT",
        """
        XDG_RUNTIME_DIR\tFor users other than root the state is kept in skiff below it.
        NOTIFY_SOCKET\tcreate and run of a bundle give the program a socket of its own; start and run pass on what it says, as sd_notify(3) has it, and return once it is ready.
        LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES\tcreate and run of a bundle hand these descriptors on to the program, as sd_listen_fds(3) has it.
        TERM\tTaken over by containers from images that get a terminal.
        """)

    private static let files = ManualPage.Section(
        "FILES",
        """
        /run/skiff\tState of containers (--root).
        /run/skiff/.seccomp\tCompiled system call filters.
        /var/lib/skiff\tImages, containers and volumes (--store).
        """)

    private static let examples = ManualPage.Section(
        "EXAMPLES",
        """
        Load an image, run a program in it, and see what it used:

            skiff load busybox.oci.tar
            skiff run --rm --usage --memory 64m busybox sh -c 'echo hello'

        In the background, under a name:

            skiff run -d --name web --network host nginx
            skiff stop web

        A bundle:

            skiff spec --bundle DIR
            skiff run --bundle DIR ID

        For podman:

            podman --runtime /usr/local/bin/skiff run --rm IMAGE true
        """)

    private static let related = ManualPage.Section(
        "SEE ALSO", "crun(1), podman(1), cgroups(7), namespaces(7)")
}
