import LinuxSystem

/// The directories that CRIU works in, open.
struct CheckpointFolders: ~Copyable {
    private static let deepestParent = 64

    /// The images.
    let images: OwnedFD
    /// Number of the working directory, if it is another one.
    let workNumber: Int32?
    private let workPath: Path

    deinit {
        if let workNumber { _ = OwnedFD(adopting: workNumber) }
    }

    /// Opens them; for a dump they are made.
    init(_ options: CheckpointOptions, makes: Bool) throws(StepError) {
        let images = try Self.open(options.images, makes: makes, what: "images")
        try Self.check(options.parent, in: images.borrowed, options.images)
        workNumber = try options.work.map { (path) throws(StepError) in
            try Self.open(path, makes: true, what: "work directory").release()
        }
        workPath = options.work ?? options.images
        self.images = images
    }

    /// The log of that name.
    func log(_ name: Path) -> CriuLog {
        let directory = workNumber.map { BorrowedFD(rawValue: $0) } ?? images.borrowed
        return CriuLog(path: workPath.appending(name), directory: directory, name: name)
    }

    /// Makes a user the owner of the images and of their parents: in a user namespace the restored processes read
    /// them with the rights of the container's root.
    func give(to owner: (userID: UInt32, groupID: UInt32)) throws(StepError) {
        try during("give the images to user \(owner.userID)") { () throws(SyscallError) in
            var directory = try images.borrowed.duplicate()
            for _ in 0..<Self.deepestParent {
                try directory.borrowed.changeOwner(userID: owner.userID, groupID: owner.groupID)
                for entry in try directory.borrowed.list() where entry.kind == .regular {
                    try changeOwner(
                        of: entry.name, in: directory.borrowed, userID: owner.userID, groupID: owner.groupID)
                }
                guard try statusIfPresent(of: "parent", in: directory.borrowed, following: true) != nil else {
                    return
                }
                directory = try LinuxSystem.open("parent", [.readOnly, .directory], in: directory.borrowed)
            }
        }
    }

    private static func check(
        _ parent: Path?, in images: BorrowedFD, _ path: Path
    ) throws(StepError) {
        guard let parent else { return }
        let found = try during("look for the parent images") { () throws(SyscallError) in
            try statusIfPresent(of: parent, in: images, following: true)
        }
        if found?.kind == .directory { return }
        throw StepError(
            "", refused: "--parent-path \(parent) is no directory, seen from \(path)", code: .usage)
    }

    private static func open(_ path: Path, makes: Bool, what: String) throws(StepError) -> OwnedFD {
        try during("open the \(what) \(path)", code: .checkpointFailed) { () throws(SyscallError) in
            if makes { try makeDirectories(path, mode: 0o700) }
            return try LinuxSystem.open(path, [.readOnly, .directory])
        }
    }
}

extension CriuLog {
    /// The failure of a request, in CRIU's own words.
    func failure(_ step: Step) -> StepError {
        let words = reasons()
        let reason =
            words.isEmpty ? "criu failed without giving a reason" : "criu: " + words.joined(separator: "; ")
        return StepError(
            step, refused: reason, hint: "its log is \(path)", code: .checkpointFailed, operand: path.string)
    }
}

/// Names that a dump and a restore must agree on.
enum CriuNames {
    /// Namespaces that stay outside, by CRIU's names for their kinds.
    static func outsideNamespace(_ kind: String) -> String {
        "extRoot" + kind.prefix(1).uppercased() + kind.dropFirst() + "NS"
    }

    /// The settings that an administrator has written for containers: those for skiff, else those for runc. The
    /// annotation `org.criu.config` names another file; empty, it means none.
    static func configFile(_ annotation: String?) -> String? {
        if let annotation { return annotation.isEmpty ? nil : annotation }
        for path: Path in ["/etc/criu/skiff.conf", "/etc/criu/runc.conf"] {
            var isThere = false
            bestEffort("what cannot be seen cannot be read either") { () throws(SyscallError) in
                isThere = try statusIfPresent(of: path, following: true) != nil
            }
            if isThere { return path.string }
        }
        return nil
    }
}
