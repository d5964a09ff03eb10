package import LinuxSystem

/// The loopback device of a new network namespace, which starts down.
package enum LoopbackInterface {
    /// Sets `lo` up. Preconditions: in the child, with CAP_NET_ADMIN over its network namespace.
    /// - SeeAlso: netdevice(7)
    package static func bringUp(_ plan: NamespacePlan) throws(StepError) {
        guard plan.wantsLoopback else { return }
        try during("set up loopback interface") { () throws(SyscallError) in try bringInterfaceUp("lo") }
    }
}
