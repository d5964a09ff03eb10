package import LinuxSystem
import RuntimeSpec

/// The labels of the security modules that the program gets at exec.
/// - SeeAlso: runtime-spec config.md §Linux Process, apparmor(7), selinux(8)
package struct SecurityLabels: Equatable, Sendable {
    /// The AppArmor profile; nil changes nothing.
    package let apparmorProfile: String?
    /// The SELinux context; nil changes nothing.
    package let selinuxLabel: String?

    /// The labels of `process`; empty texts count as not given.
    package init(apparmorProfile: String?, selinuxLabel: String?) {
        self.apparmorProfile = apparmorProfile?.isEmpty == false ? apparmorProfile : nil
        self.selinuxLabel = selinuxLabel?.isEmpty == false ? selinuxLabel : nil
    }

    /// Whether there is nothing to do.
    package var isEmpty: Bool { apparmorProfile == nil && selinuxLabel == nil }

    /// Refuses labels of modules that this host does not run; asked in the runtime process, before anything is made.
    package func check() throws(StepError) {
        if let profile = apparmorProfile, profile != "unconfined", !Self.hasAppArmor {
            throw StepError(
                "apply the AppArmor profile \(profile)", refused: "AppArmor is not enabled on this host",
                code: .securityFailed, operand: profile)
        }
        if let label = selinuxLabel { try Self.checkSELinux(for: label) }
    }

    /// Refuses an SELinux label, of a process or of mounts, on a host that does not run SELinux.
    package static func checkSELinux(for label: String) throws(StepError) {
        guard !label.isEmpty, !hasSELinux else { return }
        throw StepError(
            "apply the SELinux label \(label)", refused: "SELinux is not enabled on this host",
            code: .securityFailed, operand: label)
    }

    /// Sets the labels that the next exec of the caller takes. `proc` is a procfs of the runtime, not of the
    /// container: a container that mounts something over its own /proc must not be able to swallow the write.
    package func apply(proc: BorrowedFD) throws(StepError) {
        if let profile = apparmorProfile {
            try applyAppArmor(profile, proc)
        }
        if let label = selinuxLabel {
            try during("set the SELinux label \(label)") { () throws(SyscallError) in
                try Self.write(label, to: "self/attr/exec", proc)
            }
        }
    }

    private func applyAppArmor(_ profile: String, _ proc: BorrowedFD) throws(StepError) {
        do throws(SyscallError) {
            try Self.write("exec \(profile)", to: "self/attr/apparmor/exec", proc)
        } catch {
            // Without AppArmor everything is unconfined already.
            if error.errno == .ENOENT, profile == "unconfined" { return }
            let hint = error.errno == .ENOENT ? "is the profile loaded? see aa-status" : nil
            throw StepError("set the AppArmor profile \(profile)", error, hint: hint)
        }
    }

    private static func write(_ text: String, to path: Path, _ proc: BorrowedFD) throws(SyscallError) {
        let file = try openTrusted(path, .writeOnly, proc)
        try file.borrowed.write(Array(text.utf8)[...])
    }

    private static var hasAppArmor: Bool {
        do throws(SyscallError) {
            return try readFile("/sys/module/apparmor/parameters/enabled", limit: 16).first
                == UInt8(ascii: "Y")
        } catch {
            return false
        }
    }

    /// Whether the host runs SELinux.
    /// - SeeAlso: selinux(8)
    package static var hasSELinux: Bool {
        do throws(SyscallError) {
            return try statusIfPresent(of: "/sys/fs/selinux/enforce") != nil
        } catch {
            return false
        }
    }
}

/// Opens a file of procfs below `proc` and makes sure that it is one: nothing mounted over it, no link followed out.
func openTrusted(_ path: Path, _ flags: OpenFlags, _ proc: BorrowedFD) throws(SyscallError) -> OwnedFD {
    let file = try open(path, flags, in: proc, resolving: [.beneath, .noCrossDevice])
    guard try file.borrowed.fileSystemStatus().magic == FileSystemStatus.proc else {
        throw SyscallError(.openat2, on: path.string, .EXDEV)
    }
    return file
}
