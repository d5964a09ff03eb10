internal import LinuxSystem

/// Making directories in a cgroup tree and passing controllers down to them.
enum CgroupDirectories {
    /// Makes a directory with its missing parents; the whole paths of those that were made, outermost first.
    /// Our own folder may vanish between two calls when another container's removal takes it away, hence the retries.
    static func make(_ relative: Path, below root: Path) throws(SyscallError) -> [Path] {
        let whole = root.appending(relative)
        for attempt in 0... {
            do throws(SyscallError) {
                try makeDirectory(whole)
                return [whole]
            } catch {
                if error.errno == .EEXIST { return [] }
                if error.errno != .ENOENT || attempt == 100 { throw error }
            }
            var made: [Path] = []
            do throws(SyscallError) {
                try makeParents(relative, below: root, &made)
                try makeDirectory(whole)
                return made + [whole]
            } catch {
                if error.errno == .EEXIST { continue }
                if error.errno == .ENOENT { continue }
                for path in made.reversed() {
                    bestEffort("the first error counts; others may use it by now") {
                        () throws(SyscallError) in
                        try removeDirectory(path)
                    }
                }
                throw error
            }
        }
        return []
    }

    private static func makeParents(
        _ relative: Path, below root: Path, _ made: inout [Path]
    ) throws(SyscallError) {
        var path = root
        for name in relative.components.dropLast() {
            path = path.appending(name)
            do throws(SyscallError) {
                try makeDirectory(path)
                made.append(path)
            } catch {
                if error.errno != .EEXIST { throw error }
            }
        }
    }

    /// A cgroup that was there before must hold no processes, neither itself nor below, and not be frozen: it belongs to
    /// somebody (CG-5). And the kernel must take processes into it.
    static func checkUnused(_ files: CgroupFiles) throws(StepError) {
        let step: Step = "use cgroup \(files.path)"
        let (isUsed, isFrozen) = try during(step) { () throws(SyscallError) in try state(of: files) }
        if isUsed {
            throw StepError(
                step, refused: "the container's cgroup is not empty",
                hint: "give the container a cgroupsPath of its own, or remove the container that uses it",
                code: .inUse, operand: files.path.string)
        }
        if isFrozen {
            throw StepError(
                step, refused: "the container's cgroup unexpectedly frozen", hint: "thaw or remove it",
                code: .inUse,
                operand: files.path.string)
        }
        if files.version == .unified, let refusal = CgroupRules.refusal(step, files) { throw refusal }
    }

    private static func state(
        of files: CgroupFiles
    ) throws(SyscallError) -> (isUsed: Bool, isFrozen: Bool) {
        if files.version == .unified {
            let events = try files.read("cgroup.events")
            return (
                KernelText.value(of: "populated", in: events) == 1,
                KernelText.value(of: "frozen", in: events) == 1
            )
        }
        let isUsed = try !KernelText.processIDs(files.read("cgroup.procs")).isEmpty
        guard files.tree == .legacy("freezer") else { return (isUsed, false) }
        return (isUsed, try files.text("freezer.state") != "THAWED")
    }

    /// Enables controllers in every cgroup above this one, but only if it lacks some: on a host that is in use they are
    /// enabled already, and one read shows it (RES-23). Figures alone need the wanted ones, limits the required ones.
    /// - SeeAlso: cgroup-v2.rst §Enabling and Disabling
    static func enable(required: [String], wanted: [String], for files: CgroupFiles) throws(StepError) {
        if required.isEmpty && wanted.isEmpty { return }
        let present = try during("read the controllers of cgroup \(files.path)") { () throws(SyscallError) in
            try KernelText.names(files.read("cgroup.controllers"))
        }
        let required = required.filter { !present.contains($0) }
        let wanted = wanted.filter { !present.contains($0) }
        if required.isEmpty && wanted.isEmpty { return }
        let names = files.path.components
        for level in (names.count - files.depth)..<names.count {
            let above = Path.joining(Array(names[..<level]), absolute: true)
            try enable(required: required, wanted: wanted, in: above)
        }
    }

    private static func enable(required: [String], wanted: [String], in parent: Path) throws(StepError) {
        let file = parent.appending("cgroup.subtree_control")
        func enable(_ names: [String]) throws(SyscallError) {
            if names.isEmpty { return }
            try writeFile(file, names.map { "+\($0)" }.joined(separator: " "))
        }
        var wanted = wanted
        if CgroupRules.holdsProcesses(parent) {
            // What the kernel would enable here would make it a threaded domain, below which no container can run.
            wanted = []
            if let name = required.first(where: CgroupRules.threadedControllers.contains) {
                throw StepError(
                    "enable the \(name) controller in cgroup \(parent)", refused: "it holds processes itself",
                    hint: CgroupHints.forEnabling(.EBUSY), code: .cgroupFailed, operand: file.string)
            }
        }
        let together = bestEffort("tried again one by one below") { () throws(SyscallError) in
            try enable(required + wanted)
        }
        if together == nil { return }
        for name in required {
            do throws(SyscallError) {
                try enable([name])
            } catch {
                throw StepError(
                    "enable the \(name) controller in cgroup \(parent)", error,
                    hint: CgroupHints.forEnabling(error.errno))
            }
        }
        for name in wanted {
            bestEffort("only figures need it, and they will say that it is missing") {
                () throws(SyscallError) in
                try enable([name])
            }
        }
    }

    /// A new cpuset of v1 is empty and takes no tasks: each level gets what the one above has, unless it has something.
    /// - SeeAlso: cgroup-v1/cpusets.rst
    static func inheritCpuset(_ relative: Path, below root: Path) throws(StepError) {
        try during("set up cpuset \(relative)") { () throws(SyscallError) in
            for file: Path in ["cpuset.cpus", "cpuset.mems"] {
                var path = root
                var inherited = try readFile(path.appending(file), sizeHint: 512)
                for name in relative.components {
                    path = path.appending(name)
                    let own = try readFile(path.appending(file), sizeHint: 512)
                    if own.count > 1 {
                        inherited = own
                    } else {
                        try writeFile(path.appending(file), inherited)
                    }
                }
            }
        }
    }
}
