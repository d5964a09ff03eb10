package import LinuxSystem

/// The rules of v2 on which cgroups may hold processes: a cgroup that passes on controllers of whole processes holds
/// none itself, a threaded one only threads of the domain above it, and what is below a threaded one without being so
/// itself ("domain invalid") nothing at all.
/// - SeeAlso: cgroup-v2.rst §Threads, §No Internal Process Constraint
enum CgroupRules {
    /// Controllers that work in threaded cgroups. Enabled in a cgroup with processes they make it a threaded domain.
    static let threadedControllers = ["cpu", "cpuset", "perf_event", "pids"]

    /// The refusal that names the rule, when the kernel takes no process into a cgroup because of one.
    static func refusal(_ step: Step, _ files: CgroupFiles) -> StepError? {
        var reason: String?
        bestEffort("the kernel's own word is left then") { () throws(SyscallError) in
            reason = try self.reason(files)
        }
        return reason.map {
            StepError(
                step, refused: "cgroup \(files.path) takes no processes: \($0)",
                hint: "give the container a cgroupsPath elsewhere", code: .cgroupFailed,
                operand: files.path.string)
        }
    }

    private static func reason(_ files: CgroupFiles) throws(SyscallError) -> String? {
        switch try files.text("cgroup.type") {
        case "threaded": return "it is threaded"
        case "domain invalid":
            let above = try threadedAncestor(of: files.path)
            return above.map { "it is below \($0), which is threaded" } ?? "it is below a threaded one"
        default:
            let passed = KernelText.names(try files.read("cgroup.subtree_control"))
            if passed.allSatisfy(threadedControllers.contains) { return nil }
            return "it passes controllers on to those below it: \(passed.joined(separator: " "))"
        }
    }

    private static func threadedAncestor(of path: Path) throws(SyscallError) -> Path? {
        var above = path.parent
        while let text = try type(of: above) {
            if text == "threaded" || text == "domain threaded" { return above }
            above = above.parent
        }
        return nil
    }

    /// Nil for the first cgroup of all, which has no such file.
    private static func type(of path: Path) throws(SyscallError) -> String? {
        do throws(SyscallError) {
            let bytes = try readFile(path.appending("cgroup.type"), sizeHint: 64)
            return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
        } catch {
            if error.errno == .ENOENT { return nil }
            throw error
        }
    }

    /// Whether processes stand in the way of controllers for those below; the first cgroup of all may have both.
    static func holdsProcesses(_ path: Path) -> Bool {
        var found = false
        bestEffort("a threaded cgroup does not tell, and what follows says why") { () throws(SyscallError) in
            guard try type(of: path) != nil else { return }
            found = try !KernelText.processIDs(readFile(path.appending("cgroup.procs"), sizeHint: 512))
                .isEmpty
        }
        return found
    }
}

extension Cgroup {
    /// An error of a clone into this cgroup, with the rule of v2 that stood against it where one did.
    package func namingRule(_ error: StepError) -> StepError {
        guard let unified, error.errno == .EOPNOTSUPP || error.errno == .EBUSY else { return error }
        return CgroupRules.refusal(error.step, unified) ?? error
    }
}
