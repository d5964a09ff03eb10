import CommandGrammar
import ContainerInit
import ContainerRuntime
import LinuxSystem

extension Command {
    /// `skiff create --bundle DIR ID`
    static var create: Command {
        let verb = CommandVerb(
            "create", .runtime, "Create a container from a bundle, to be started later", operands: .container,
            options: RuntimeOptions.create)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            try invocation.seal()
            return try invocation.tracing { () throws(CommandError) in
                let request = try CreateRequest(invocation, foreground: false)
                let store = invocation.store
                _ = try launching { () throws(LaunchFailure) in try Launch.create(request, in: store) }
                return 0
            }
        }
    }
}

extension CreateRequest {
    /// The options of create and run.
    init(_ invocation: Invocation, foreground: Bool) throws(CommandError) {
        let arguments = invocation.arguments
        let bundle = invocation.path("bundle") ?? "."
        self.init(id: try invocation.containerID(), source: .bundle(bundle))
        if let socket = arguments.value("console-socket"), !socket.isEmpty {
            console = .socket(Path(socket))
        } else if foreground {
            console = .caller
            windowSize = TerminalRelay.callersWindow()
            keepsNewlines = true
        }
        configurationFile = invocation.path("config")
        pidFile = invocation.path("pid-file")
        pidfdSocket = invocation.path("pidfd-socket")
        preservedDescriptors = try invocation.count("preserve-fds")
        activationDescriptors = Self.activationDescriptors()
        if activationDescriptors > 0 { activationNames = ProcessEnvironment.value("LISTEN_FDNAMES") }
        try invocation.closeLeaks(preserved: preservedDescriptors + activationDescriptors)
        receipt = try invocation.receiptFile()
        notifies = invocation.supervisor != nil
        hooksStartInBundle = invocation.style == .crun
        avoidsPivot = arguments.isSet("no-pivot")
        keepsKeyring = arguments.isSet("no-new-keyring")
        usesCgroups = !invocation.globals.cgroupsAreDisabled
        insistsOnCgroup = invocation.globals.rootless == .false
        usesSystemd = invocation.globals.usesSystemd
        let output = invocation.output
        if output.explains { explain = { text in output.explain(text) } }
        warn = { output.warn($0) }
    }

    /// LISTEN_FDS, when it is meant for this process.
    /// - SeeAlso: sd_listen_fds(3)
    private static func activationDescriptors() -> Int32 {
        guard let text = ProcessEnvironment.value("LISTEN_FDS"), let count = Int32(text), count > 0 else {
            return 0
        }
        let isOurs = ProcessEnvironment.value("LISTEN_PID").map { $0 == "\(currentProcessID())" } ?? true
        return isOurs ? min(count, 1 << 16) : 0
    }
}
