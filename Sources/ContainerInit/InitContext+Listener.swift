import LinuxSystem
import Security

/// Filters that ask an agent (SCMP_ACT_NOTIFY): loading gives a listener, which the agent must get although every
/// call of this process may wait for the agent from then on. So somebody else passes it on, who is not filtered:
///
/// ```
///   the runtime may look into us      I: listener (number) ──▶ R   seccomp(2)   R: pidfd_getfd(2) ──▶ agent
///   it may not (rootless)             I: clone sibling, one table of descriptors; seccomp(2)
///                                     sibling: listener (with it) ──▶ R                         ──▶ agent
/// ```
/// The number is known before: the lowest that is free.
/// - SeeAlso: seccomp_unotify(2), pidfd_getfd(2)
extension InitContext {
    /// Tries of the sibling, half a millisecond apart.
    private static let attempts = 4000

    /// Puts the filter on before capabilities are dropped, when nothing else permits to do so later.
    mutating func loadFilterEarly(_ filter: SeccompProgram) throws(LaunchFailure) {
        if filter.notifies { return try loadAndHandOver(filter) }
        _ = try attempt { () throws(StepError) in try SecuritySteps.loadSeccomp(filter) }
    }

    /// Otherwise a filter that asks goes on before the container is created: `create` fails if nobody is there to ask.
    mutating func handOverListener() throws(LaunchFailure) {
        guard let filter, filter.notifies, plan.security?.loadsFilterEarly != true else { return }
        try loadAndHandOver(filter)
    }

    private mutating func loadAndHandOver(_ filter: SeccompProgram) throws(LaunchFailure) {
        let numbers = try attempt("prepare the seccomp listener") { () throws(SyscallError) in
            let first = try channel.borrowed.duplicate(lowest: 3)
            let second = try channel.borrowed.duplicate(lowest: 3)
            return (first.rawValue, second.rawValue)
        }
        guard plan.listenerNeedsSibling else {
            try tell(.listener(numbers.0))
            return try load(filter)
        }
        // The sibling's own descriptor takes the first.
        let sibling = try startSibling(passing: numbers.1)
        try load(filter)
        bestEffort("what remains of it bothers nobody") { () throws(SyscallError) in
            try waitForExit(of: .pidfd(sibling.pidfd.borrowed))
        }
    }

    private mutating func load(_ filter: SeccompProgram) throws(LaunchFailure) {
        let listener = try attempt { () throws(StepError) in try SecuritySteps.loadSeccomp(filter) }
        try expect(.listenerTaken)
        _ = consume listener
    }

    private func startSibling(passing number: Int32) throws(LaunchFailure) -> Child {
        let channel = channel.borrowed
        let outcome = try attempt("clone who passes the seccomp listener on") { () throws(SyscallError) in
            try cloneProcess(.sharedFiles)
        }
        switch consume outcome {
        case .child: Self.passOn(number, over: channel)
        case .parent(let child): return child
        }
    }

    /// In the sibling: sends what will have this number as soon as there is something, then ends. It opens and closes
    /// nothing: the table is init's, too.
    private static func passOn(_ number: Int32, over channel: BorrowedFD) -> Never {
        let listener = BorrowedFD(rawValue: number)
        let record = SyncRecord.listener(number).encoded
        bestEffort("it ends soon anyway") { () throws(SyscallError) in
            try processControl(.setParentDeathSignal, 9)
        }
        for _ in 0..<attempts {
            let failure = bestEffort("the filter is not on yet") { () throws(SyscallError) in
                try channel.sendMessage(record, descriptors: [listener])
            }
            if failure == nil { exitProcess(0) }
            Clock.sleep(nanoseconds: 500_000)
        }
        exitProcess(1)
    }
}
