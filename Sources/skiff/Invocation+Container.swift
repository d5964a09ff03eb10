import CapabilityBinding
import CommandGrammar
import ContainerInit
import ContainerRuntime
import LinuxSystem
import Security

extension Invocation {
    /// Where the state of containers is.
    var store: StateStore {
        StateStore(root: globals.stateRoot)
    }

    /// The first word as a container's name.
    func containerID() throws(CommandError) -> ContainerID {
        let text = arguments.words.first ?? ""
        return try command { () throws(StepError) in try ContainerID(text) }
    }

    /// The container that the first word names.
    func container() throws(CommandError) -> Container {
        let id = try containerID()
        return try command { () throws(StepError) in try Container.load(id, from: store) }
    }

    /// Closes what the caller has left open beyond the descriptors that are meant for the program, so that nothing of
    /// it is kept by a container (engines leak sockets).
    func closeLeaks(preserved: Int32 = 0, exitCode: Int32 = 1) throws(CommandError) {
        try command(exitCode: exitCode) { () throws(StepError) in
            // crun passes on what is there of them.
            if preserved > 0, style != .crun { try Self.checkOpen(through: 2 + preserved) }
            try during("close inherited descriptors") { () throws(SyscallError) in
                try closeRange(from: 3 + preserved, onExec: false)
            }
        }
    }

    /// Descriptors that are promised to the program must be there: else it would find other files at their numbers.
    private static func checkOpen(through last: Int32) throws(StepError) {
        for number in 3...last {
            do throws(SyscallError) {
                _ = try BorrowedFD(rawValue: number).status()
            } catch {
                throw StepError(
                    "keep descriptors 3 to \(last), which --preserve-fds and LISTEN_FDS name",
                    refused: "descriptor \(number) is not open", code: .usage, operand: "\(number)")
            }
        }
    }

    /// Starts the program again from a place that no container can write to, if its file is not safe already
    /// (CVE-2019-5736). Comes first in each verb that puts this program beside a container's processes.
    func seal() throws(CommandError) {
        try command { () throws(StepError) in
            let facts = try SelfSeal.Facts.current()
            try SelfSeal.carryOut(SelfSeal.decide(facts, bounding: .all, mappedUserIDs: nil))
        }
    }

    /// Who supervises us and wants to know when the program is ready.
    /// - SeeAlso: sd_notify(3)
    var supervisor: String? {
        ProcessEnvironment.value("NOTIFY_SOCKET").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether `--format` asks for a table, as without it, or for JSON.
    func wantsTable() throws(CommandError) -> Bool {
        switch arguments.value("format") ?? "table" {
        case "table": return true
        case "json": return false
        case let other: throw CommandError.usage("--format is table or json, not '\(other)'")
        }
    }

    /// Does something to the container that the first word names, or with `--regex` to all whose names match it; then
    /// a failure is told and the others follow.
    func forEachMatch(_ body: (ContainerID) throws(CommandError) -> Void) throws(CommandError) -> Int32 {
        guard arguments.isSet("regex") else {
            try body(try containerID())
            return 0
        }
        let text = arguments.words[0]
        guard let expression = RegularExpression(text) else {
            throw CommandError.usage("'\(text)' is no regular expression")
        }
        var exitCode: Int32 = 0
        for id in try command({ () throws(StepError) in try store.identifiers() })
        where expression.matches(id.description) {
            do throws(CommandError) {
                try body(id)
            } catch {
                let code = output.report(error, verb: verbName, subject: id.description)
                if style != .crun { exitCode = code }
            }
        }
        return exitCode
    }

    /// The path that an option gives; nil if it is not given or empty.
    func path(_ name: String) -> Path? {
        guard let text = arguments.value(name), !text.isEmpty else { return nil }
        return Path(text)
    }

    /// What `--receipt` names, as an absolute path.
    func receiptFile() throws(CommandError) -> Path? {
        guard let text = arguments.value("receipt") else { return nil }
        if text.isEmpty { throw CommandError.usage("--receipt needs the name of a file") }
        if text.hasPrefix("/") { return Path(text) }
        return try command { () throws(StepError) in
            try during("find the working directory") { () throws(SyscallError) in
                try workingDirectory().appending(Path(text))
            }
        }
    }

    /// A number of an option, not below zero.
    func count(_ name: String) throws(CommandError) -> Int32 {
        guard let text = arguments.value(name), !text.isEmpty else { return 0 }
        guard let number = Int32(text), number >= 0, number <= 1 << 16 else {
            throw CommandError.usage("--\(name) is a number from 0, not '\(text)'")
        }
        return number
    }
}

/// Runs the launch or start of a container; the failure has the exit code of `run` in `runStyle`, else 1.
func launching<Result: ~Copyable>(
    runStyle: CommandStyle? = nil, _ body: () throws(LaunchFailure) -> Result
) throws(CommandError) -> Result {
    do throws(LaunchFailure) {
        return try body()
    } catch {
        throw CommandError(error.error, exitCode: runStyle?.runFailureCode(error.exitCode) ?? 1)
    }
}
