internal import LinuxSystem

extension Cgroup {
    /// Generates the program of a list of rules and puts it on the v2 directory. A program that is there already is
    /// replaced in one step, so that no moment without control passes (CG-11). `isFirst` says that there is none.
    /// - SeeAlso: bpf(2) BPF_PROG_ATTACH, cgroup-v2.rst §Device controller
    func installDeviceProgram(_ rules: [DeviceRule], isFirst: Bool = false) throws(StepError) {
        guard let unified else { return }
        let words = DeviceProgram(rules).instructions.map(\.word)
        do throws(SyscallError) {
            let program = try loadDeviceProgram(words)
            let old = isFirst ? [] : try attachedDevicePrograms(of: unified.descriptor)
            guard let first = old.first else {
                return try attachDeviceProgram(program.borrowed, to: unified.descriptor, replacing: nil)
            }
            let replaced = try openDeviceProgram(id: first)
            try attachDeviceProgram(program.borrowed, to: unified.descriptor, replacing: replaced.borrowed)
            for id in old.dropFirst() {
                let more = try openDeviceProgram(id: id)
                try detachDeviceProgram(more.borrowed, from: unified.descriptor)
            }
        } catch {
            throw StepError(
                "control the devices of cgroup \(path)", error,
                hint: error.errno == .EPERM ? "the BPF device program needs CAP_BPF and CAP_NET_ADMIN" : nil)
        }
    }
}
