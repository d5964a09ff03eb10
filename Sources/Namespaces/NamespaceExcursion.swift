import LinuxSystem
import RuntimeSpec

/// The runtime's visit to other namespaces around a clone: what it joins, its child is born in. It always ends back
/// home, because hooks that the runtime starts later must not run in the container's namespaces.
struct NamespaceExcursion: ~Copyable {
    private var homes: [(kind: NamespaceKind, file: Int32)] = []

    deinit {
        for home in homes { _ = OwnedFD(adopting: home.file) }
    }

    /// Joins what the plan wants, and makes the time namespace.
    mutating func begin(_ plan: NamespacePlan, _ handles: borrowing NamespaceHandles) throws(StepError) {
        for join in plan.runtimeJoins {
            guard let file = handles.file(join.kind) else { continue }
            try during("join \(join.kind.rawValue) namespace \(join.path)") { () throws(SyscallError) in
                try remember(join.kind)
                try joinNamespace(file, kinds: CloneFlags(join.kind))
            }
        }
        guard plan.timeNamespace == .byRuntime else { return }
        try during("make time namespace") { () throws(SyscallError) in try remember(.time) }
        try TimeNamespace.make(plan.timeOffsets)
    }

    /// Joins a namespace that has just been made.
    mutating func join(_ kind: NamespaceKind, _ file: BorrowedFD) throws(StepError) {
        try during("join the new \(kind.rawValue) namespace") { () throws(SyscallError) in
            try remember(kind)
            try joinNamespace(file, kinds: CloneFlags(kind))
        }
    }

    private mutating func remember(_ kind: NamespaceKind) throws(SyscallError) {
        homes.append((kind, try open(Path("/proc/self/ns/" + kind.procName), .readOnly).release()))
    }

    /// Goes back.
    mutating func end() throws(StepError) {
        while let home = homes.popLast() {
            let file = OwnedFD(adopting: home.file)
            try during("return to the own \(home.kind.rawValue) namespace") { () throws(SyscallError) in
                try joinNamespace(file.borrowed, kinds: CloneFlags(home.kind))
            }
        }
    }

    /// Goes back after a clone; when that fails, the child must not live on.
    mutating func end(undoing child: borrowing Child) throws(StepError) {
        do throws(StepError) {
            try end()
        } catch {
            bestEffort("the failure to return is what counts") { () throws(SyscallError) in
                try child.pidfd.borrowed.sendSignal(9)
                try waitForExit(of: .pidfd(child.pidfd.borrowed))
            }
            throw error
        }
    }
}
