import CapabilityBinding
import Cgroups
import ContainerRuntime
import LinuxSystem
import Namespaces
import RuntimeSpec
import Testing

private let host = HostFacts(cgroups: CgroupHost(unified: nil), userID: 0, permitted: .all)

private func plan(
    _ change: (inout RuntimeSpec) -> Void = { _ in }, _ ask: (inout CreateRequest) -> Void = { _ in }
) throws -> LaunchPlan {
    var spec = RuntimeSpec.default
    spec.process?.terminal = false
    change(&spec)
    var request = CreateRequest(id: try ContainerID("web"), source: .bundle("/b"))
    ask(&request)
    let namespaces = try NamespacePlan(spec: spec)
    return try LaunchPlan.make(
        spec: try Validation.validate(spec), namespaces: namespaces,
        ownNamespaces: spec.linux?.namespaces.map(\.kind) ?? [], bundle: "/b", hasRootTree: false,
        request: request, host: host)
}

@Suite struct LaunchPlanTests {
    @Test func `the same input gives the same plan`() throws {
        #expect(try plan() == plan())
        #expect(try plan() != plan { $0.hostname = "other" })
    }

    @Test func `a terminal needs somebody to take it (PRC-3)`() throws {
        let error = #expect(throws: SpecError.self) { try plan { $0.process?.terminal = true } }
        #expect(error?.description.contains("--console-socket") == true)
        #expect(throws: Never.self) {
            try plan({ $0.process?.terminal = true }, { $0.console = .socket("/s") })
        }
    }

    @Test func `a console socket needs a terminal (PRC-3)`() {
        #expect(throws: SpecError.self) { try plan({ _ in }, { $0.console = .socket("/s") }) }
    }

    @Test func `what is not supported is refused by name (BND-5)`() {
        let error = #expect(throws: SpecError.self) { try plan { $0.linux?.intelRdt = IntelRdtSpec() } }
        #expect(error?.field == "linux.intelRdt")
    }

    @Test func `init waits for the runtime only where it must`() throws {
        #expect(try !plan().initial.needsMappings)
        let mapped = try plan { spec in
            spec.linux?.namespaces.append(NamespaceSpec(kind: .user))
            spec.linux?.uidMappings = [IDMappingSpec(containerID: 0, hostID: 100_000, size: 65_536)]
            spec.linux?.gidMappings = [IDMappingSpec(containerID: 0, hostID: 100_000, size: 65_536)]
        }
        #expect(mapped.initial.needsMappings)
    }

    @Test func `a configuration without a program can be planned (PRC-1)`() throws {
        let plan = try plan { $0.process = nil }
        #expect(plan.initial.process == nil)
        #expect(plan.initial.security == nil)
    }
}
