internal import LinuxSystem

/// A cgroup of our own for what has to be tried in one. It is gone when the value is made.
struct OwnCgroup {
    private(set) var files: Set<String> = []
    private(set) var tried: [String: Answer] = [:]
    private(set) var failure: Answer?

    /// Makes one below `root`, or below the caller's own cgroup if only that is allowed, tries, and removes it.
    /// Controllers that no cgroup has yet are switched on for that time, and off again unless a cgroup of somebody
    /// else has come meanwhile, which may count on them.
    init(_ root: Path, lacking controllers: [String]) throws(SyscallError) {
        let name = Path("skiff-check-\(currentProcessID())")
        var parent = try open(root, [.readOnly, .directory])
        do throws(SyscallError) {
            try makeDirectory(name, in: parent.borrowed)
        } catch {
            failure = Answer(error)
            guard let own = try Self.ofCaller(root) else { return }
            parent = own
            do throws(SyscallError) { try makeDirectory(name, in: parent.borrowed) } catch { return }
        }
        let before = try Self.children(of: parent.borrowed)
        let enabled = failure == nil ? enable(controllers, in: parent.borrowed) : []
        do throws(SyscallError) {
            let group = try open(name, [.readOnly, .directory], in: parent.borrowed)
            files = Set(try group.borrowed.list().map(\.name.string))
            tryAll(group.borrowed)
        } catch {
            failure = failure ?? Answer(error)
        }
        try removeDirectory(name, in: parent.borrowed)
        if try Self.children(of: parent.borrowed).isSubset(of: before) {
            for controller in enabled {
                try writeFile("cgroup.subtree_control", in: parent.borrowed, "-\(controller)")
            }
        }
    }

    private static func ofCaller(_ root: Path) throws(SyscallError) -> OwnedFD? {
        let lines = String(decoding: try readFile("/proc/self/cgroup"), as: UTF8.self)
        guard let line = lines.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else {
            return nil
        }
        let place = root.appending(Path(String(line.dropFirst(4))))
        do throws(SyscallError) { return try open(place, [.readOnly, .directory]) } catch { return nil }
    }

    private static func children(of directory: BorrowedFD) throws(SyscallError) -> Set<String> {
        Set(try directory.list().filter { $0.kind == .directory }.map(\.name.string))
    }

    private mutating func enable(_ controllers: [String], in parent: BorrowedFD) -> [String] {
        var enabled: [String] = []
        for controller in controllers {
            do throws(SyscallError) {
                let text = try readFile("cgroup.subtree_control", in: parent)
                let words = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isWhitespace)
                if words.contains(where: { $0 == controller }) { continue }
                try writeFile("cgroup.subtree_control", in: parent, "+\(controller)")
                enabled.append(controller)
            } catch {
                failure = .denied("\(controller) cannot be switched on: \(error.errno.name)")
            }
        }
        return enabled
    }

    private mutating func tryAll(_ group: BorrowedFD) {
        attempt("cgroup.born") { () throws(SyscallError) in
            switch try cloneProcessBorn(inCgroup: group) {
            case .child: exitProcess(0)
            case .parent(let child): try waitForExit(of: .pidfd(child.pidfd.borrowed))
            }
        }
        attempt("cgroup.kill") { () throws(SyscallError) in
            try Self.withProcess(in: group) { (child) throws(SyscallError) in
                try writeFile("cgroup.kill", in: group, "1")
                guard try waitForEnd(of: child, Deadline(milliseconds: 1_000)) else {
                    throw SyscallError(.kill, on: "cgroup.kill", .ETIMEDOUT)
                }
            }
        }
        attempt("cgroup.freeze") { () throws(SyscallError) in
            try Self.withProcess(in: group) { (_) throws(SyscallError) in
                try Self.freeze(group, "1")
                try Self.freeze(group, "0")
            }
        }
        attempt("cgroup.threaded") { () throws(SyscallError) in
            try makeDirectory("threads", in: group)
            do throws(SyscallError) {
                let inner = try open("threads", [.readOnly, .directory], in: group)
                try writeFile("cgroup.type", in: inner.borrowed, "threaded")
            } catch {
                try removeDirectory("threads", in: group)
                throw error
            }
            try removeDirectory("threads", in: group)
        }
        attempt("cgroup.device-program") { () throws(SyscallError) in
            let program = try loadDeviceProgram(Self.allowAll)
            try attachDeviceProgram(program.borrowed, to: group, replacing: nil)
            try detachDeviceProgram(program.borrowed, from: group)
        }
        attempt("cgroup.device-program-replaced") { () throws(SyscallError) in
            let old = try loadDeviceProgram(Self.allowAll)
            let new = try loadDeviceProgram(Self.allowAll)
            try attachDeviceProgram(old.borrowed, to: group, replacing: nil)
            try attachDeviceProgram(new.borrowed, to: group, replacing: old.borrowed)
            guard let id = try attachedDevicePrograms(of: group).first else {
                throw SyscallError(.bpf, on: "BPF_PROG_QUERY", .ENOENT)
            }
            let found = try openDeviceProgram(id: id)
            try detachDeviceProgram(found.borrowed, from: group)
        }
        attempt("pressure.trigger-of-cgroup") { () throws(SyscallError) in
            let file = try open("memory.pressure", .readWrite, in: group)
            try file.borrowed.writeAll([UInt8]("some 150000 2000000".utf8) + [0])
        }
    }

    private mutating func attempt(_ name: String, _ body: () throws(SyscallError) -> Void) {
        do throws(SyscallError) {
            try body()
            tried[name] = .present
        } catch {
            tried[name] = error.errno == .ENOENT ? .absent("no such file") : Answer(error)
        }
    }

    /// Runs `body` with a process in the cgroup, which is gone afterwards.
    private static func withProcess(
        in group: BorrowedFD, _ body: (BorrowedFD) throws(SyscallError) -> Void
    ) throws(SyscallError) {
        switch try cloneProcess(intoCgroup: group) {
        case .child: waitToBeKilled()
        case .parent(let child):
            let failure: SyscallError? = bestEffort("it is thrown below") { () throws(SyscallError) in
                try body(child.pidfd.borrowed)
            }
            try child.pidfd.borrowed.sendSignal(9)
            try waitForExit(of: .pidfd(child.pidfd.borrowed))
            if let failure { throw failure }
        }
    }

    /// Writes to cgroup.freeze and waits for the event.
    private static func freeze(_ group: BorrowedFD, _ value: String) throws(SyscallError) {
        let events = try open("cgroup.events", .readOnly, in: group)
        try writeFile("cgroup.freeze", in: group, value)
        let deadline = Deadline(milliseconds: 1_000)
        while true {
            let text = String(decoding: try events.borrowed.read(max: 512, at: 0), as: UTF8.self)
            if text.split(separator: "\n").contains("frozen \(value)") { return }
            if deadline.isOver { throw SyscallError(.poll, on: "cgroup.events", .ETIMEDOUT) }
            _ = try poll([(events.borrowed, .priority)], timeoutMilliseconds: deadline.milliseconds)
        }
    }

    /// r0 = 1; exit
    private static let allowAll: [UInt64] = [0x1_0000_00b7, 0x95]
}
