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
            do throws(SyscallError) {
                let made = try makeParents(relative, below: root)
                try makeDirectory(whole)
                return made + [whole]
            } catch {
                if error.errno == .EEXIST { continue }
                if error.errno != .ENOENT { throw error }
            }
        }
        return []
    }

    private static func makeParents(_ relative: Path, below root: Path) throws(SyscallError) -> [Path] {
        var made: [Path] = []
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
        return made
    }

    /// A cgroup that was there before must hold no processes and not be frozen: it belongs to somebody (CG-5).
    static func checkUnused(_ files: CgroupFiles) throws(StepError) {
        let step: Step = "use cgroup \(files.path)"
        let isUsed = try during(step) { () throws(SyscallError) in
            try !KernelText.processIDs(files.read("cgroup.procs")).isEmpty
        }
        if isUsed {
            throw StepError(
                step, refused: "the container's cgroup is not empty",
                hint: "give the container a cgroupsPath of its own, or remove the container that uses it",
                code: .inUse, operand: files.path.string)
        }
        let isFrozen = try during(step) { () throws(SyscallError) in
            switch files.tree {
            case .unified: try KernelText.value(of: "frozen", in: files.read("cgroup.events")) == 1
            case .legacy("freezer"): try files.text("freezer.state") != "THAWED"
            case .legacy: false
            }
        }
        if isFrozen {
            throw StepError(
                step, refused: "the container's cgroup unexpectedly frozen", hint: "thaw or remove it",
                code: .inUse,
                operand: files.path.string)
        }
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
