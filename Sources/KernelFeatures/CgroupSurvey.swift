internal import Cgroups
internal import LinuxSystem

/// What a look at the control groups has found: the trees, the files that a cgroup has, and what happened when a cgroup
/// of our own was tried.
struct CgroupSurvey: Sendable {
    /// Controllers of the v2 tree.
    private(set) var unified: [String] = []
    /// Controllers of v1 trees.
    private(set) var legacy: [String] = []
    private(set) var hasUnified = false
    /// Names of the files in cgroups of v2, the root's left out.
    private(set) var files: Set<String> = []
    /// Options of the v2 mount.
    private(set) var options: [String] = []
    /// What was tried in a cgroup of our own, by feature.
    private(set) var tried: [String: Answer] = [:]
    /// Why there is no cgroup of our own, or why a controller could not be had in it.
    private(set) var failure: Answer?

    init(failed reason: Answer) { failure = reason }

    /// Whether a v2 cgroup has a file.
    func answer(file name: String, of controller: String?) -> Answer {
        guard hasUnified else { return .absent("no cgroup2 is mounted") }
        let pattern = name.split(separator: "*", omittingEmptySubsequences: false)
        if files.contains(where: { $0 == name || Self.fits($0, pattern) }) { return .present }
        if let controller, !unified.contains(controller) { return answer(controller: controller) }
        if case .denied? = failure { return failure ?? .absent("") }
        return .absent("cgroups have no such file")
    }

    /// Names of hugetlb files hold the size of the pages.
    private static func fits(_ file: String, _ parts: [Substring]) -> Bool {
        guard parts.count == 2, file.hasPrefix(parts[0]), file.hasSuffix(parts[1]) else { return false }
        return file.hasSuffix(".rsvd.max") == parts[1].hasSuffix(".rsvd.max")
    }

    /// Whether a controller is in v2.
    func answer(controller: String) -> Answer {
        if unified.contains(controller) { return .present }
        if legacy.contains(controller) { return .absent("it is in a tree of v1") }
        return .absent(hasUnified ? "the kernel lacks it, or it is off" : "no cgroup2 is mounted")
    }

    /// Whether a controller is in a v1 tree.
    func answer(legacy controller: String) -> Answer {
        if legacy.contains(controller) { return .present }
        return .absent(unified.contains(controller) ? "it is in v2" : "no tree of v1 has it")
    }

    func answer(option: String) -> Answer {
        if options.contains(option) { return .present }
        return .absent(hasUnified ? "not among the options of the mount" : "no cgroup2 is mounted")
    }

    func answer(tried name: String) -> Answer {
        tried[name] ?? failure ?? .absent("no cgroup2 is mounted")
    }

    // MARK: Looking

    /// Looks at the mounted trees, and tries what has to be tried in a cgroup that is removed again.
    static func look() -> CgroupSurvey {
        let host: CgroupHost
        do throws(StepError) {
            host = try CgroupHost.detect()
        } catch {
            return CgroupSurvey(failed: .denied(error.description))
        }
        var survey = CgroupSurvey(host)
        guard let root = host.unified else { return survey }
        do throws(SyscallError) {
            survey.options = try options()
            let existing = try ExistingCgroups.files(below: root)
            survey.files = existing.files
            let own = try OwnCgroup(
                root, lacking: survey.unified.filter { !existing.controllers.contains($0) })
            survey.files.formUnion(own.files)
            survey.tried = own.tried
            survey.failure = own.failure
        } catch {
            survey.failure = Answer(error)
        }
        return survey
    }

    /// Those of the file system stand last in a line; all mounts of cgroup2 share them.
    /// - SeeAlso: proc_pid_mountinfo(5)
    private static func options() throws(SyscallError) -> [String] {
        let lines = String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self)
        let line = lines.split(separator: "\n").last { $0.split(separator: " ").contains("cgroup2") }
        return line?.split(separator: " ").last?.split(separator: ",").map(String.init) ?? []
    }

    private init(_ host: CgroupHost) {
        unified = host.unifiedControllers
        legacy = host.legacy.flatMap(\.controllers).map(\.rawValue)
        hasUnified = host.unified != nil
    }

    // MARK: Travelling

    /// As lines, from the process that looks to the one that asked.
    var text: String {
        var lines = ["v2 \(unified.joined(separator: " "))", "v1 \(legacy.joined(separator: " "))"]
        if hasUnified { lines.append("mounted ") }
        lines.append("options \(options.joined(separator: " "))")
        lines.append("files \(files.sorted().joined(separator: " "))")
        if let failure { lines.append("failure \(failure.line)") }
        lines += tried.map { "tried \($0.key) \($0.value.line)" }
        return lines.joined(separator: "\n")
    }

    init(text: String) {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            let rest = parts.count == 2 ? parts[1] : ""
            let words = rest.split(separator: " ").map(String.init)
            switch parts[0] {
            case "v2": unified = words
            case "v1": legacy = words
            case "mounted": hasUnified = true
            case "options": options = words
            case "files": files = Set(words)
            case "failure": failure = Answer(line: rest)
            default:
                let trial = rest.split(separator: " ", maxSplits: 1).map(String.init)
                if trial.count == 2, let answer = Answer(line: trial[1]) { tried[trial[0]] = answer }
            }
        }
    }
}
