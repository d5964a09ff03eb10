internal import LinuxSystem

/// A process that tries something and tells by a pipe what came of it. What it has made (mounts, namespaces, files of
/// memory) goes with it.
enum ProbeProcess {
    /// A probe that takes longer hangs in the kernel.
    private static let limit: Int64 = 5_000

    static func ask(_ body: () throws(SyscallError) -> Answer) -> Answer {
        let lines = run { () in
            do throws(SyscallError) {
                return try body().line
            } catch {
                return Answer(error).line
            }
        }
        switch lines {
        case .success(let text): return Answer(line: text) ?? .absent("the process that tried it died")
        case .failure(let reason): return reason
        }
    }

    static func survey() -> CgroupSurvey {
        switch run({ CgroupSurvey.look().text }) {
        case .success(let text): CgroupSurvey(text: text)
        case .failure(let reason): CgroupSurvey(failed: reason)
        }
    }

    private enum Outcome {
        case success(String)
        case failure(Answer)
    }

    private static func run(_ body: () -> String) -> Outcome {
        do throws(SyscallError) {
            let gate = try Pipe()
            switch try cloneProcess() {
            case .child:
                let number = gate.takeWriteEnd().release()
                tell(body, to: BorrowedFD(rawValue: number))
            case .parent(let child):
                let readEnd = gate.takeReadEnd()
                return try listen(readEnd.borrowed, to: child)
            }
        } catch {
            return .failure(Answer(error))
        }
    }

    private static func tell(_ body: () -> String, to pipe: BorrowedFD) -> Never {
        bestEffort("without it an interrupt ends the probe before it has tidied up") {
            () throws(SyscallError) in
            _ = try blockAllSignals()
        }
        let text = body()
        bestEffort("who does not hear anything says so") { () throws(SyscallError) in
            try pipe.writeAll(text)
        }
        exitProcess(0)
    }

    private static func listen(
        _ pipe: BorrowedFD, to child: borrowing Child
    ) throws(SyscallError) -> Outcome {
        let found = try poll([(pipe, .readable)], timeoutMilliseconds: Int32(limit))
        if found[0].isEmpty { try child.pidfd.borrowed.sendSignal(9) }
        let bytes = try pipe.readAll(limit: 1 << 20)
        try waitForExit(of: .pidfd(child.pidfd.borrowed))
        if found[0].isEmpty { return .failure(.absent("no answer in \(limit / 1000) s")) }
        return .success(String(decoding: bytes, as: UTF8.self))
    }
}
