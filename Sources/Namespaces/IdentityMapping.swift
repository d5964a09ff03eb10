package import LinuxSystem
import RuntimeSpec

/// Writes and compares the id maps of user namespaces.
package enum IdentityMapping {
    private static let setUserCapability: UInt64 = 1 << 7
    private static let setGroupCapability: UInt64 = 1 << 6

    /// Writes the maps of the child's new user namespace, in the runtime process.
    ///
    /// With CAP_SETUID and CAP_SETGID directly. Without, one's own single id directly after denying setgroups(2)
    /// (I-25), anything more through newuidmap(1) and newgidmap(1).
    /// - SeeAlso: user_namespaces(7), subuid(5)
    package static func write(_ plan: NamespacePlan, for child: ProcessID) throws(StepError) {
        guard plan.needsMappings else { return }
        let directory = try during("open process \(child)") { () throws(SyscallError) in
            try open("/proc/\(child)", [.pathOnly, .directory])
        }
        let held = try during("read own capabilities") { () throws(SyscallError) in
            try threadCapabilities().effective
        }
        let isPrivileged = held & setGroupCapability != 0 && held & setUserCapability != 0
        if isPrivileged {
            try write(plan.groupMappings, to: "gid_map", in: directory.borrowed)
            try write(plan.userMappings, to: "uid_map", in: directory.borrowed)
            return
        }
        if isOwn(plan.groupMappings, effectiveGroupID()) {
            try during("deny setgroups") { () throws(SyscallError) in
                try writeFile("setgroups", in: directory.borrowed, "deny")
            }
            try write(plan.groupMappings, to: "gid_map", in: directory.borrowed)
        } else {
            try MappingHelper.run("newgidmap", child, plan.groupMappings)
        }
        if isOwn(plan.userMappings, effectiveUserID()) {
            try write(plan.userMappings, to: "uid_map", in: directory.borrowed)
        } else {
            try MappingHelper.run("newuidmap", child, plan.userMappings)
        }
    }

    /// The lines of a map.
    static func text(_ list: [IDMappingSpec]) -> String {
        list.map { "\($0.containerID) \($0.hostID) \($0.size)\n" }.joined()
    }

    private static func isOwn(_ list: [IDMappingSpec], _ id: UInt32) -> Bool {
        list.count == 1 && list[0].size == 1 && list[0].hostID == id
    }

    private static func write(
        _ list: [IDMappingSpec], to name: Path, in directory: BorrowedFD
    ) throws(StepError) {
        let lines = text(list)
        // The kernel takes a map in one write of less than a page.
        guard lines.utf8.count < 4096 else {
            throw StepError("write \(name)", refused: "the map does not fit into 4095 bytes")
        }
        try during("write \(name)", hint: "the host ids must be mapped in the runtime's own user namespace") {
            () throws(SyscallError) in
            try writeFile(name, in: directory, lines)
        }
    }

    /// After joining a user namespace: the maps of the configuration must be empty or those of the namespace (MAP-5).
    static func compare(_ plan: NamespacePlan, procfs: BorrowedFD) throws(StepError) {
        for (name, list) in [("uid_map", plan.userMappings), ("gid_map", plan.groupMappings)]
        where !list.isEmpty {
            let bytes = try during("read \(name)") { () throws(SyscallError) in
                try readFile(Path("self/" + name), in: procfs)
            }
            let found = bytes.split(separator: UInt8(ascii: "\n")).map { line in
                line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            }
            let wanted = list.map { ["\($0.containerID)", "\($0.hostID)", "\($0.size)"] }
            guard found.sorted(by: { $0[0] < $1[0] }) == wanted.sorted(by: { $0[0] < $1[0] }) else {
                throw StepError(
                    "compare \(name)",
                    refused: "the joined user namespace has other mappings than the configuration",
                    hint: "leave the mappings out")
            }
        }
    }
}

/// Runs newuidmap(1) or newgidmap(1), which may map the ranges that /etc/subuid and /etc/subgid grant.
enum MappingHelper {
    private static let directories: [Path] = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"]

    static func run(_ name: String, _ child: ProcessID, _ list: [IDMappingSpec]) throws(StepError) {
        let step: Step = "run \(name)"
        let program = try find(name, step)
        let numbers = list.flatMap { ["\($0.containerID)", "\($0.hostID)", "\($0.size)"] }
        let output = try during(step) { () throws(SyscallError) in try Pipe() }
        let outcome = try during(step) { () throws(SyscallError) in try cloneProcess() }
        switch consume outcome {
        case .child:
            // A number: the value would end with its last use, before the call.
            let words = BorrowedFD(rawValue: output.takeWriteEnd().release())
            bestEffort("the exit code tells the parent") { () throws(SyscallError) in
                try words.duplicate(onto: 2)
                try execute(program, arguments: [name, "\(child)"] + numbers, environment: [])
            }
            exitProcess(127)
        case .parent(let helper):
            let ends = output.ends()
            _ = OwnedFD(adopting: ends.write)
            let readEnd = OwnedFD(adopting: ends.read)
            let (exit, words) = try during(step) { () throws(SyscallError) in
                let words = try readEnd.borrowed.readAll(limit: 4096)
                return (try waitForExit(of: .pidfd(helper.pidfd.borrowed))?.exit, words)
            }
            guard exit == .exited(0) else {
                let line = words.split(separator: UInt8(ascii: "\n")).last.map {
                    String(decoding: $0, as: UTF8.self)
                }
                throw StepError(
                    step, refused: line ?? "it ended with \(exit?.shellCode ?? -1)",
                    hint: "the ranges must be granted in /etc/\(name == "newuidmap" ? "subuid" : "subgid")")
            }
        }
    }

    private static func find(_ name: String, _ step: Step) throws(StepError) -> Path {
        for directory in directories {
            let path = directory.appending(Path(name))
            let found = try during(step) { () throws(SyscallError) in
                try statusIfPresent(of: path, following: true)
            }
            if found?.kind == .regular { return path }
        }
        throw StepError(step, refused: "it is not installed", hint: "it comes with the package uidmap")
    }
}
