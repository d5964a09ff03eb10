import LinuxSystem
import Namespaces

/// The steps that only a process of `exec` has.
extension InitContext {
    mutating func enterCgroupsOfTarget() throws(LaunchFailure) {
        guard let target else { return }
        if !target.initialProcessors.isEmpty {
            try attempt("set the processors") { () throws(SyscallError) in
                try setAffinity(target.initialProcessors)
            }
        }
        try enterCgroups()
        guard !target.finalProcessors.isEmpty else { return }
        try attempt("set the processors") { () throws(SyscallError) in try setAffinity(target.finalProcessors)
        }
    }

    mutating func joinTarget() throws(LaunchFailure) {
        guard let target else { return }
        if !target.kinds.isEmpty {
            try attempt("join the namespaces of the container") { () throws(SyscallError) in
                try joinNamespace(target.pidfd, kinds: target.kinds)
            }
        }
        if let root = target.root {
            try attempt("enter the root of the container") { () throws(SyscallError) in
                try changeDirectory(to: root)
                try LinuxSystem.changeRoot(to: ".")
            }
        }
        guard target.kinds.contains(.newUser) || target.isInUserNamespace else { return }
        try becomeNamespaceRoot()
    }

    mutating func openTerminalOfTarget() throws(LaunchFailure) {
        guard let process = plan.process, process.hasTerminal else { return }
        let pty: ContainerTerminal
        do throws(StepError) {
            let root = try during("open the root of the container") { () throws(SyscallError) in
                try open("/", [.pathOnly, .directory])
            }
            pty = try ContainerTerminal.open(in: root.borrowed, for: process)
        } catch {
            throw LaunchFailure(error)
        }
        let ends = pty.ends()
        primary = OwnedFD(adopting: ends.primary)
        replica = OwnedFD(adopting: ends.replica)
    }
}
