package import LinuxSystem

/// The mounted resctrl file system.
/// - SeeAlso: Documentation/filesystems/resctrl.rst
package enum ResctrlTree {
    /// Names a folder that stands for the mounted tree: how tests run on machines whose processor has no such control.
    package static let variable = "SKIFF_RESCTRL"

    static let groupHint = "the processor has only so many groups"

    /// Where it is mounted. Asked only for configurations with `linux.intelRdt`.
    package static func find() throws(StepError) -> Path {
        if let path = ProcessEnvironment.value(variable), path.hasPrefix("/") { return Path(path) }
        let table = try during("look for resctrl") { () throws(SyscallError) in try mountTable() }
        if let mount = table.first(where: { $0.type == "resctrl" }) { return mount.mountPoint }
        throw StepError(
            "find the resctrl file system", refused: "it is not mounted",
            hint: "linux.intelRdt needs it: mount -t resctrl resctrl /sys/fs/resctrl",
            code: .controllerMissing, operand: "linux.intelRdt")
    }

    /// Writes in one call; the kernel's own explanation of a refusal becomes the hint.
    static func write(_ text: String, to file: Path, _ root: Path) throws(StepError) {
        do throws(SyscallError) {
            // Made only where a plain folder stands for resctrl, see `variable`.
            let opened = try open(file, [.writeOnly, .create, .truncate], mode: 0o644)
            try opened.borrowed.write(Array(text.utf8)[...])
        } catch {
            throw StepError("write \(file)", error, hint: lastStatus(root))
        }
    }

    /// What the kernel says about the last refusal, if it says something.
    static func lastStatus(_ root: Path) -> String? {
        var text: String?
        bestEffort("without it the error number has to do") { () throws(SyscallError) in
            let bytes = try readFile(root.appending("info/last_cmd_status"))
            text = String(decoding: bytes.filter { $0 != 0x0A }, as: UTF8.self)
        }
        return text == "ok" ? nil : text
    }
}
