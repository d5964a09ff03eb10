import LinuxSystem
import Rootfs
import Security

/// The order in which init turns into the container's program.
///
/// ```
///   parent       die with the runtime until the container is created
///   stdio        the streams that the caller chose
///   session      own session, so no terminal of the host
///   cgroup       before the cgroup namespace is made: its root is where we are
///   namespaces   join and make; with a user namespace wait for the mappings, then become its root
///   score        oom_score_adj while our files in procfs are still ours
///   dumpable     off: the runtime's memory is still in us
///   keyring
///   mounts       all below the new root, the host's part arrives as descriptors
///   terminal     from the container's own devpts; its replica covers /dev/console
///   hooks        the runtime's, then createContainer: host paths are still there
///   directory    make the working directory while the root may be written
///   root         pivot_root, names, sysctl before /proc/sys is read-only, masks before capabilities go
///   console      primary side to the runtime, replica becomes 0, 1, 2 and the controlling terminal
///   privileged   limits, scheduling, personality, labels
///   identity     [filter] bounding set, groups, ids, capabilities, no_new_privs, read back
///   program      working directory entered and program found as the final user
///   listener     [notify] the filter goes on and its listener to the runtime
///   created      the runtime may go
///   gate         wait for start
///   hooks        startContainer, with the program's rights and under its filter
///   filter       last, so that it need not allow what only the set-up calls
///   exec
/// ```
package enum InitSequence {
    /// The steps of a container's init. The last one does not return unless it fails.
    package static let steps: [InitStep] = [
        InitStep("parent") { context throws(LaunchFailure) in try context.dieWithRuntime() },
        InitStep("stdio") { context throws(LaunchFailure) in try context.takeStdio() },
        InitStep("session") { context throws(LaunchFailure) in try context.startOwnSession() },
        InitStep("cgroup", .cgroupFailed) { context throws(LaunchFailure) in try context.enterCgroups() },
        InitStep("namespaces", .namespaceFailed) { context throws(LaunchFailure) in
            try context.enterNamespaces()
        },
        InitStep("score", .securityFailed) { context throws(LaunchFailure) in try context.setOOMScore() },
        InitStep("dumpable", .securityFailed) { context throws(LaunchFailure) in
            try context.becomeUndumpable()
        },
        InitStep("keyring", .securityFailed) { context throws(LaunchFailure) in try context.joinKeyring() },
        InitStep("mounts", .mountFailed) { context throws(LaunchFailure) in try context.furnishRoot() },
        InitStep("terminal", .terminalFailed) { context throws(LaunchFailure) in try context.openTerminal() },
        InitStep("create hooks", .hookFailed) { context throws(LaunchFailure) in try context.runCreateHooks()
        },
        InitStep("root", .mountFailed) { context throws(LaunchFailure) in try context.changeRoot() },
        InitStep("console", .terminalFailed) { context throws(LaunchFailure) in try context.attachTerminal()
        },
        InitStep("privileged", .securityFailed) { context throws(LaunchFailure) in
            try context.applyPrivileged()
        },
        InitStep("identity", .securityFailed) { context throws(LaunchFailure) in try context.takeIdentity() },
        InitStep("program", .programNotExecutable) { context throws(LaunchFailure) in
            try context.findProgram()
        },
        InitStep("listener", .seccompFailed) { context throws(LaunchFailure) in try context.handOverListener()
        },
        InitStep("created") { context throws(LaunchFailure) in try context.reportCreated() },
        InitStep("gate") { context throws(LaunchFailure) in try context.waitAtGate() },
        InitStep("start hooks", .hookFailed) { context throws(LaunchFailure) in try context.runStartHooks() },
        InitStep("descriptors") { context throws(LaunchFailure) in try context.closeDescriptors() },
        InitStep("filter", .seccompFailed) { context throws(LaunchFailure) in try context.loadFilter() },
        InitStep("exec", .programNotExecutable) { context throws(LaunchFailure) in
            try context.executeProgram()
        },
    ]

    /// Runs the steps of the context's kind; returns only with a failure.
    static func run(_ steps: [InitStep], on context: inout InitContext) -> LaunchFailure {
        for step in steps {
            let start = Trace.clock()
            do throws(LaunchFailure) {
                try step.run(&context)
                Trace.add(step.name, since: start)
            } catch {
                Trace.add(step.name, since: start)
                return step.code.map { error.coded($0) } ?? error
            }
        }
        return LaunchFailure(StepError("execute the program", refused: "the list of steps ended"))
    }
}
