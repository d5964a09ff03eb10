import RuntimeSpec

extension ProcessSpec {
    /// A process of `exec` with what its document leaves open taken from the container's own: labels, limits,
    /// scheduling. Rights and identity are never filled in: what is not given is not had.
    /// - SeeAlso: runtime-spec config.md §Process
    func completed(by container: ProcessSpec?) -> ProcessSpec {
        guard let container else { return self }
        var process = self
        if process.apparmorProfile == nil { process.apparmorProfile = container.apparmorProfile }
        if process.selinuxLabel == nil { process.selinuxLabel = container.selinuxLabel }
        if process.rlimits.isEmpty { process.rlimits = container.rlimits }
        if process.oomScoreAdj == nil { process.oomScoreAdj = container.oomScoreAdj }
        if process.scheduler == nil { process.scheduler = container.scheduler }
        if process.ioPriority == nil { process.ioPriority = container.ioPriority }
        if process.execCPUAffinity == nil { process.execCPUAffinity = container.execCPUAffinity }
        return process
    }
}
