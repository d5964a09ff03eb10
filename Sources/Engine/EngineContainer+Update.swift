internal import Cgroups
internal import ContainerRuntime
internal import JSONCoding
package import LinuxSystem
internal import RuntimeSpec

extension EngineContainer {
    /// Changes limits, for its next start and, if it runs, at once: only what is given, all of it or nothing.
    /// `refusesKilling` refuses a memory limit that could be reached by killing only.
    /// - Throws: a `StepError` that names the limit; the configuration is as before then.
    package func update(_ request: LimitRequest, refusesKilling: Bool) throws(StepError) {
        let change = try lockForChange()
        defer { _ = change.borrowed }
        let host = try CgroupHost.detect()
        let given = request.resources(hasUnifiedCPU: host.home(of: .cpu) == .unified)
        let old = try configuration()
        let new = try updated(old, given, host).json()
        try write(new)
        do throws(StepError) {
            if let running = try runtime() {
                try running.update(given, resctrl: request.schemata, refusesKilling: refusesKilling)
            } else if !request.schemata.isEmpty {
                throw StepError(
                    "update \(record.name)", refused: "a resctrl group can be changed while it runs only",
                    code: .containerNotRunning)
            }
        } catch {
            var error = error
            let failure = bestEffort("told with what failed first") { () throws(StepError) in try write(old) }
            if let failure { error.notes.append("not restored: \(failure)") }
            throw error
        }
    }

    /// The configuration with new limits, checked as at a start.
    private func updated(
        _ json: [UInt8], _ given: ResourcesSpec, _ host: CgroupHost
    ) throws(StepError) -> RuntimeSpec {
        var spec: RuntimeSpec
        do throws(JSONError) {
            spec = try RuntimeSpec(json: json)
        } catch {
            throw StepError(
                "read the configuration of \(record.name)", refused: error.description, code: .stateDamaged)
        }
        spec.linux?.resources?.take(given)
        let checked = spec
        try during(specified: "check the limits of \(record.name)") { () throws(SpecError) in
            _ = try Validation.validate(checked)
            _ = try CgroupPlan.make(spec: checked, id: record.id, host: host)
        }
        return spec
    }

    private func write(_ configuration: [UInt8]) throws(StepError) {
        try during("write the configuration of \(record.name)") { () throws(SyscallError) in
            try replaceFile(ContainerFile.configuration, in: folder.borrowed, configuration)
        }
    }
}
