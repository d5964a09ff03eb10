import CapabilityBinding
package import LinuxSystem

extension SecuritySteps {
    /// Asks the kernel whether the process is now what the plan says. By calls on itself, not through a procfs that
    /// a container could have covered. The filter and the labels of exec cannot be asked for here: the former comes
    /// later and reports its own failure, the latter take effect at exec, which fails without them.
    package static func verify(_ plan: SecurityPlan, groupsWereSet: Bool = true) throws(StepError) {
        let identity = plan.identity
        let groupsWereSet = groupsWereSet && !identity.keepsGroups
        let found = try during("read the ids back") { () throws(SyscallError) in
            (try userIDs(), try groupIDs(), groupsWereSet ? try supplementaryGroups() : [])
        }
        try expect(found.0.allSatisfy { $0 == identity.userID }, "user ids are \(found.0)")
        try expect(found.1.allSatisfy { $0 == identity.groupID }, "group ids are \(found.1)")
        if groupsWereSet {
            try expect(found.2.sorted() == identity.groups.sorted(), "supplementary groups are \(found.2)")
        }
        try verifyCapabilities(plan.capabilities)
        guard plan.noNewPrivileges else { return }
        let bit = try during("read no_new_privs back") { () throws(SyscallError) in
            try processControl(.getNoNewPrivileges)
        }
        try expect(bit == 1, "no_new_privs is not set")
    }

    private static func verifyCapabilities(_ plan: CapabilityPlan) throws(StepError) {
        var current = state(plan)
        try changingCapabilities("read the capabilities back") { () throws(CapabilityError) in
            current = try CapabilityState.current()
        }
        try expect(
            current == state(plan),
            "capabilities are effective \(hex(current.effective)), permitted \(hex(current.permitted)), "
                + "inheritable \(hex(current.inheritable))")
        let bounding = BoundingSet.current()
        try expect(bounding == plan.bounding, "the bounding set is \(hex(bounding))")
        // The kernel keeps the ambient set within the inheritable one, so an empty one answers for it.
        // Not []: that is a generic initializer, which looks for conformances at run time (a fifth of init's instructions).
        let ambient = plan.inheritable.isEmpty ? CapabilitySet(rawValue: 0) : AmbientSet.current()
        try expect(ambient == plan.ambient, "the ambient set is \(hex(ambient))")
    }

    private static func hex(_ set: CapabilitySet) -> String { "0x\(String(set.rawValue, radix: 16))" }

    private static func expect(
        _ condition: Bool, _ finding: @autoclosure () -> String
    ) throws(StepError) {
        guard condition else { throw StepError("verify the process", refused: finding()) }
    }
}
