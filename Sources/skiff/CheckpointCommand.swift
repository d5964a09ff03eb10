import CommandGrammar
import ContainerRuntime
import LinuxSystem

extension Command {
    /// `skiff checkpoint ID`
    static var checkpoint: Command {
        let verb = CommandVerb(
            "checkpoint", .runtime, "Save the processes of a container in files, by CRIU",
            details: """
                The container ends and is deleted, unless --leave-running or --pre-dump is given. 'skiff restore' makes
                it again from the same bundle. It needs Debian's package criu; a failure quotes CRIU's own reason.
                """,
            operands: .container, options: CheckpointFlags.checkpoint)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            try invocation.refuseEngineContainer()
            let container = try invocation.container()
            let options = try CheckpointOptions(invocation)
            let warnings = try command { () throws(StepError) in try container.checkpoint(options) }
            for warning in warnings { invocation.output.warn(warning) }
            return 0
        }
    }

    /// `skiff restore ID`
    static var restore: Command {
        let verb = CommandVerb(
            "restore", .runtime, "Make a container from a bundle and what checkpoint has saved",
            details: """
                Without --detach skiff stays: the exit code is the program's, 128 + n if signal n ended it.
                """,
            operands: .container, options: CheckpointFlags.restore)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            try invocation.seal()
            let isDetached = invocation.arguments.isSet("detach")
            let options = try CheckpointOptions(invocation)
            var request = try CreateRequest(invocation, foreground: !isDetached)
            // The restored program has the notify socket that it was created with, if any.
            request.notifies = false
            let wanted = request
            let store = invocation.store
            var restored = try command { () throws(StepError) in
                try Launch.restore(wanted, options, in: store)
            }
            if isDetached { return 0 }
            let result = try command { () throws(StepError) in try restored.stay() }
            try invocation.deleteEnded(restored.container, result)
            return result.exit.shellCode
        }
    }
}

extension Invocation {
    /// What an image's container has around it, its monitor and its layers, is not saved.
    fileprivate func refuseEngineContainer() throws(CommandError) {
        guard try meansEngineContainer() else { return }
        throw CommandError(
            "containers that were made from images cannot be checkpointed, only those of bundles",
            code: .unsupported)
    }
}

extension CheckpointOptions {
    /// The options of both verbs.
    init(_ invocation: Invocation) throws(CommandError) {
        let arguments = invocation.arguments
        func path(_ name: String) -> Path? {
            arguments.value(name).flatMap { $0.isEmpty ? nil : Path($0) }
        }
        self.init(images: path("image-path") ?? "checkpoint")
        work = path("work-path")
        parent = path("parent-path")
        leavesRunning = arguments.isSet("leave-running")
        isPreDump = arguments.isSet("pre-dump")
        allowsConnections = arguments.isSet("tcp-established")
        skipsUnfinishedConnections = arguments.isSet("tcp-skip-in-flight")
        remapsLinks = arguments.isSet("link-remap")
        allowsOutsideSockets = arguments.isSet("ext-unix-sk")
        isShellJob = arguments.isSet("shell-job")
        savesLocks = arguments.isSet("file-locks")
        deduplicates = arguments.isSet("auto-dedup")
        isLazy = arguments.isSet("lazy-pages")
        profile = arguments.value("lsm-profile")
        mountContext = arguments.value("lsm-mount-context")
        if let text = arguments.value("manage-cgroups-mode"), !text.isEmpty {
            cgroups = CgroupMode(rawValue: text)
            if cgroups == nil {
                let names = CgroupMode.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandError.usage("--manage-cgroups-mode is one of \(names), not '\(text)'")
            }
        }
        for kind in arguments.values("empty-ns") where kind != "network" {
            throw CommandError.usage("--empty-ns takes 'network', not '\(kind)'")
        }
        try readServer(arguments.value("page-server"))
        try readStatus(arguments.value("status-fd"))
    }

    private mutating func readServer(_ text: String?) throws(CommandError) {
        guard let text, !text.isEmpty else { return }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let address = parts.dropLast().joined(separator: ":")
        guard parts.count > 1, !address.isEmpty, let port = UInt16(parts[parts.count - 1]), port > 0 else {
            throw CommandError.usage("--page-server is ADDRESS:PORT, not '\(text)'")
        }
        pageServer = (address.hasPrefix("[") ? String(address.dropFirst().dropLast()) : address, Int32(port))
    }

    private mutating func readStatus(_ text: String?) throws(CommandError) {
        guard let text, !text.isEmpty else { return }
        guard let number = Int32(text), number >= -1 else {
            throw CommandError.usage("--status-fd is the number of a descriptor, not '\(text)'")
        }
        guard number >= 0 else { return }
        let fd = BorrowedFD(rawValue: number)
        do throws(SyscallError) {
            _ = try fd.write([])
        } catch {
            throw CommandError.usage("--status-fd \(number) cannot be written to: \(error)")
        }
        status = fd
    }
}

/// Options of checkpoint and restore.
private enum CheckpointFlags {
    private static let both = [
        CommandOption("image-path", value: "DIR", "Directory of the images (default: checkpoint)"),
        CommandOption(
            "work-path", value: "DIR", "Directory of CRIU's log and other work (default: the images')"),
        CommandOption("tcp-established", "Allow connected TCP sockets"),
        CommandOption("ext-unix-sk", "Allow unix sockets that lead out of the container"),
        CommandOption("shell-job", "Allow a terminal or session of a shell outside"),
        CommandOption("file-locks", "Save and restore file locks"),
        CommandOption(
            "manage-cgroups-mode", value: "MODE", "soft, full, strict or ignore: what CRIU does about cgroups"
        ),
        CommandOption(
            "empty-ns", value: "network",
            "Accepted; interfaces and addresses are never saved, hooks give them again"),
        CommandOption("auto-dedup", "Remove pages from images that need them no more"),
        CommandOption("lazy-pages", "Fetch pages when they are first used, with userfaultfd"),
    ]

    static let checkpoint =
        both + [
            CommandOption(
                "parent-path", value: "DIR",
                "Images of an earlier --pre-dump, seen from the images' directory"),
            CommandOption("leave-running", "Let the container run on"),
            CommandOption("pre-dump", "Save the memory only, in advance; the container runs on"),
            CommandOption("tcp-skip-in-flight", "Leave out TCP connections that are being made"),
            CommandOption("link-remap", "Allow open files without a name to be linked back"),
            CommandOption("status-fd", value: "FD", "Write a NUL byte there when lazy pages can be fetched"),
            CommandOption("page-server", value: "ADDRESS:PORT", "Send the memory to this criu page-server"),
        ]

    static let restore =
        [
            RuntimeOptions.bundle, RuntimeOptions.detach, RuntimeOptions.pidFile,
            RuntimeOptions.consoleSocket, RuntimeOptions.pidfdSocket,
            RuntimeOptions.noPivot, RuntimeOptions.noSubreaper,
        ] + both + [
            CommandOption("lsm-profile", value: "TYPE:NAME", "Label of the restored processes"),
            CommandOption("lsm-mount-context", value: "CONTEXT", "SELinux context of the restored mounts"),
        ]
}
