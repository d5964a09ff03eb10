package import JSONCoding
package import LinuxSystem

/// The group of the resctrl file system that a container's processes are in, as the state file keeps it.
/// - SeeAlso: Documentation/filesystems/resctrl.rst
package struct ResctrlGroup: Sendable, Equatable, JSONReadable, JSONWritable {
    /// Folder of the group.
    package private(set) var path: Path = ""
    /// Whether the group was made for this container alone and goes with it.
    package private(set) var isOwn = false
    /// Folder of the container's own monitoring group.
    package private(set) var monitoring: Path?
    /// Whether a group that the configuration names has just been made: a launch that fails takes it back.
    private var isNew = false

    private init() {}

    /// Reads the object; names that are not known are ignored.
    package init(from reader: inout JSONReader) throws(JSONError) {
        try reader.object { (key, reader) throws(JSONError) in
            switch key {
            case "path": path = Path(try reader.read() as String)
            case "own": isOwn = try reader.read()
            case "monitoring": monitoring = Path(try reader.read() as String)
            default: break
            }
        }
    }

    /// Writes the object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("path", path.string)
            writer.fieldIfTrue("own", isOwn)
            writer.field("monitoring", monitoring?.string)
        }
    }

    /// Makes or checks the group of a plan in the resctrl tree at `root`, sets its lines, and makes the monitoring
    /// group. On a failure nothing stays.
    package static func prepare(_ plan: ResctrlPlan, in root: Path) throws(StepError) -> ResctrlGroup {
        var group = ResctrlGroup()
        group.path = plan.group.map { root.appending(Path($0)) } ?? root
        do throws(StepError) {
            if plan.group != nil { try group.find(plan) }
            try group.set(plan, root)
            if let name = plan.monitoring { try group.monitor(name, root) }
        } catch {
            throw group.undoing(error)
        }
        return group
    }

    private mutating func find(_ plan: ResctrlPlan) throws(StepError) {
        let step: Step = "find resctrl group \(path)"
        if plan.mayMake {
            let made = try during("make resctrl group \(path)", hint: ResctrlTree.groupHint) {
                () throws(SyscallError) in try make(path)
            }
            isNew = made
            isOwn = made && !plan.isNamed
        } else if try during(step, { () throws(SyscallError) in try statusIfPresent(of: path) }) == nil {
            throw StepError(
                step, refused: "there is none", hint: "a closID without a schema names a group made before")
        }
    }

    /// A group that is new gets the lines; in one that was there the older fields must say what it has already.
    private func set(_ plan: ResctrlPlan, _ root: Path) throws(StepError) {
        guard !plan.lines.isEmpty else { return }
        let file = path.appending("schemata")
        if !isNew, plan.group != nil, !plan.expected.isEmpty {
            let present = try during("read \(file)") { () throws(SyscallError) in
                String(decoding: try readFile(file), as: UTF8.self)
            }
            let wanted = plan.expected.joined(separator: "\n")
            guard ResctrlSchemata(present).holds(ResctrlSchemata(wanted)) else {
                throw StepError(
                    "compare \(file)", refused: "the group exists with other values than \(plan.expected)")
            }
        }
        try ResctrlTree.write(plan.lines.map { "\($0)\n" }.joined(), to: file, root)
    }

    private mutating func monitor(_ name: String, _ root: Path) throws(StepError) {
        let folder = path.appending("mon_groups").appending(Path(name))
        try during("make monitoring group \(folder)", hint: ResctrlTree.lastStatus(root)) {
            () throws(SyscallError) in try makeDirectory(folder)
        }
        monitoring = folder
    }

    /// Adds the files that take "0" to move the writer into the groups.
    package func openEntry(_ entry: inout CgroupEntry) throws(StepError) {
        for folder in [path, monitoring].compactMap({ $0 }) {
            let file = folder.appending("tasks")
            entry.add(
                try during("open \(file)") { () throws(SyscallError) in
                    // Made only where a plain folder stands for resctrl, see `ResctrlTree.variable`.
                    try open(file, [.writeOnly, .create], mode: 0o644)
                })
        }
    }

    /// Removes what was made for the container alone.
    package func remove() throws(StepError) {
        // The monitoring group goes with the group that it is in.
        if isOwn {
            try remove(path)
        } else if let monitoring {
            try remove(monitoring)
        }
    }

    /// Takes back what `prepare` has made; what fails on the way becomes a note of `error`.
    package func undoing(_ error: StepError) -> StepError {
        var error = error
        let failure = bestEffort("the first failure is what counts") { () throws(StepError) in
            if isNew { try remove(path) } else { try remove() }
        }
        if let failure { error.notes.append(failure.description) }
        return error
    }

    private func remove(_ folder: Path) throws(StepError) {
        do throws(SyscallError) {
            try removeDirectory(folder)
        } catch {
            guard error.errno == .ENOENT else { throw StepError("remove resctrl group \(folder)", error) }
        }
    }

    /// Whether the folder is new.
    private func make(_ folder: Path) throws(SyscallError) -> Bool {
        do throws(SyscallError) {
            try makeDirectory(folder)
            return true
        } catch {
            guard error.errno == .EEXIST else { throw error }
            return false
        }
    }
}
