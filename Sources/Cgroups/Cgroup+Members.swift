package import LinuxSystem

/// The `tasks` files of the v1 trees, open for writing.
///
/// A process that writes "0" into them moves itself, which costs some 10 us a tree. When another process moves it by
/// its pid (`Cgroup.attach`), the kernel waits for an RCU grace period first: about 10 ms.
package struct CgroupEntry: ~Copyable {
    /// The files, for the child: `writeAll("0")` on each, before it makes threads or children.
    package private(set) var files: [BorrowedFD] = []

    init() {}

    mutating func add(_ file: consuming OwnedFD) { files.append(BorrowedFD(rawValue: file.release())) }

    /// Gives up ownership: for a child that executes another program, which closes them.
    package mutating func take() -> [BorrowedFD] {
        defer { files = [] }
        return files
    }

    /// Closes the files in the parent, which has its child now.
    package mutating func close() {
        for file in take() { _ = OwnedFD(adopting: file.rawValue) }
    }

    deinit {
        for file in files { _ = OwnedFD(adopting: file.rawValue) }
    }
}

extension Cgroup {
    /// Opens what a new child needs to enter the v1 trees by itself; nothing on hosts with v2 only. The child must be
    /// single-threaded; its user and pid namespace do not matter, because the kernel checks who opened the files.
    /// - SeeAlso: cgroup-v1/cgroups.rst §2.2
    package func openEntry() throws(StepError) -> CgroupEntry {
        var entry = CgroupEntry()
        for tree in trees where tree.version == .legacy {
            let file = try during("open cgroup \(tree.path) for a new process") { () throws(SyscallError) in
                try open("tasks", .writeOnly, in: tree.descriptor)
            }
            entry.add(file)
        }
        return entry
    }

    /// Moves a process into the v1 trees, and into the v2 tree if it was not born there. Slow, see `CgroupEntry`.
    /// - SeeAlso: cgroups(7)
    package func attach(_ pid: ProcessID, bornInUnified: Bool) throws(StepError) {
        for tree in trees where tree.version == .legacy || !bornInUnified {
            do throws(SyscallError) {
                try tree.write("\(pid)", to: "cgroup.procs")
            } catch {
                throw StepError(
                    "move process \(pid) into cgroup \(tree.path)", error,
                    hint: error.errno == .EBUSY ? CgroupHints.forEnabling(.EBUSY) : nil)
            }
        }
    }

    /// The processes of the cgroup and of all cgroups that the container made below it.
    package func processes() throws(StepError) -> [ProcessID] {
        guard let member else { return [] }
        return try during("list the processes of cgroup \(path)") { () throws(SyscallError) in
            var found: [ProcessID] = []
            try Self.collect(member.descriptor, into: &found)
            return found
        }
    }

    /// Whether a process is left anywhere in the cgroup. v2 knows without a walk.
    package func isPopulated() throws(StepError) -> Bool {
        guard let unified else { return try !processes().isEmpty }
        return try during("read the state of cgroup \(path)") { () throws(SyscallError) in
            do throws(SyscallError) {
                return try KernelText.value(of: "populated", in: unified.read("cgroup.events")) != 0
            } catch {
                if error.errno == .ENODEV || error.errno == .ENOENT { return false }
                throw error
            }
        }
    }

    private static func collect(_ directory: BorrowedFD, into found: inout [ProcessID]) throws(SyscallError) {
        do throws(SyscallError) {
            let bytes = try readFile("cgroup.procs", in: directory, sizeHint: 4096)
            found += KernelText.processIDs(bytes).map { ProcessID(rawValue: $0) }
        } catch {
            // A threaded cgroup shows its processes in the one above; a removed one has none.
            if error.errno != .EOPNOTSUPP && error.errno != .ENODEV && error.errno != .ENOENT { throw error }
        }
        for name in try children(of: directory) {
            do throws(SyscallError) {
                let child = try open(name, [.readOnly, .directory], in: directory)
                try collect(child.borrowed, into: &found)
            } catch {
                if error.errno != .ENOENT && error.errno != .ENODEV { throw error }
            }
        }
    }

    /// The names of the cgroups in a cgroup. The link count of a directory says whether there are any, so that the
    /// files need not be listed.
    static func children(of directory: BorrowedFD) throws(SyscallError) -> [Path] {
        if try directory.status().linkCount == 2 { return [] }
        do throws(SyscallError) {
            return try directory.list().filter { $0.kind == .directory }.map(\.name)
        } catch {
            if error.errno == .ENOENT || error.errno == .ENODEV { return [] }
            throw error
        }
    }
}
