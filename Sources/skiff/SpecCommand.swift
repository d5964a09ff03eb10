import CommandGrammar
import JSONCoding
import LinuxSystem
import RuntimeSpec

extension Command {
    /// `skiff spec [--bundle DIR] [--rootless]`
    static var spec: Command {
        let verb = CommandVerb(
            "spec", .runtime, "Write a default config.json",
            details: "An existing config.json is never replaced.", operands: .none,
            options: [
                RuntimeOptions.bundle, CommandOption("rootless", "For a user without privileges"),
                CommandOption(
                    "file", "f", value: "FILE", "Write it there instead of config.json, also over a file"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            var spec = RuntimeSpec.default
            if invocation.arguments.isSet("rootless") {
                spec = RuntimeSpec.rootless(uid: effectiveUserID(), gid: effectiveGroupID())
            }
            let bytes = spec.json(.indented(by: "\t")) + [UInt8(ascii: "\n")]
            let directory = invocation.path("bundle") ?? "."
            let given = invocation.path("file")
            let name = given ?? "config.json"
            try command { () throws(StepError) in
                try during("write \(name) in \(directory)") { () throws(SyscallError) in
                    let bundle = try open(directory, [.readOnly, .directory])
                    let flags: OpenFlags = [.writeOnly, .create, given == nil ? .exclusive : .truncate]
                    let file = try open(name, flags, mode: 0o644, in: bundle.borrowed)
                    try file.borrowed.writeAll(bytes)
                }
            }
            return 0
        }
    }
}
