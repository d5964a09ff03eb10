import Cgroups
import JSONCoding
import LinuxSystem
import RuntimeSpec
import Testing

@testable import ContainerRuntime

/// A state root that goes away with the value. Needs `@testable`: reservations are made by a launch only.
private struct Root: ~Copyable {
    let store: StateStore

    init() {
        store = StateStore(root: "/tmp/skiff-state-\(currentProcessID())-\(Clock.monotonicNanoseconds())")
    }

    deinit { bestEffort("a leftover in /tmp") { () throws(SyscallError) in try removeTree(store.root) } }
}

@Suite struct ContainerIDTests {
    @Test(arguments: ["a", "web1", "A_b+c.d-e", "0", String(repeating: "x", count: 255), "a..b"])
    func `names of letters, digits and few signs are accepted (LIFE-2)`(text: String) throws {
        #expect(try ContainerID(text).description == text)
    }

    @Test(arguments: [
        "", ".", "..", ".hidden", "a/b", "../x", "a b", "a\nb", "ü", "a\0",
        String(repeating: "x", count: 256),
    ])
    func `everything else is refused (LIFE-2)`(text: String) {
        #expect(throws: StepError.self) { try ContainerID(text) }
    }
}

@Suite struct StateStoreTests {
    @Test func `the same id is given out once (LIFE-2)`() throws {
        let root = Root()
        let id = try ContainerID("web")
        var first = try root.store.reserve(id)
        let error = #expect(throws: StepError.self) { _ = try root.store.reserve(id).id }
        #expect(error?.description.contains("a container with this id exists") == true)
        first.keep()
        _ = consume first
        #expect(try root.store.identifiers() == [id])
    }

    @Test func `a reservation that is not kept leaves nothing (LIFE-3)`() throws {
        let root = Root()
        let id = try ContainerID("web")
        let reservation = try root.store.reserve(id)
        try reservation.write(StateRecord())
        try reservation.write(configuration: Array("{}".utf8))
        _ = consume reservation
        #expect(try root.store.identifiers().isEmpty)
        #expect(try !root.store.contains(id))
    }

    @Test func `state directories are closed to others (I-22)`() throws {
        let root = Root()
        var reservation = try root.store.reserve(try ContainerID("web"))
        reservation.keep()
        #expect(try status(of: root.store.root).mode == 0o700)
        #expect(try status(of: root.store.root.appending("web")).mode == 0o700)
        _ = consume reservation
    }

    @Test func `a root that is missing holds no containers, and foreign entries are not listed`() throws {
        let root = Root()
        #expect(try root.store.identifiers().isEmpty)
        try makeDirectory(root.store.root, mode: 0o700)
        try makeDirectory(root.store.root.appending(".seccomp"))
        let file = try open(root.store.root.appending("file"), [.writeOnly, .create], mode: 0o600)
        _ = consume file
        #expect(try root.store.identifiers().isEmpty)
    }

    @Test func `a container under construction is told from one whose create died`() throws {
        let root = Root()
        let id = try ContainerID("web")
        var reservation = try root.store.reserve(id)
        try reservation.write(StateRecord())
        #expect(try Container.load(id, from: root.store).status() == .creating)
        reservation.keep()
        _ = consume reservation
        #expect(try Container.load(id, from: root.store).status() == .stopped)
        try Container.delete(id, from: root.store, force: true)
        #expect(try root.store.identifiers().isEmpty)
    }

    @Test func `deleting what is not there fails, and with force it does not (CLI-6)`() throws {
        let root = Root()
        let id = try ContainerID("web")
        let error = #expect(throws: StepError.self) {
            try Container.delete(id, from: root.store, force: false)
        }
        #expect(error?.description == "container does not exist")
        #expect(throws: Never.self) { try Container.delete(id, from: root.store, force: true) }
    }

    @Test func `damaged state is told and force clears it (CLI-8, LIFE-12)`() throws {
        let root = Root()
        let id = try ContainerID("web")
        var reservation = try root.store.reserve(id)
        reservation.keep()
        _ = consume reservation
        #expect(throws: StepError.self) { try Container.load(id, from: root.store) }
        let file = try open(
            root.store.root.appending("web/state.json"), [.writeOnly, .create], mode: 0o600)
        try file.borrowed.writeAll("{\"version\":")
        let error = #expect(throws: StepError.self) { try Container.load(id, from: root.store) }
        #expect(error?.description.contains("state.json is damaged") == true)
        try Container.delete(id, from: root.store, force: true)
        #expect(try root.store.identifiers().isEmpty)
    }
}

