package import LinuxSystem

/// One step of furnishing a container's root file system.
package struct RootfsStep: Sendable {
    /// Name, for traces and measurements.
    package let name: String
    /// Does it. Preconditions: in the child, single-threaded, after all steps before it.
    package let run: @Sendable (inout RootfsContext) throws(StepError) -> Void
}

/// The order in which a container's root file system is put together. All of it runs in the child, in its own mount
/// namespace, with the right to mount; of host paths only sources of binds are looked up here, each once.
///
/// ```
///  runtime   MountSources.open     root, host devices and /dev/null as detached trees; with a user namespace all sources
///  ───────── clone3 ──────────────────────────────────────────────────────────────────────────────────
///  child     attach                host's mounts → slaves (else everything below would show on the host; without a
///                                  mount namespace it does, and the root is made private once it is attached),
///                                  root tree → at its path in this namespace, where hooks look for it
///            beforeHooks  mounts   in the order of config.json; later ones may cover earlier ones
///                         devices  on the /dev that was just mounted; umask is 0
///                         links    into the /proc that was just mounted
///            placeConsole          when there is a terminal: its replica comes from the devpts just mounted
///            [prestart, createRuntime, createContainer hooks: they see host paths and the container's mounts]
///            afterHooks   root     pivot_root; from here on no host path exists
///                         names    hostname, domainname
///                         sysctl   before /proc/sys turns read-only
///                         readonly paths before masks: a mask inside a read-only path must end on top
///                         masks    need CAP_SYS_ADMIN, so before capabilities are dropped
///                         finish   /dev and the root read-only: nothing is made after this
///                         spread   propagation of the root last, so that none of the above propagates
/// ```
/// - SeeAlso: runtime-spec runtime.md §Lifecycle, config-linux.md; security invariants I-1 … I-4, I-12, I-13
package enum RootfsSteps {
    /// Makes the host's mounts harmless and attaches the root; gives the context that all other steps work on.
    ///
    /// Sets the umask to 0, so that modes are exact: the caller sets the program's umask later.
    /// - SeeAlso: mount_setattr(2), move_mount(2)
    package static func attach(
        _ plan: MountPlan, _ sources: consuming MountSources
    ) throws(StepError) -> RootfsContext {
        setFileModeMask(0)
        if plan.rootChange != .chroot {
            try during("separate mounts from the host's") { () throws(SyscallError) in
                try setMountAttributes(.currentDirectory, path: "/", propagation: .isSlave, recursive: true)
            }
        } else if !plan.sharesHostMounts {
            try separateCarrier(of: plan.attachPoint ?? "/")
        }
        try sources.openRest(plan)
        guard let root = sources.root.take() else {
            throw StepError("attach root file system", refused: "it has not been opened")
        }
        do throws(SyscallError) {
            // root.path is the caller's, not the container's: a link there leads where the caller wants (ROOT-1).
            try moveMount(root, onto: plan.attachPoint ?? "/", in: .currentDirectory, followsLinks: true)
        } catch
            where plan.attachPoint != nil && plan.rootChange != .chroot
            && (error.errno == .EACCES || error.errno == .ENOENT)
        {
            // In a user namespace the way to the bundle may be closed; hooks then find the root at `/` only.
            try during("attach root file system") { () throws(SyscallError) in
                try moveMount(root, onto: "/", in: .currentDirectory)
            }
        } catch {
            throw StepError("attach root file system", error)
        }
        if plan.sharesHostMounts { try MountSources.isolate(root.borrowed, plan) }
        return RootfsContext(plan: plan, rootTree: root, sources: sources)
    }

    /// In a mount namespace that others use, only the mount that the root will lie on leaves its peers: what is mounted
    /// on a shared mount shows wherever it has one, the host included (MNT-30).
    private static func separateCarrier(of place: Path) throws(StepError) {
        try during("separate \(place) from the host's mounts") { () throws(SyscallError) in
            var directory = try open(place, [.pathOnly])
            for _ in place.components where try !directory.borrowed.isMountRoot() {
                directory = try open("..", [.pathOnly, .directory], in: directory.borrowed)
            }
            try setMountAttributes(directory.borrowed, propagation: .isSlave)
        }
    }

    /// Steps before the hooks of `create`.
    package static let beforeHooks: [RootfsStep] = [
        RootfsStep(name: "mounts") { context throws(StepError) in try context.mountEntries() },
        RootfsStep(name: "devices") { context throws(StepError) in try context.makeDevices() },
        RootfsStep(name: "links") { context throws(StepError) in try context.makeDefaultLinks() },
    ]

    /// Steps after them.
    package static let afterHooks: [RootfsStep] = [
        RootfsStep(name: "root") { context throws(StepError) in try context.changeRoot() },
        RootfsStep(name: "names") { context throws(StepError) in try context.setNames() },
        RootfsStep(name: "sysctl") { context throws(StepError) in try context.writeKernelParameters() },
        RootfsStep(name: "readonly paths") { context throws(StepError) in try context.protectReadOnlyPaths()
        },
        RootfsStep(name: "masks") { context throws(StepError) in try context.maskPaths() },
        RootfsStep(name: "finish") { context throws(StepError) in try context.finishReadOnly() },
        RootfsStep(name: "spread") { context throws(StepError) in try context.settlePropagation() },
    ]

    /// Runs a list of steps.
    package static func run(_ steps: [RootfsStep], on context: inout RootfsContext) throws(StepError) {
        for step in steps {
            let start = Trace.clock()
            try step.run(&context)
            Trace.add(step.name, since: start)
        }
    }
}
