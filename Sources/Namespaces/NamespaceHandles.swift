package import LinuxSystem
package import RuntimeSpec

/// The namespaces that a plan joins, as open files: opened and checked by the runtime before anything is done.
package struct NamespaceHandles: ~Copyable {
    private var files: [(kind: NamespaceKind, number: Int32)] = []
    /// Kinds of namespaces that the container will not share with the runtime: the new ones, and the joined ones
    /// that are another than the runtime's own, whatever their path says (SYS-3).
    package private(set) var ownKinds: [NamespaceKind] = []

    deinit {
        for file in files { _ = OwnedFD(adopting: file.number) }
    }

    private init() {}

    /// Opens every namespace that the plan joins.
    ///
    /// - Throws: `StepError` when a file is missing, is no namespace, or is one of another kind (NS-3).
    /// - SeeAlso: ioctl_nsfs(2) NS_GET_NSTYPE
    package static func open(_ plan: NamespacePlan) throws(StepError) -> NamespaceHandles {
        var handles = NamespaceHandles()
        if plan.new != [] { handles.ownKinds = NamespaceKind.joinOrder.filter { plan.new.contains($0) } }
        for join in plan.joins {
            let step: Step = "open \(join.kind.rawValue) namespace \(join.path)"
            let file = try during(step) { () throws(SyscallError) in
                // Not blocking: a FIFO put there must not hang the runtime.
                try LinuxSystem.open(Path(join.path), [.readOnly, .nonBlocking])
            }
            try check(file.borrowed, is: join.kind, step)
            if try !isOwn(file.borrowed, join.kind, step) {
                handles.ownKinds.append(join.kind)
                handles.files.append((join.kind, file.release()))
            }
        }
        return handles
    }

    /// Takes the network namespace that was made ahead, if one was; from then on `file` has it.
    package mutating func take(_ network: NetworkAhead) {
        guard let file = network.finish() else { return }
        files.append((.network, file.release()))
    }

    /// The open file of a kind; nil when it is the runtime's own namespace, which needs no joining.
    func file(_ kind: NamespaceKind) -> BorrowedFD? {
        files.first { $0.kind == kind }.map { BorrowedFD(rawValue: $0.number) }
    }

    private static func check(_ file: BorrowedFD, is kind: NamespaceKind, _ step: Step) throws(StepError) {
        let found: CloneFlags
        do throws(SyscallError) {
            found = try namespaceKind(of: file)
        } catch {
            throw StepError(step, refused: "it is not a namespace", hint: "\(error)")
        }
        guard found == CloneFlags(kind) else {
            let name = NamespaceKind.joinOrder.first { CloneFlags($0) == found }?.rawValue ?? "unknown"
            throw StepError(step, refused: "it is a namespace of another type: \(name)")
        }
    }

    private static func isOwn(
        _ file: BorrowedFD, _ kind: NamespaceKind, _ step: Step
    ) throws(StepError) -> Bool {
        try during(step) { () throws(SyscallError) in
            let own = try status(of: Path("/proc/self/ns/" + kind.procName), following: true)
            return try file.status().isSameFile(as: own)
        }
    }
}
