internal import LinuxSystem
internal import RuntimeSpec

extension Cgroup {
    /// RES-6: a limit below the present usage would reclaim or kill at once.
    func checkUsage(_ limit: Int64?, _ step: Step) throws(StepError) {
        guard let limit, limit > 0, let usage = statistics()[.memoryCurrent].number, usage > UInt64(limit)
        else {
            return
        }
        throw StepError(
            step, refused: "memory limit \(limit) is below the present usage of \(usage) bytes",
            hint: "leave out checkBeforeUpdate to let the kernel reclaim or kill", code: .memoryTooLow)
    }

    /// v2 kills when a new limit cannot be reached by giving back caches and swapping; v1 refuses such a limit itself.
    /// - SeeAlso: cgroup-v2.rst memory.max
    func checkReclaimable(_ limit: Int64?, _ step: Step) throws(StepError) {
        guard let limit, limit > 0, let files = tree(of: .memory), files.version == .unified,
            !Self.canSwap(files)
        else { return }
        let held = try during(step) { () throws(SyscallError) in
            let text = try files.read("memory.stat")
            return ["anon", "shmem", "kernel_stack", "pagetables", "sock"].reduce(UInt64(0)) { sum, key in
                sum + (KernelText.value(of: key, in: text) ?? 0)
            }
        }
        if held <= UInt64(limit) { return }
        throw StepError(
            step, refused: "memory limit \(limit) is below the \(held) bytes that cannot be taken back",
            hint: "the kernel would kill for it; a document (--resources) does it all the same",
            code: .memoryTooLow)
    }

    /// Whether pages of programs could go somewhere.
    private static func canSwap(_ files: CgroupFiles) -> Bool {
        var canSwap = false
        bestEffort("without such files there is no swap") { () throws(SyscallError) in
            guard try files.text("memory.swap.max") != "0" else { return }
            canSwap = try readFile("/proc/swaps").split(separator: UInt8(ascii: "\n")).count > 1
        }
        return canSwap
    }
}
