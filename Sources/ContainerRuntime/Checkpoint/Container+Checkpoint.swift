import Cgroups
import JSONCoding
package import LinuxSystem
import RuntimeSpec

extension Container {
    /// Saves the processes of the container by CRIU. It ends and is deleted, unless it is to go on or this is a
    /// pre-dump. Gives warnings of the poststop hooks.
    /// - Throws: a `StepError` with CRIU's own reason and the path of its log; the container then runs on.
    /// - SeeAlso: criu(8)
    @discardableResult
    package func checkpoint(_ options: CheckpointOptions) throws(StepError) -> [String] {
        try StateTransition.checkpoint.check(try status())
        guard let pidfd = try openInit() else {
            throw StepError("", refused: "container not running", code: .containerNotRunning)
        }
        guard record.attachedRoot == nil else {
            throw StepError(
                "save the container", refused: "it has no mount namespace of its own", code: .unsupported)
        }
        _ = try CriuProgram.find()
        let folders = try CheckpointFolders(options, makes: true)
        let log = folders.log("dump.log")
        var request = CriuRequest(kind: options.isPreDump ? .preDump : .dump, options: options)
        request.facts = try factsForDump(folders, log)
        let criu = try CriuProcess.start()
        let response = try criu.carryOut(request) { (event, _) throws(StepError) in
            if event.name == "status-ready", let status = options.status {
                try during("write to the status descriptor") { () throws(SyscallError) in
                    try status.writeAll([0])
                }
            }
        }
        guard response.success else { throw log.failure("save the container") }
        _ = consume pidfd
        if options.leavesRunning || options.isPreDump { return [] }
        return try deleteSaved()
    }

    /// Somebody who waits for the container may have deleted it the moment it ended.
    private func deleteSaved() throws(StepError) -> [String] {
        do throws(StepError) {
            return try delete(force: true).warnings
        } catch {
            guard error.code == .containerNotFound else { throw error }
            return []
        }
    }

    private func factsForDump(_ folders: borrowing CheckpointFolders, _ log: CriuLog) throws(StepError)
        -> CriuFacts
    {
        let spec = try configuration()
        let pid = ProcessID(rawValue: record.pid)
        let mounts = try ContainerMounts(of: pid)
        let standard = try StandardFiles(of: pid, mounts: mounts)
        try standard.write(in: folders.images.borrowed)
        let root = try during("open the root of the container") { () throws(SyscallError) in
            try open("/proc/\(pid)/root", [.pathOnly, .directory])
        }
        var facts = CriuFacts()
        facts.imagesFD = folders.images.rawValue
        facts.workFD = folders.workNumber
        facts.logName = log.name.string
        facts.pid = pid.rawValue
        facts.root = record.rootfs.isEmpty ? nil : record.rootfs
        facts.configFile = CriuNames.configFile(record.annotations["org.criu.config"])
        facts.mounts = try mounts.outside(spec, root: root.borrowed)
        facts.outside = standard.outside
        for namespace in spec.linux?.namespaces ?? [] {
            guard let name = try namespace.outsideName() else { continue }
            facts.outside.append(name)
        }
        facts.freezer = record.cgroup?.freezerDirectory
        return facts
    }
}

extension NamespaceSpec {
    /// A network or pid namespace that was there before the container: CRIU leaves it out, a restore joins it again.
    fileprivate func outsideName() throws(StepError) -> String? {
        guard let path, let kind = criuName, kind == "net" || kind == "pid" else { return nil }
        let inode = try during("look at the namespace \(path)") { () throws(SyscallError) in
            try status(of: Path(path), following: true).inode
        }
        return "\(kind)[\(inode)]:\(CriuNames.outsideNamespace(kind))"
    }

    /// CRIU's name for the kind; nil for one that it cannot join.
    var criuName: String? {
        switch kind {
        case .network: "net"
        case .mount: "mnt"
        case .cgroup: nil
        default: kind.rawValue
        }
    }
}

extension CgroupRecord {
    /// The directory whose freezer holds the whole container; nil where there is none and CRIU stops one process after
    /// the other.
    fileprivate var freezerDirectory: String? {
        if let legacy = directories.first(where: { $0.tree != .unified && $0.controllers.contains(.freezer) })
        {
            return legacy.path
        }
        return directories.allSatisfy { $0.tree == .unified } ? directories.first?.path : nil
    }
}