@Suite struct StateRecordTests {
    private var record: StateRecord {
        var record = StateRecord()
        record.ociVersion = "1.0.2"
        record.id = "web"
        record.bundle = "/b"
        record.pid = 42
        record.startTime = 12345
        record.annotations = ["a": "b"]
        record.namespaces = [.pid, .mount]
        record.cgroup = CgroupRecord(path: "/skiff/web", isInOwnFolder: true)
        record.hasPoststop = true
        return record
    }

    @Test func `a record reads back as it was written`() throws {
        #expect(try StateRecord(json: record.json()) == record)
    }

    @Test func `a file of a newer version is refused, unknown members are not (LIFE-14)`() throws {
        #expect(throws: JSONError.self) { try StateRecord(json: Array("{\"version\":2}".utf8)) }
        #expect(try StateRecord(json: Array("{\"version\":1,\"later\":{}}".utf8)).version == 1)
    }
}

@Suite struct StateLinesTests {
    @Test func `the last record that was written counts, and both writes stay one file`() throws {
        let root = Root()
        let id = try ContainerID("web")
        var reservation = try root.store.reserve(id)
        var record = StateRecord()
        record.id = "web"
        try reservation.write(record)
        #expect(try Container.load(id, from: root.store).record.pid == 0)
        record.pid = 7
        try reservation.write(record)
        reservation.keep()
        _ = consume reservation
        #expect(try Container.load(id, from: root.store).record == record)
    }

    @Test(arguments: [
        ("{1}", "{1}"), ("{1}\n", "{1}"), ("{1}\n{2}\n", "{2}"), ("{1}\n{2", "{1}"), ("{1}\n{2}\n{3", "{2}"),
        ("\n", ""),
    ])
    func `a line that is being written does not count`(file: String, line: String) {
        #expect(StateRecord.lastLine(of: Array(file.utf8)) == Array(line.utf8))
    }
}

@Suite struct ContainerStatusTests {
    @Test func `a number that now belongs to another process is not the container (I-26, LIFE-10)`() throws {
        let root = Root()
        let id = try ContainerID("web")
        var reservation = try root.store.reserve(id)
        var record = StateRecord()
        record.created = "2026-11-21T20:00:00Z"
        record.pid = currentProcessID().rawValue
        record.startTime = try processStartTime(currentProcessID()) ?? 0
        try reservation.write(record)
        reservation.keep()
        _ = consume reservation
        #expect(try Container.load(id, from: root.store).status() == .running)
        record.startTime += 1
        #expect(try Container(id: id, store: root.store, record: record).status() == .stopped)
        #expect(throws: StepError.self) { try Container(id: id, store: root.store, record: record).kill(15) }
    }

    @Test func `the report has pid 0 once the container has stopped (CLI-7)`() throws {
        var record = StateRecord()
        record.id = "web"
        record.pid = 42
        let container = Container(id: try ContainerID("web"), store: StateStore(root: "/x"), record: record)
        let text = String(decoding: container.report(.stopped), as: UTF8.self)
        #expect(text.contains("\"pid\": 0"))
        #expect(container.state(.stopped).pid == nil)
        #expect(container.state(.running).pid == 42)
    }
}

@Suite struct StateTransitionTests {
    @Test(arguments: StateTransition.allCases)
    func `each verb is allowed in its states only (LIFE-4, LIFE-5, LIFE-6)`(verb: StateTransition) {
        for status in ContainerState.Status.allCases {
            if verb.allowed.contains(status) {
                #expect(throws: Never.self) { try verb.check(status) }
            } else {
                #expect(throws: StepError.self) { try verb.check(status) }
            }
        }
    }

    @Test func `engines find their words`() {
        let kill = #expect(throws: StepError.self) { try StateTransition.kill.check(.stopped) }
        #expect(kill?.description == "container not running")
        let delete = #expect(throws: StepError.self) { try StateTransition.delete.check(.running) }
        #expect(delete?.description == "cannot delete a container that is running, only created or stopped")
    }
}

@Suite struct PIDFileTests {
    @Test func `the file holds decimal digits and no newline (CLI-1)`() throws {
        let path: Path = "/tmp/skiff-pid-\(currentProcessID())"
        try PIDFile.write(ProcessID(rawValue: 4711), to: path)
        #expect(try readFile(path) == Array("4711".utf8))
        try unlink(path)
    }
}
