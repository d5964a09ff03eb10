package import LinuxSystem

/// The file by which engines learn a process id: decimal digits, no newline, there at once or not at all.
package enum PIDFile {
    /// Writes the number.
    package static func write(_ pid: ProcessID, to path: Path) throws(StepError) {
        let step: Step = "write the pid file \(path)"
        guard let name = path.lastComponent else {
            throw StepError(step, refused: "it is not a file name", code: .usage)
        }
        try during(step) { () throws(SyscallError) in
            let directory = try open(path.parent, [.pathOnly, .directory])
            try replaceFile(name, in: directory.borrowed, Array("\(pid)".utf8), mode: 0o644)
        }
    }
}
