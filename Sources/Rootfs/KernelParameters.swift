import LinuxSystem

extension RootfsContext {
    /// Writes kernel parameters through a procfs that nothing of the container can stand in for: the one mounted by
    /// this plan, held since then, or a private one. No link and no other mount is crossed on the way (I-3).
    mutating func writeKernelParameters() throws(StepError) {
        guard !plan.sysctls.isEmpty else { return }
        if trustedProcfs == nil {
            procfs.append(
                try during("open a private procfs", code: .sysctlFailed) { () throws(SyscallError) in
                    try FileSystemContext(type: "proc").mount([.noSetUserID, .noDevices, .noExecution])
                })
        }
        guard let procfs = trustedProcfs else { return }
        for entry in plan.sysctls {
            try during(
                "set kernel parameter \(entry.key)=\(entry.value)", code: .sysctlFailed
            ) { () throws(SyscallError) in
                let file = try open(
                    Path("sys").appending(entry.path), .writeOnly, in: procfs,
                    resolving: [.beneath, .noSymlinks, .noCrossDevice])
                try file.borrowed.write(Array(entry.value.utf8)[...])
            }
        }
    }

    /// Sets host name and NIS domain name of the container's uts namespace; the plan has made sure that it is its own.
    mutating func setNames() throws(StepError) {
        if let name = plan.hostname {
            try during("set hostname \(name)", code: .sysctlFailed) { () throws(SyscallError) in
                try setHostName(name)
            }
        }
        if let name = plan.domainname {
            try during("set domainname \(name)", code: .sysctlFailed) { () throws(SyscallError) in
                try setDomainName(name)
            }
        }
    }
}
