import LinuxSystem

extension RootfsContext {
    /// Links of `/dev` that programs expect. Those into /proc only if there is one (DEV-6, DEV-7).
    private static let procLinks: [(name: Path, target: Path)] = [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ]

    /// Makes `/dev/fd`, `stdin`, `stdout`, `stderr`, `core` and `ptmx`.
    mutating func makeDefaultLinks() throws(StepError) {
        guard plan.furnishesDev else { return }
        let directory = try during("make links in /dev") { () throws(SyscallError) in
            try makeDirectories("/dev", inRoot: root)
        }
        let dev = directory.borrowed
        try makeTerminalLink(in: dev)
        if !plan.mountsProc {
            guard try hasProcFile("self/fd") else { return }
        }
        for link in RootfsContext.procLinks { try makeLink(link.name, to: link.target, in: dev) }
        if try hasProcFile("kcore") { try makeLink("core", to: "/proc/kcore", in: dev) }
    }

    /// `/dev/ptmx` must be the one of the container's own devpts, so anything else of that name goes.
    private func makeTerminalLink(in dev: BorrowedFD) throws(StepError) {
        try during("make link /dev/ptmx") { () throws(SyscallError) in
            do throws(SyscallError) {
                try symlink("ptmx", to: "pts/ptmx", in: dev)
            } catch {
                guard error.errno == .EEXIST else { throw error }
                if try status(of: "ptmx", in: dev).kind == .symbolicLink,
                    try readLink("ptmx", in: dev) == "pts/ptmx"
                {
                    return
                }
                try unlink("ptmx", in: dev)
                try symlink("ptmx", to: "pts/ptmx", in: dev)
            }
        }
    }

    /// What is there already stays: it is the image's choice, and nothing of ours depends on it.
    private func makeLink(_ name: Path, to target: Path, in dev: BorrowedFD) throws(StepError) {
        do throws(SyscallError) {
            try symlink(name, to: target, in: dev)
        } catch  where error.errno == .EEXIST {
            return
        } catch {
            throw StepError("make link /dev/\(name)", error)
        }
    }

    private func hasProcFile(_ path: Path) throws(StepError) -> Bool {
        do throws(SyscallError) {
            if let procfs = trustedProcfs {
                return try statusIfPresent(of: path, in: procfs) != nil
            }
            _ = try open(Path("/proc").appending(path), .pathOnly, in: root, resolving: .inRoot)
            return true
        } catch  where error.errno == .ENOENT || error.errno == .ENOTDIR || error.errno == .ELOOP {
            return false
        } catch {
            throw StepError("look for /proc/\(path)", error)
        }
    }
}
