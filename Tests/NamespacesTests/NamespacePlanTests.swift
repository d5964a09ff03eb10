import LinuxSystem
import Namespaces
import RuntimeSpec
import Testing

private let root = [IDMappingSpec(containerID: 0, hostID: 100000, size: 65536)]

private func plan(
    new: [NamespaceKind] = [], join: [NamespaceKind] = [], mapped: Bool = true,
    offsets: TimeOffsetsSpec? = nil
) throws -> NamespacePlan {
    let list =
        new.map { NamespaceSpec(kind: $0) } + join.map { NamespaceSpec(kind: $0, path: "/ns/\($0.rawValue)") }
    let withMaps = mapped && new.contains(.user)
    return try NamespacePlan(
        spec: RuntimeSpec(
            linux: LinuxSpec(
                namespaces: list, uidMappings: withMaps ? root : [], gidMappings: withMaps ? root : [],
                timeOffsets: offsets)))
}

@Suite struct NamespacePlanTests {
    @Test func `NS-4: kinds without a path are made by the clone, the cgroup namespace later`() throws {
        let made = try plan(new: [.pid, .network, .mount, .ipc, .uts, .cgroup])
        #expect(made.cloneFlags == [.newPID, .newNetwork, .newMount, .newIPC, .newUTS])
        #expect(made.makesCgroupNamespace)
        #expect(made.unshareFlags == [])
        #expect(made.joins.isEmpty)
        #expect(made.wantsLoopback)
        #expect(!made.needsHelper)
        let none = try plan()
        #expect(none.cloneFlags == [])
        #expect(!none.makesCgroupNamespace)
    }

    @Test func `NS-2: a pid namespace is joined by the runtime, others by the child`() throws {
        let joined = try plan(new: [.mount], join: [.pid, .network, .ipc])
        #expect(joined.runtimeJoins.map(\.kind) == [.pid])
        #expect(joined.childJoins.map(\.kind) == [.ipc, .network])
        #expect(joined.cloneFlags == [.newMount])
        #expect(!joined.wantsLoopback)
    }

    @Test func `NS-6: beside a new user namespace everything but mount is joined by the runtime`() throws {
        let joined = try plan(new: [.user, .pid, .uts], join: [.network, .ipc, .mount])
        #expect(joined.runtimeJoins.map(\.kind) == [.ipc, .network])
        #expect(joined.childJoins.map(\.kind) == [.mount])
        #expect(joined.cloneFlags == [.newUser, .newPID, .newUTS])
        #expect(joined.needsMappings)
    }

    @Test func `NS-6: with a joined user namespace new ones are made inside it`() throws {
        let simple = try plan(new: [.mount, .uts], join: [.user, .network, .pid])
        #expect(simple.runtimeJoins.map(\.kind) == [.pid])
        #expect(simple.childJoins.map(\.kind) == [.network, .user])
        #expect(simple.cloneFlags == [])
        #expect(simple.unshareFlags == [.newMount, .newUTS])
        #expect(!simple.needsHelper)
        #expect(!simple.needsMappings)

        let pod = try plan(new: [.mount, .pid], join: [.user, .network, .ipc])
        #expect(pod.needsHelper)
        #expect(pod.childJoins.map(\.kind) == [.ipc, .network, .user])
        #expect(pod.cloneFlags == [.newMount, .newPID])
        #expect(pod.unshareFlags == [])
    }

    @Test func `every kind is handled exactly once in every combination`() throws {
        let kinds = NamespaceKind.joinOrder
        for number in 0..<6561 {  // three states of eight kinds
            var rest = number
            var new: [NamespaceKind] = []
            var join: [NamespaceKind] = []
            for kind in kinds {
                if rest % 3 == 1 { new.append(kind) }
                if rest % 3 == 2 { join.append(kind) }
                rest /= 3
            }
            let made = try plan(new: new, join: join)
            #expect(Set(made.joins.map(\.kind)) == Set(join))
            #expect(made.joins.count == join.count)
            var flags = made.cloneFlags.union(made.unshareFlags)
            #expect(made.cloneFlags.isDisjoint(with: made.unshareFlags))
            #expect(!flags.contains(.newCgroup) && !flags.contains(.newTime))
            if made.makesCgroupNamespace { flags.insert(.newCgroup) }
            if made.timeNamespace != .none { flags.insert(.newTime) }
            #expect(flags == new.reduce(into: CloneFlags()) { $0.insert(CloneFlags($1)) })
            // What the kernel demands: the user namespace is entered before what must belong to it is made.
            if join.contains(.user) {
                #expect(made.cloneFlags == [] || made.needsHelper)
                #expect(made.childJoins.last?.kind == .user)
            }
            #expect(!made.runtimeJoins.contains { $0.kind == .user || $0.kind == .mount })
            if join.contains(.pid) { #expect(made.runtimeJoins.contains { $0.kind == .pid }) }
        }
    }

    @Test func `NS-5: a kind listed twice is an error`() {
        let error = #expect(throws: SpecError.self) { try plan(new: [.pid], join: [.pid]) }
        #expect(error?.field == "linux.namespaces[1]")
    }

    @Test func `NS-2: a relative path is an error`() {
        let bad = LinuxSpec(namespaces: [NamespaceSpec(kind: .ipc, path: "ns/ipc")])
        #expect(throws: SpecError.self) { try NamespacePlan(spec: RuntimeSpec(linux: bad)) }
    }

    @Test func `TIME-1: offsets need a new time namespace`() throws {
        let offsets = TimeOffsetsSpec(monotonic: .init(seconds: 10, nanoseconds: 0))
        #expect(throws: SpecError.self) { try plan(offsets: offsets) }
        #expect(throws: SpecError.self) { try plan(join: [.time], offsets: offsets) }
        #expect(try plan(new: [.time], offsets: offsets).timeNamespace == .byRuntime)
        #expect(try plan(new: [.time, .user], offsets: offsets).timeNamespace == .byChild)
        let wrong = TimeOffsetsSpec(boottime: .init(seconds: 0, nanoseconds: 1_000_000_000))
        #expect(throws: SpecError.self) { try plan(new: [.time], offsets: wrong) }
    }

    @Test(
        "MAP-3: mappings that the kernel would refuse",
        arguments: [
            ([], "is required"),
            ([IDMappingSpec(containerID: 0, hostID: 1, size: 0)], "size above 0"),
            ([IDMappingSpec(containerID: 0, hostID: .max, size: 1)], "below 2^32"),
            ([IDMappingSpec(containerID: 1, hostID: 1, size: 9)], "must map id 0"),
            (
                [
                    IDMappingSpec(containerID: 0, hostID: 0, size: 10),
                    IDMappingSpec(containerID: 5, hostID: 50, size: 10),
                ],
                "overlap in containerID"
            ),
            (
                [
                    IDMappingSpec(containerID: 0, hostID: 0, size: 10),
                    IDMappingSpec(containerID: 50, hostID: 9, size: 10),
                ],
                "overlap in hostID"
            ),
            ((0..<341).map { IDMappingSpec(containerID: $0, hostID: $0, size: 1) }, "at most 340"),
        ] as [([IDMappingSpec], String)])
    func mappings(list: [IDMappingSpec], text: String) {
        let linux = LinuxSpec(
            namespaces: [NamespaceSpec(kind: .user)], uidMappings: list, gidMappings: list.isEmpty ? [] : root
        )
        let error = #expect(throws: SpecError.self) { try NamespacePlan(spec: RuntimeSpec(linux: linux)) }
        #expect(error.map { "\($0)".contains(text) } == true, "\(String(describing: error))")
    }
}
