import CommandGrammar
import JSONCoding
import KernelFeatures
import LinuxSystem

extension Command {
    /// `skiff check [--format table|json|tap] [--expect FILE] [FEATURE…]`
    static var check: Command {
        let verb = CommandVerb(
            "check", .other, "Try what the running kernel has of that which skiff uses",
            details: "FEATURE is a name as the table has it, or the beginning of names followed by *. "
                + "Nothing that is tried stays. Without root, what a user may not try is 'denied'.\n\n"
                + "Exit status: 0 if all required features are there, 1 if one is not, 2 for words that cannot be used, "
                + "3 if one is missing that FILE expects.",
            operands: CommandOperands("[FEATURE…]", 0, nil),
            options: [
                CommandOption("format", "f", value: "FORMAT", "table, json or tap"),
                CommandOption(
                    "expect", value: "FILE", "What kernels have to have, by release; see docs/kernel.md"),
            ])
        return Command(verb: verb) { (invocation) throws(CommandError) in
            let name = invocation.arguments.value("format") ?? "table"
            guard let format = CheckReport.Format(rawValue: name) else {
                throw CommandError.usage("--format is table, json or tap, not '\(name)'")
            }
            let wanted = try features(named: invocation.arguments.words)
            let release = kernelRelease()
            var allowed: KernelAllowances?
            if let file = invocation.arguments.value("expect") {
                allowed = try allowances(in: file, for: release)
            }
            let findings = FeatureFinding.find(wanted)
            let report = CheckReport(release: release, findings: findings, allowances: allowed)
            return Output.show(report.text(format), exitCode: report.exitCode)
        }
    }

    private static func features(named words: [String]) throws(CommandError) -> [KernelFeature] {
        let all = KernelFeature.all
        for word in words where !all.contains(where: { fits($0.name, word) }) {
            throw CommandError.usage("no feature is named '\(word)'; skiff check lists all")
        }
        return words.isEmpty ? all : all.filter { feature in words.contains { fits(feature.name, $0) } }
    }

    private static func fits(_ name: String, _ word: String) -> Bool {
        word.hasSuffix("*") ? name.hasPrefix(word.dropLast()) : name == word
    }

    private static func allowances(
        in file: String, for release: String
    ) throws(CommandError) -> KernelAllowances {
        let bytes = try command(exitCode: CommandError.usageCode) { () throws(StepError) in
            try during("read the expectations") { () throws(SyscallError) in
                try readFile(Path(file), limit: 1 << 20)
            }
        }
        let expectations: KernelExpectations
        do throws(KernelExpectations.Mistake) {
            expectations = try KernelExpectations(
                String(decoding: bytes, as: UTF8.self), features: KernelFeature.all)
        } catch {
            throw CommandError.usage("\(file), line \(error.line): \(error.text)")
        }
        guard let allowances = expectations.allowances(for: release) else {
            throw CommandError.usage("\(file) says nothing about kernel \(release)")
        }
        return allowances
    }
}
