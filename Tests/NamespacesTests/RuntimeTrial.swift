import LinuxSystem
import Namespaces
import RuntimeSpec
import Testing

/// Runs `body` in a process with a single thread, as the runtime has it, and records what it finds wrong.
func inRuntime(_ body: () throws -> [String]) throws {
    let pipe = try Pipe()
    switch try cloneProcess() {
    case .child:
        tell(pipe.writeEnd.borrowed, body)
        exitProcess(0)
    case .parent(let child):
        let report = try hear(pipe.ends(), child)
        if !report.isEmpty { Issue.record(Comment(rawValue: report)) }
    }
}

private func tell(_ pipe: BorrowedFD, _ body: () throws -> [String]) {
    let report: String
    do { report = try body().joined(separator: "\n") } catch { report = "\(error)" }
    bestEffort("the parent sees a short report") { () throws(SyscallError) in try pipe.writeAll(report) }
}

private func hear(_ ends: (read: Int32, write: Int32), _ child: borrowing Child) throws -> String {
    _ = OwnedFD(adopting: ends.write)
    let reader = OwnedFD(adopting: ends.read)
    let bytes = try reader.borrowed.readAll()
    let result = try waitForExit(of: .pidfd(child.pidfd.borrowed))
    let end = result?.exit == .exited(0) ? "" : "ended with \(String(describing: result?.exit))"
    return String(decoding: bytes, as: UTF8.self) + end
}

/// Launches init by a plan and lets `inside` look around there; its findings, or the error's text, come back.
func launch(_ plan: NamespacePlan, _ inside: () throws -> [String]) throws -> String {
    let handles = try NamespaceHandles.open(plan)
    let pipe = try Pipe()
    let mapped = try Pipe()
    switch try NamespaceLaunch.clone(plan, handles) {
    case .child:
        tell(pipe.writeEnd.borrowed) {
            try NamespaceLaunch.enter(plan, handles)
            if plan.needsMappings { _ = try mapped.readEnd.borrowed.read(max: 1) }
            if plan.hasUserNamespace { try NamespaceLaunch.becomeNamespaceRoot() }
            try LoopbackInterface.bringUp(plan)
            try NamespaceLaunch.enterCgroupNamespace(plan)
            return try inside()
        }
        exitProcess(0)
    case .parent(let child):
        try IdentityMapping.write(plan, for: child.pid)
        try mapped.writeEnd.borrowed.writeAll("x")
        return try hear(pipe.ends(), child)
    }
}

/// A process that keeps namespaces for others to join.
struct Holder: ~Copyable {
    let child: Child
    var pid: ProcessID { child.pid }

    init(_ flags: CloneFlags, map: String? = nil) throws {
        switch try cloneProcess(flags) {
        case .child:
            while true { Clock.sleep(nanoseconds: 1 << 60) }
        case .parent(let child):
            if let map {
                for name in ["uid_map", "gid_map"] { try writeFile(Path("/proc/\(child.pid)/\(name)"), map) }
            }
            self.child = child
        }
    }

    func path(_ kind: NamespaceKind) -> String { "/proc/\(pid)/ns/\(kind.procName)" }

    consuming func end() throws {
        try child.pidfd.borrowed.sendSignal(9)
        try waitForExit(of: .pidfd(child.pidfd.borrowed))
    }
}

/// The identity of a namespace.
func identity(_ path: String) throws -> UInt64 { try status(of: Path(path), following: true).inode }

/// The identity of a namespace of the calling process.
func own(_ kind: NamespaceKind) throws -> UInt64 { try identity("/proc/self/ns/" + kind.procName) }
