package import LinuxSystem

/// What a person wants to happen under pressure: `memory:some:150ms/1s:COMMAND`.
/// - SeeAlso: Documentation/accounting/psi.rst §Monitoring for pressure thresholds
package struct PressureTrigger: Sendable, Equatable {
    /// What the processes of a container wait for.
    package enum Resource: String, Sendable { case cpu, memory, io }

    /// What is waited for.
    package let resource: Resource
    /// Whether all processes have to wait (`full`), or some.
    package let isFull: Bool
    /// How long they wait within a window, in microseconds.
    package let stall: UInt64
    /// The window, in microseconds.
    package let window: UInt64
    /// A command line for the shell.
    package let command: String

    /// Reads the text of `--on-pressure`.
    package init(_ text: String) throws(StepError) {
        func refusal(_ reason: String) -> StepError {
            StepError(
                "read --on-pressure", refused: "'\(text)': \(reason)",
                hint: "such as memory:some:150ms/1s:COMMAND", code: .usage, operand: text)
        }
        let parts = text.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false).map(
            String.init)
        guard parts.count == 4 else { throw refusal("is not RESOURCE:some|full:STALL/WINDOW:COMMAND") }
        guard let resource = Resource(rawValue: parts[0]) else {
            throw refusal("'\(parts[0])' is not cpu, memory or io")
        }
        guard parts[1] == "some" || parts[1] == "full" else {
            throw refusal("'\(parts[1])' is not some or full")
        }
        let times = parts[2].split(separator: "/", omittingEmptySubsequences: false)
        guard times.count == 2, let stall = Self.microseconds(times[0]),
            let window = Self.microseconds(times[1])
        else { throw refusal("'\(parts[2])' is not STALL/WINDOW in us, ms or s") }
        guard (500_000...10_000_000).contains(window) else {
            throw refusal("the kernel takes windows from 500ms to 10s")
        }
        guard stall > 0, stall <= window else { throw refusal("the stall is above 0 and within the window") }
        guard parts[3].contains(where: { $0 != " " }) else { throw refusal("there is no command") }
        self.resource = resource
        isFull = parts[1] == "full"
        self.stall = stall
        self.window = window
        command = parts[3]
    }

    private static func microseconds(_ text: Substring) -> UInt64? {
        let units: [(String, UInt64)] = [("us", 1), ("ms", 1000), ("s", 1_000_000)]
        guard let unit = units.first(where: { text.hasSuffix($0.0) }),
            let number = KernelText.number(ArraySlice(text.dropLast(unit.0.count).utf8)), number < 1 << 32
        else { return nil }
        return number * unit.1
    }

    /// What the kernel reads: the stall and the window in microseconds.
    private var kernelText: [UInt8] { Array("\(isFull ? "full" : "some") \(stall) \(window)\0".utf8) }

    /// For logs: `memory some 150000us/1000000us`.
    package var name: String { "\(resource.rawValue) \(isFull ? "full" : "some") \(stall)us/\(window)us" }

    /// Tries the trigger on the machine's own pressure, before anything is started.
    package func check(_ host: CgroupHost) throws(StepError) {
        let step: Step = "watch for pressure on \(resource.rawValue)"
        guard host.unified != nil else {
            throw StepError(
                step, refused: "pressure of containers is kept for cgroup v2 only, and this host has none",
                code: .unsupported)
        }
        do throws(SyscallError) {
            _ = try arm("/proc/pressure/\(resource.rawValue)", in: .currentDirectory)
        } catch {
            switch error.errno {
            case .ENOENT, .EOPNOTSUPP:
                throw StepError(
                    step, refused: "this kernel keeps no pressure", hint: "CONFIG_PSI, psi=1 at its start",
                    code: .kernelLacks)
            case .EINVAL:
                throw StepError(
                    step, error, hint: "without CAP_SYS_RESOURCE windows are whole multiples of 2s",
                    code: .permission)
            // Kernels before 6.5 keep the machine's file from those without CAP_SYS_RESOURCE; the container's may do.
            default: break
            }
        }
    }

    /// Arms the trigger for a cgroup. The file has POLLPRI at most once a window, and POLLERR when the cgroup is gone.
    package func arm(in cgroup: borrowing Cgroup) throws(StepError) -> OwnedFD {
        let step: Step = "watch for pressure on \(resource.rawValue) of cgroup \(cgroup.path)"
        guard let directory = cgroup.v2Directory else {
            throw StepError(step, refused: "the container has no cgroup of version 2", code: .unsupported)
        }
        return try during(step) { () throws(SyscallError) in
            try arm(Path("\(resource.rawValue).pressure"), in: directory)
        }
    }

    private func arm(_ path: Path, in directory: BorrowedFD) throws(SyscallError) -> OwnedFD {
        let file = try open(path, [.readWrite, .nonBlocking], in: directory)
        do throws(SyscallError) {
            try file.borrowed.write(kernelText[...])
        } catch {
            throw SyscallError(error.call, on: path.string, error.errno)
        }
        return file
    }
}
