internal import LinuxSystem

/// What shuts the unpacker in: a process that reads hostile bytes sees its layer as `/`, has no network, no other
/// program and no capability that unpacking does not need, and bounded memory, time and files.
struct Sandbox {
    /// CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_MKNOD, CAP_SETFCAP: to make files of any owner, mode
    /// and capability. CAP_SYS_ADMIN: `trusted.overlay.opaque` is neither read nor written without; what else it would
    /// allow, the filter of calls forbids.
    private static let capabilities: UInt64 = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 21 | 1 << 27 | 1 << 31

    /// Bytes of memory that the process may take on top of what it has at first.
    static let memory: UInt64 = 256 << 20

    let limits: UnpackLimits
    /// Length of the blob; the time is bounded in proportion.
    let blobSize: Int64
    /// The filter of calls, made ahead: `UnpackerCalls.program`.
    let filter: [UInt8]

    /// What the process works with once it is shut in.
    struct Inside {
        let root: DirectoryHandle
        let lower: [DirectoryHandle]
    }

    /// Shuts the calling process in; it must have one thread and be of no further use outside.
    /// - Parameters:
    ///   - root: the layer's directory, which becomes `/`.
    ///   - lower: roots of the layers below, which are seen read-only, each as a mount that nothing leads out of.
    ///   - kept: further descriptors that stay open.
    func enter(
        root: DirectoryHandle, lower: [DirectoryHandle], keeping kept: [BorrowedFD]
    ) throws(StepError) -> Inside {
        let step: Step = "shut the unpacker in"
        let data = try during(step) { () throws(SyscallError) in try Self.dataSize() }
        let inside = try during(step) { () throws(SyscallError) in
            setFileModeMask(0)
            return try Self.changeRoot(to: root, lower)
        }
        try during(step) { () throws(SyscallError) in
            let own = [inside.root.borrowed] + inside.lower.map(\.borrowed)
            try Self.close(but: (own + kept).map(\.rawValue))
            try limit(data: data + Self.memory)
            for number in 0..<64 where Self.capabilities >> UInt64(number) & 1 == 0 {
                bestEffort("numbers that the kernel does not know") { () throws(SyscallError) in
                    try processControl(.dropBoundingCapability, UInt64(number))
                }
            }
            let had = try threadCapabilities()
            let left = had.permitted & Self.capabilities
            try setThreadCapabilities(ThreadCapabilities(effective: left, permitted: left, inheritable: 0))
            try processControl(.setNoNewPrivileges, 1)
            try loadSeccompFilter(filter, flags: 0)
        }
        return inside
    }

    private static func changeRoot(
        to root: DirectoryHandle, _ lower: [DirectoryHandle]
    ) throws(SyscallError) -> Inside {
        // Copied before the namespaces are left in which they are.
        let locked: MountAttributes = [.noSetUserID, .noDevices, .noExecution, .noAccessTime]
        var below: [DirectoryHandle] = []
        for layer in lower {
            let tree = try cloneTree("", in: layer.borrowed, recursive: false)
            try setMountAttributes(
                tree.borrowed, set: locked.union(.readOnly), clear: .accessTimeMask, propagation: .isPrivate)
            below.append(DirectoryHandle(try open(".", [.pathOnly, .directory], in: tree.borrowed)))
        }
        let tree = try cloneTree("", in: root.borrowed, recursive: false)
        try setMountAttributes(tree.borrowed, set: locked, clear: .accessTimeMask, propagation: .isPrivate)
        try unshare([.newMount, .newNetwork, .newIPC, .newUTS])
        let host = try open("/", [.pathOnly, .directory])
        try setMountAttributes(host.borrowed, propagation: .isPrivate, recursive: true)
        try moveMount(tree, onto: host.borrowed)
        try changeDirectory(to: tree.borrowed)
        do throws(SyscallError) {
            try pivotRoot(to: ".", oldRoot: ".")
            try unmount(".", lazily: true)
        } catch  where error.errno == .EINVAL && rootIsInitramfs() {
            // The host's files stay covered: what is allowed later takes no mount off and leaves no root.
            try LinuxSystem.changeRoot(to: ".")
        }
        try changeDirectory(to: "/")
        return Inside(root: DirectoryHandle(try open("/", [.readOnly, .directory])), lower: below)
    }

    /// Closes all descriptors but these and standard error, where a crash would be told.
    private static func close(but kept: [Int32]) throws(SyscallError) {
        var first: Int32 = 0
        for number in Set(kept + [2]).sorted() {
            if number > first { try closeRange(from: first, through: number - 1, onExec: false) }
            first = number + 1
        }
        try closeRange(from: first, onExec: false)
    }

    private func limit(data: UInt64) throws(SyscallError) {
        let seconds = UInt64(120 + blobSize / (1 << 20))
        // RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_CORE, RLIMIT_NOFILE.
        for (resource, value) in [
            (0, seconds), (1, UInt64(limits.bytes)), (2, data), (4, 0), (7, UInt64(limits.depth) + 512),
        ] as [(Int32, UInt64)] {
            let old = try resourceLimit(resource)
            try setResourceLimit(
                resource, to: ResourceLimit(soft: min(value, old.hard), hard: min(value, old.hard)))
        }
    }

    /// Bytes of data that the process has already, as RLIMIT_DATA counts them.
    /// - SeeAlso: proc_pid_statm(5)
    private static func dataSize() throws(SyscallError) -> UInt64 {
        let fields = try readFile("/proc/self/statm", sizeHint: 256).split(separator: UInt8(ascii: " "))
        return fields.count > 5 ? (UInt64(String(decoding: fields[5], as: UTF8.self)) ?? 0) * 4096 : 0
    }
}
