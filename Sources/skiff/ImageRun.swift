import Cgroups
import CommandGrammar
import ContainerInit
import Engine
import JSONCoding
import LinuxSystem

/// `run` of an image: makes the container, starts it and stays with it, unless it is detached.
struct ImageRun {
    private let invocation: Invocation

    /// For a command line.
    init(_ invocation: Invocation) { self.invocation = invocation }

    /// Runs the container; the exit code is the program's, 128 + n if signal n ended it, 126 or 127 when it could not
    /// be executed or found, 125 if skiff failed.
    func run() throws(CommandError) -> Int32 {
        if invocation.arguments.value("trace") != nil {
            throw CommandError.usage("--trace is for bundles: another process creates containers of images")
        }
        let environment = ProcessEnvironment.all()
        var options = try command(exitCode: 2) { () throws(StepError) in
            try phase(.usage) { () throws(StepError) in
                try ImageRunReader(invocation.arguments, environment: environment).read()
            }
        }
        options.pressureTriggers = try pressureTriggers()
        options.receiptFile = try invocation.receiptFile()?.string
        let home = try invocation.home()
        let isDetached = invocation.arguments.isSet("detach")
        let running: RunningEngineContainer
        do throws(RunFailure) {
            running = try ContainerRun(home: home, usesCgroups: !invocation.globals.cgroupsAreDisabled).run(
                ContainerMaker(home: home, options: options, environment: environment),
                image: invocation.arguments.words[0], staysAttached: !isDetached)
        } catch {
            throw CommandError(error.error, exitCode: error.exitCode)
        }
        if isDetached { return Output.show(running.record.id + "\n") }
        return try AttachedClient(invocation).stay(with: running, sendsInput: true)
    }

    /// `--on-pressure`, tried on this host.
    private func pressureTriggers() throws(CommandError) -> [String] {
        let texts = invocation.arguments.values("on-pressure")
        if texts.isEmpty { return [] }
        if invocation.globals.cgroupsAreDisabled {
            throw CommandError.usage("--on-pressure needs cgroups, which --cgroup-manager disables")
        }
        for text in texts {
            let trigger = try command(exitCode: 2) { () throws(StepError) in try PressureTrigger(text) }
            try command(exitCode: 125) { () throws(StepError) in
                try trigger.check(try CgroupHost.detect())
            }
        }
        return texts
    }
}

/// Being attached to a container from the command line, and what its end means for the exit code.
struct AttachedClient {
    private let invocation: Invocation

    /// For a command line.
    init(_ invocation: Invocation) { self.invocation = invocation }

    /// Stays until the container ends or the caller leaves.
    func stay(with running: RunningEngineContainer, sendsInput: Bool) throws(CommandError) -> Int32 {
        let outcome = try command(exitCode: 125) { () throws(StepError) in
            try running.stay(sendsInput: sendsInput)
        }
        return try finish(outcome)
    }

    /// The exit code for how the session ended; prints the receipt when it is asked for.
    func finish(_ outcome: AttachSession.Outcome) throws(CommandError) -> Int32 {
        switch outcome {
        case .ended(let code, let receipt):
            if invocation.arguments.isSet("usage") { try show(receipt) }
            return code
        case .detached: return 0
        case .failed(let failure): throw CommandError(failure.error, exitCode: 125)
        case .lost: throw CommandError("the container's monitor ended unexpectedly", exitCode: 125)
        }
    }

    private func show(_ receipt: [UInt8]) throws(CommandError) {
        do throws(JSONError) {
            _ = Output.show(try UsageReceipt(json: receipt).text, toError: true)
        } catch {
            throw CommandError("read the receipt: \(error)", exitCode: 125, code: .stateDamaged)
        }
    }
}
