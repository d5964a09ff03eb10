package import LinuxSystem
package import RuntimeSpec

/// The host's network interfaces that a container gets, until its launch is certain: a failure gives them back as
/// they were. A container that exists keeps them; the kernel decides what becomes of them at its end.
/// - SeeAlso: runtime-spec config-linux.md §Network Devices, rtnetlink(7)
package struct MovedInterfaces: ~Copyable {
    private struct Move {
        let host: NetworkLink
        let addresses: [NetworkAddress]
        let index: Int32
    }

    private var moves: [Move] = []
    private var ends: Ends?

    /// Descriptors by number: they live as long as this value.
    private struct Ends {
        let host: Int32
        let container: Int32
        let hostNamespace: Int32
        let containerNamespace: Int32
        var all: [Int32] { [host, container, hostNamespace, containerNamespace] }
    }

    /// None.
    package init() {}

    deinit {
        for number in ends?.all ?? [] { _ = OwnedFD(adopting: number) }
    }

    /// Moves the interfaces into the network namespace of `process`, in the order of the configuration: renamed, with
    /// their permanent addresses of global scope, and up. What has been moved when one fails stays on record for
    /// `giveBack`.
    /// - Throws: `StepError` that names the interface, when it is missing, its new name is taken, or the kernel refuses.
    package mutating func move(_ devices: [NetDeviceSpec], into process: BorrowedFD) throws(StepError) {
        let ends = try open(process)
        self.ends = ends
        let host = RouteSocket(adopting: ends.host)
        let container = RouteSocket(adopting: ends.container)
        var failure: StepError?
        for device in devices {
            do throws(StepError) {
                try move(device, host, container, to: BorrowedFD(rawValue: ends.containerNamespace))
            } catch {
                failure = error
                break
            }
        }
        // The numbers stay ours.
        _ = host.release()
        _ = container.release()
        if let failure { throw failure }
    }

    private mutating func move(
        _ device: NetDeviceSpec, _ host: borrowing RouteSocket, _ container: borrowing RouteSocket,
        to namespace: BorrowedFD
    ) throws(StepError) {
        let step: Step = "move network device \(device.hostName) into the container"
        guard
            let link = try during(step, { () throws(SyscallError) in try host.link(named: device.hostName) })
        else {
            throw StepError(step, refused: "there is no such device in the runtime's network namespace")
        }
        let addresses = try during(step) { () throws(SyscallError) in
            try host.addresses(of: link.index).filter(\.isPermanentAndGlobal)
        }
        let present = try during(step) { () throws(SyscallError) in try container.links() }
        let name = try InterfaceName.choose(device.name ?? device.hostName, taken: present.map(\.name), step)
        let isTaken = present.contains { $0.index == link.index }
        let index = isTaken ? InterfaceName.freeIndex(present) : link.index
        try during(step, hint: "loopback devices, and others that their driver binds, cannot be moved") {
            () throws(SyscallError) in
            try host.move(link: link.index, to: namespace, name: name, newIndex: isTaken ? index : nil)
        }
        moves.append(Move(host: link, addresses: addresses, index: index))
        try during("set up network device \(name) in the container") { () throws(SyscallError) in
            for address in addresses { try container.add(address, to: index) }
            try container.setUp(link: index)
        }
    }

    /// Moves all back, last first, with names, addresses and state that they had.
    /// - Throws: the first failure; the rest is moved nevertheless.
    package func giveBack() throws(StepError) {
        guard let ends, !moves.isEmpty else { return }
        let host = RouteSocket(adopting: ends.host)
        let container = RouteSocket(adopting: ends.container)
        var failure: StepError?
        for move in moves.reversed() {
            do throws(SyscallError) {
                let name = move.host.name
                let home = BorrowedFD(rawValue: ends.hostNamespace)
                try container.move(link: move.index, to: home, name: name, newIndex: nil)
                guard let link = try host.link(named: name) else { continue }
                for address in move.addresses { try host.add(address, to: link.index) }
                if move.host.isUp { try host.setUp(link: link.index) }
            } catch {
                failure =
                    failure ?? StepError("give network device \(move.host.name) back to the host", error)
            }
        }
        _ = host.release()
        _ = container.release()
        if let failure { throw failure }
    }

    /// Sockets into both namespaces. The runtime has one thread, so it can visit the container's for a moment.
    private func open(_ process: BorrowedFD) throws(StepError) -> Ends {
        try during("reach the container's network namespace") { () throws(SyscallError) in
            let host = try RouteSocket()
            let home = try LinuxSystem.open("/proc/self/ns/net", .readOnly)
            try joinNamespace(process, kinds: .newNetwork)
            let container: Int32
            let there: Int32
            do throws(SyscallError) {
                let socket = try RouteSocket()
                let file = try LinuxSystem.open("/proc/self/ns/net", .readOnly)
                container = socket.release()
                there = file.release()
            } catch {
                try joinNamespace(home.borrowed, kinds: .newNetwork)
                throw error
            }
            try joinNamespace(home.borrowed, kinds: .newNetwork)
            return Ends(
                host: host.release(), container: container, hostNamespace: home.release(),
                containerNamespace: there)
        }
    }
}

/// Names and numbers that are free in a network namespace.
enum InterfaceName {
    /// `wanted`, or with a `%d` in it the lowest number that gives a name nobody has.
    static func choose(_ wanted: String, taken: [String], _ step: Step) throws(StepError) -> String {
        guard let mark = template(wanted) else {
            guard !taken.contains(wanted) else {
                throw StepError(
                    step, refused: "the container's network namespace has a device \(wanted) already",
                    hint: "a name such as eth%d takes the first free number")
            }
            return wanted
        }
        for number in 0...taken.count {
            let name = "\(mark.before)\(number)\(mark.after)"
            if !taken.contains(name), name.utf8.count <= 15 { return name }
        }
        throw StepError(step, refused: "no name of at most 15 bytes is free for \(wanted)")
    }

    /// What is around `%d`; nil without it.
    static func template(_ name: String) -> (before: Substring, after: Substring)? {
        let parts = name.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].first == "d" else { return nil }
        return (parts[0], parts[1].dropFirst())
    }

    /// A number that no interface has.
    static func freeIndex(_ links: [NetworkLink]) -> Int32 { (links.map(\.index).max() ?? 0) + 1 }
}
