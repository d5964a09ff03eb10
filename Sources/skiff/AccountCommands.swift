import Cgroups
import CommandGrammar
import ContainerRuntime
import Engine
import JSONCoding
import LinuxSystem

extension Command {
    /// `skiff usage CONTAINER`
    static var usage: Command {
        let verb = CommandVerb(
            "usage", .engine, "Show what a container used in its latest run",
            details:
                "Each figure names where it comes from; what the host does not tell is called not available, "
                + "with the reason.",
            operands: .container, options: [CommandOption("json", "Print the receipt as JSON")])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try invocation.engineContainer(invocation.arguments.words[0])
            let receipt = try command { () throws(StepError) in try readReceipt(of: container) }
            return invocation.arguments.isSet("json")
                ? Output.show(receipt.json(.pretty)) : Output.show(receipt.text)
        }
    }

    private static func readReceipt(
        of container: borrowing EngineContainer
    ) throws(StepError) -> UsageReceipt {
        let step: Step = "read the receipt of \(container.record.name)"
        guard let bytes = try container.receipt() else {
            throw StepError(
                step, refused: "no run has ended yet",
                hint: "skiff stats shows what a running container uses",
                code: .containerState
            )
        }
        do throws(JSONError) {
            return try UsageReceipt(json: bytes)
        } catch {
            throw StepError(step, refused: error.description, code: .stateDamaged)
        }
    }

    /// `skiff top CONTAINER`
    static var top: Command {
        let verb = CommandVerb(
            "top", .engine, "List the processes of a container", operands: .container)
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let container = try invocation.engineContainer(invocation.arguments.words[0])
            let pids = try command { () throws(StepError) in
                guard try container.status().isActive, let runtime = try container.loadRuntime() else {
                    throw StepError(
                        "list processes", refused: "the container does not run",
                        hint: "skiff start \(container.record.name)", code: .containerNotRunning)
                }
                return try runtime.processes()
            }
            return Output.show(try ProcessTable.text(pids))
        }
    }
}
