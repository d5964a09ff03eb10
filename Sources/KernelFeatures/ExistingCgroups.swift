internal import LinuxSystem

/// The cgroups that are there already, a few of them: what files they have and which controllers.
struct ExistingCgroups {
    private(set) var files: Set<String> = []
    private(set) var controllers: Set<String> = []
    private var count = 0

    /// Enough to see each controller that is in use, and little enough to cost nothing.
    private static let most = 40

    /// Those one and two levels below the top.
    static func files(below root: Path) throws(SyscallError) -> ExistingCgroups {
        var found = ExistingCgroups()
        let top = try open(root, [.readOnly, .directory])
        try found.add(childrenOf: top.borrowed, levels: 2)
        return found
    }

    private mutating func add(childrenOf directory: BorrowedFD, levels: Int) throws(SyscallError) {
        for entry in try directory.list() where entry.kind == .directory && count < Self.most {
            count += 1
            let vanished: SyscallError? = bestEffort("it may end meanwhile, or be somebody else's") {
                () throws(SyscallError) in
                let child = try open(entry.name, [.readOnly, .directory], in: directory)
                let names = try child.borrowed.list().filter { $0.kind != .directory }
                files.formUnion(names.map(\.name.string))
                let text = try readFile("cgroup.controllers", in: child.borrowed)
                controllers.formUnion(
                    String(decoding: text, as: UTF8.self).split(whereSeparator: \.isWhitespace).map(
                        String.init))
                if levels > 1 { try add(childrenOf: child.borrowed, levels: levels - 1) }
            }
            _ = vanished
        }
    }
}
