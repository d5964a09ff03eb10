import LinuxSystem
import Namespaces
import Security

/// The steps before the root file system: who we belong to, and what we are part of.
extension InitContext {
    private static let kill: UInt64 = 9
    /// All for who holds it; view, read, search and link for its user: what the kernel gives, and search.
    /// - SeeAlso: keyctl_setperm(3)
    private static let keyringPermissions: UInt32 = 0x3f1b_0000

    mutating func dieWithRuntime() throws(LaunchFailure) {
        try attempt("die with the runtime") { () throws(SyscallError) in
            _ = try processControl(.setParentDeathSignal, Self.kill)
        }
    }

    mutating func takeStdio() throws(LaunchFailure) {
        inheritedMask = setFileModeMask(0)
        try attempt("take the standard streams") { () throws(SyscallError) in
            for (number, stream) in stdio.enumerated() { try stream.duplicate(onto: Int32(number)) }
        }
    }

    mutating func startOwnSession() throws(LaunchFailure) {
        try attempt("start a session") { () throws(SyscallError) in try startSession() }
    }

    /// The writer moves itself; when another process moves it, the kernel waits some 10 ms.
    mutating func enterCgroups() throws(LaunchFailure) {
        try attempt("enter the cgroup") { () throws(SyscallError) in
            for file in cgroupEntries {
                try file.write([UInt8(ascii: "0")])
                // Our copy: a container that waits to be started keeps none.
                _ = OwnedFD(adopting: file.rawValue)
            }
            try resetAffinity()
        }
    }

    mutating func enterNamespaces() throws(LaunchFailure) {
        let namespaces = plan.namespaces
        try attempt { () throws(StepError) in try NamespaceLaunch.enter(namespaces, handles) }
        if plan.needsMappings {
            try tell(.needMappings)
            try expect(.proceed)
        }
        if namespaces.hasUserNamespace {
            try becomeNamespaceRoot()
        }
        try attempt { () throws(StepError) in
            try NamespaceLaunch.enterCgroupNamespace(namespaces)
            try LoopbackInterface.bringUp(namespaces)
        }
    }

    mutating func becomeNamespaceRoot() throws(LaunchFailure) {
        let keepsGroups = plan.security?.identity.keepsGroups ?? false
        canSetGroups = try attempt { () throws(StepError) in
            try NamespaceLaunch.becomeNamespaceRoot(keepingGroups: keepsGroups)
        }
    }

    mutating func setOOMScore() throws(LaunchFailure) {
        guard let security = plan.security, security.oomScoreAdjustment != nil else { return }
        guard let proc = procfsView else { return }
        let warning = try attempt { () throws(StepError) in
            try SecuritySteps.applyOOMScore(security, proc: proc)
        }
        if let warning { try tell(.warning(warning)) }
    }

    mutating func becomeUndumpable() throws(LaunchFailure) {
        try attempt("become undumpable") { () throws(SyscallError) in
            _ = try processControl(.setDumpable, 0)
        }
    }

    mutating func joinKeyring() throws(LaunchFailure) {
        guard let name = plan.keyring else { return }
        let isFirst = target == nil
        try attempt("make a session keyring") { () throws(SyscallError) in
            do throws(SyscallError) {
                let keyring = try joinSessionKeyring(named: name)
                // So that processes of `exec` find it by its name and share it.
                if isFirst { try setKeyPermissions(keyring, Self.keyringPermissions) }
            } catch {
                // Kernels without keyrings, and hosts whose filter forbids them, have nothing to keep apart.
                guard error.errno == .ENOSYS || error.errno == .EPERM else { throw error }
            }
        }
    }
}
