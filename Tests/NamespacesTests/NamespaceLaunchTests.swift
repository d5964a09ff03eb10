import LinuxSystem
import Namespaces
import RuntimeSpec
import Testing

private let range = [IDMappingSpec(containerID: 0, hostID: 100000, size: 65536)]

private func plan(
    new: [NamespaceKind], join: [(NamespaceKind, String)] = [], maps: [IDMappingSpec]? = nil,
    offsets: TimeOffsetsSpec? = nil
) throws -> NamespacePlan {
    let list = new.map { NamespaceSpec(kind: $0) } + join.map { NamespaceSpec(kind: $0.0, path: $0.1) }
    let maps = maps ?? (new.contains(.user) ? range : [])
    return try NamespacePlan(
        spec: RuntimeSpec(
            linux: LinuxSpec(namespaces: list, uidMappings: maps, gidMappings: maps, timeOffsets: offsets)))
}

/// What differs between wanted and found.
private func differences(_ pairs: [(String, UInt64, UInt64, same: Bool)]) -> [String] {
    pairs.filter { ($0.1 == $0.2) != $0.same }.map { "\($0.0): \($0.1) and \($0.2)" }
}

@Suite(.serialized, .enabled(if: effectiveUserID() == 0, "needs root")) struct NamespaceLaunchTests {
    @Test func `NS-1, NS-4: new namespaces are new, the others the runtime's`() async {
        await #expect(processExitsWith: .success) {
            try inRuntime {
                let kinds: [NamespaceKind] = [.pid, .network, .mount, .ipc, .uts, .cgroup]
                let before = try NamespaceKind.joinOrder.map { ($0, try own($0)) }
                let report = try launch(try plan(new: kinds)) {
                    var wrong = try before.filter { try (own($0.0) == $0.1) == kinds.contains($0.0) }.map {
                        "\($0.0)"
                    }
                    if currentProcessID().rawValue != 1 { wrong.append("pid \(currentProcessID())") }
                    return wrong
                }
                return report.isEmpty ? [] : [report]
            }
        }
    }

    @Test func `NS-2, NS-7: joins by path, and the runtime stays at home`() async {
        await #expect(processExitsWith: .success) {
            try inRuntime {
                let holder = try Holder([.newNetwork, .newIPC, .newUTS, .newPID, .newMount, .newCgroup])
                let kinds: [NamespaceKind] = [.network, .ipc, .uts, .pid, .cgroup, .mount]
                let theirs = try kinds.map { ($0, try identity(holder.path($0))) }
                let home = try kinds.map { ($0, try own($0)) }
                let handles = try NamespaceHandles.open(
                    try plan(new: [], join: kinds.map { ($0, holder.path($0)) }))
                var wrong: [String] = []
                if Set(handles.ownKinds) != Set(kinds) { wrong.append("own kinds \(handles.ownKinds)") }
                wrong.append(
                    try launch(try plan(new: [], join: kinds.map { ($0, holder.path($0)) })) {
                        try theirs.filter { try own($0.0) != $0.1 }.map { "\($0.0) is not joined" }
                    })
                wrong += try home.filter { try own($0.0) != $0.1 }.map { "the runtime moved: \($0.0)" }
                if try identity("/proc/self/ns/pid_for_children") != own(.pid) {
                    wrong.append("children would move")
                }
                try holder.end()
                return wrong.filter { !$0.isEmpty }
            }
        }
    }

    @Test func `SYS-3: joining one's own namespace by path is found out`() async {
        await #expect(processExitsWith: .success) {
            try inRuntime {
                let same = try plan(
                    new: [.mount], join: [(.network, "/proc/self/ns/net"), (.user, "/proc/self/ns/user")])
                let handles = try NamespaceHandles.open(same)
                let report = try launch(same) { try own(.network) == own(.network) ? [] : ["?"] }
                return (handles.ownKinds == [.mount] ? [] : ["\(handles.ownKinds)"])
                    + (report.isEmpty ? [] : [report])
            }
        }
    }

    @Test func `NS-6, MAP-1: a new user namespace beside joined ones`() async {
        await #expect(processExitsWith: .success) {
            try inRuntime {
                let holder = try Holder([.newNetwork, .newIPC])
                let network = try identity(holder.path(.network))
                let home = try own(.network)
                var wrong: [String] = []
                wrong.append(
                    try launch(
                        try plan(
                            new: [.user, .pid, .mount, .uts],
                            join: [(.network, holder.path(.network)), (.ipc, holder.path(.ipc))])
                    ) {
                        var wrong = differences([("network", try own(.network), network, same: true)])
                        let map = String(decoding: try readFile("/proc/self/uid_map"), as: UTF8.self)
                        if map.split(separator: " ").joined(separator: " ") != "0 100000 65536\n" {
                            wrong.append(map)
                        }
                        if effectiveUserID() != 0 { wrong.append("uid \(effectiveUserID())") }
                        _ = try FileSystemContext(type: "proc").mount()
                        return wrong
                    })
                wrong += differences([("runtime's network", try own(.network), home, same: true)])
                try holder.end()
                return wrong.filter { !$0.isEmpty }
            }
        }
    }

    @Test func `NS-6: a pod's user, network and ipc namespaces with an own pid namespace`() async {
        await #expect(processExitsWith: .success) {
            try inRuntime {
                let holder = try Holder([.newUser, .newNetwork, .newIPC], map: "0 100000 65536\n")
                let joins = [NamespaceKind.user, .network, .ipc].map { ($0, holder.path($0)) }
                let theirs = try joins.map { ($0.0, try identity($0.1)) }
                var wrong: [String] = []
                for new in [[NamespaceKind.pid, .mount], [.mount, .uts]] {
                    wrong.append(
                        try launch(try plan(new: new, join: joins, maps: range)) {
                            var wrong = try theirs.filter { try own($0.0) != $0.1 }.map {
                                "\($0.0) is not joined"
                            }
                            if new.contains(.pid) {
                                if currentProcessID().rawValue != 1 {
                                    wrong.append("pid \(currentProcessID())")
                                }
                                // Only the owner of the pid namespace may mount its procfs.
                                _ = try FileSystemContext(type: "proc").mount()
                            }
                            return wrong
                        })
                }
                // MAP-5
                let other = [IDMappingSpec(containerID: 0, hostID: 5, size: 1)]
                let report = try launch(try plan(new: [.mount], join: joins, maps: other)) { [] }
                if !report.contains("other mappings") { wrong.append("wrong maps accepted: \(report)") }
                do {
                    let report = try launch(try plan(new: [.mount, .pid], join: joins, maps: other)) { [] }
                    wrong.append("wrong maps accepted: \(report)")
                } catch let error as StepError {
                    if !error.description.contains("other mappings") { wrong.append("\(error)") }
                }
                try holder.end()
                return wrong.filter { !$0.isEmpty }
            }
        }
    }

    @Test func `NS-3: a namespace of another type, or none at all, is refused`() async {
        await #expect(processExitsWith: .success) {
            try inRuntime {
                var wrong: [String] = []
                for (kind, path, text) in [
                    (NamespaceKind.network, "/proc/self/ns/ipc", "of another type: ipc"),
                    (.ipc, "/dev/null", "not a namespace"),
                    (.uts, "/nowhere", "ENOENT"),
                ] {
                    do {
                        _ = try NamespaceHandles.open(try plan(new: [], join: [(kind, path)])).ownKinds
                        wrong.append("\(path) accepted")
                    } catch let error as StepError {
                        if !error.description.contains(text) { wrong.append("\(error)") }
                    }
                }
                return wrong
            }
        }
    }

    @Test func `TIME-1: the clocks of a new time namespace are shifted, the runtime's are not`() async {
        await #expect(processExitsWith: .success) {
            try inRuntime {
                let offsets = TimeOffsetsSpec(
                    monotonic: .init(seconds: 100_000, nanoseconds: 5),
                    boottime: .init(seconds: 200_000, nanoseconds: 0))
                let before = Clock.monotonicNanoseconds()
                let home = try own(.time)
                var wrong: [String] = []
                wrong.append(
                    try launch(try plan(new: [.time, .mount], offsets: offsets)) {
                        let shift = (Clock.monotonicNanoseconds() - before) / 1_000_000_000
                        let text = String(decoding: try readFile("/proc/self/timens_offsets"), as: UTF8.self)
                        return (100_000...100_005).contains(shift) && text.contains("200000")
                            ? [] : ["\(shift) \(text)"]
                    })
                if try identity("/proc/self/ns/time_for_children") != home {
                    wrong.append("children would be shifted")
                }
                if (Clock.monotonicNanoseconds() - before) / 1_000_000_000 > 10 {
                    wrong.append("the runtime is shifted")
                }
                wrong.append(
                    try launch(try plan(new: [.time, .user, .mount], offsets: offsets)) {
                        let text = String(decoding: try readFile("/proc/self/timens_offsets"), as: UTF8.self)
                        return text.contains("200000") ? [] : ["with a user namespace: \(text)"]
                    })
                return wrong.filter { !$0.isEmpty }
            }
        }
    }

    @Test func `MAP-4, I-25: an unprivileged user maps its own id, after setgroups is denied`() async {
        await #expect(processExitsWith: .success) {
            try inRuntime {
                try setSupplementaryGroups([])
                try setGroupIDs(1234)
                try setUserIDs(1234)
                try processControl(.setDumpable, 1)
                let mine = [IDMappingSpec(containerID: 0, hostID: 1234, size: 1)]
                let report = try launch(try plan(new: [.user, .mount], maps: mine)) {
                    var wrong: [String] = []
                    if try readFile("/proc/self/setgroups") != Array("deny\n".utf8) {
                        wrong.append("setgroups is allowed")
                    }
                    if effectiveUserID() != 0 || effectiveGroupID() != 0 { wrong.append("not root inside") }
                    return wrong
                }
                return report.isEmpty ? [] : [report]
            }
        }
    }
}
