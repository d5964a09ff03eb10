import LinuxSystem

/// The new network namespace of a container, made while the runtime reads and plans (decision 14).
package final class NetworkAhead {
    private var maker: NetworkMaker?
    private var hasTried = false

    /// Nothing is begun yet.
    package init() {}

    /// Begins if the text of a configuration looks as if it asked for it: reading takes a third of the time.
    package func begin(before configuration: [UInt8]) {
        if NetworkMaker.seemsWanted(by: configuration) { begin() }
    }

    /// Begins if the plan wants one that nothing else has to precede, and drops what was begun for nothing.
    package func settle(_ plan: NamespacePlan) {
        let wants =
            plan.cloneFlags.contains(.newNetwork) && !plan.hasUserNamespace && plan.runtimeJoins.isEmpty
            && plan.timeNamespace == .none
        if wants { begin() } else { maker = nil }
    }

    /// Waits for the namespace; nil if there is none, and the clone has to make it.
    func finish() -> OwnedFD? { maker.take()?.end() }

    private func begin() {
        guard !hasTried else { return }
        hasTried = true
        guard NetworkMaker.isWorthwhile else { return }
        bestEffort("the clone makes it otherwise, and says what fails") { () throws(SyscallError) in
            maker = try NetworkMaker.begin()
        }
    }
}
