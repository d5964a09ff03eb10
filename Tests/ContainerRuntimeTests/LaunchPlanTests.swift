import CapabilityBinding
import Cgroups
import ContainerRuntime
import LinuxSystem
import Namespaces
import RuntimeSpec
import Testing

private let host = HostFacts(cgroups: CgroupHost(unified: nil), userID: 0, permitted: .all)

private func plan(
    _ change: (inout RuntimeSpec) -> Void = { _ in }, _ ask: (inout CreateRequest) -> Void = { _ in },
    own: (RuntimeSpec) -> [NamespaceKind] = { $0.linux?.namespaces.map(\.kind) ?? [] }
) throws -> LaunchPlan {
    var spec = RuntimeSpec.default
    spec.process?.terminal = false
    change(&spec)
    var request = CreateRequest(id: try ContainerID("web"), source: .bundle("/b"))
    ask(&request)
    let namespaces = try NamespacePlan(spec: spec)
    return try LaunchPlan.make(
        spec: try Validation.validate(spec), namespaces: namespaces,
        ownNamespaces: own(spec), bundle: "/b", hasRootTree: false,
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

    @Test func `interfaces need a network namespace that is not the runtime's (NDV-5)`() throws {
        let moved = try plan { $0.linux?.netDevices = [NetDeviceSpec(hostName: "eth1")] }
        #expect(moved.interfaces.map(\.hostName) == ["eth1"])
        #expect(moved.initial.needsMappings)
        let error = #expect(throws: SpecError.self) {
            try plan {
                $0.linux?.netDevices = [NetDeviceSpec(hostName: "eth1")]
            } own: { spec in
                (spec.linux?.namespaces ?? []).map(\.kind).filter { $0 != .network }
            }
        }
        #expect(error?.field == "linux.netDevices")
    }

    @Test func `a group of resctrl is planned only when asked for (RDT-1)`() throws {
        #expect(try plan().resctrl == nil)
        #expect(try plan { $0.linux?.intelRdt = IntelRdtSpec() }.resctrl?.group == "web")
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
