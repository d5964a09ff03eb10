import LinuxSystem
import Namespaces
import RuntimeSpec
import Testing

@Suite(.serialized, .enabled(if: effectiveUserID() == 0, "needs root")) struct NetworkMakerTests {
    @Test func `makes a namespace of its own, one at a time`() async {
        await #expect(processExitsWith: .success) {
            try inRuntime {
                let maker = try NetworkMaker.begin()
                var wrong: [String] = []
                do {
                    _ = try NetworkMaker.begin()
                    wrong.append("a second one began")
                } catch {}
                guard let file = maker.end() else { return wrong + ["no namespace"] }
                if try namespaceKind(of: file.borrowed) != .newNetwork { wrong.append("another kind") }
                if try file.borrowed.status().inode == own(.network) { wrong.append("the own one") }
                return wrong
            }
        }
    }

    @Test func `what is not ended leaves no process and no descriptor`() async {
        await #expect(processExitsWith: .success) {
            try inRuntime {
                let before = try open("/dev/null", .readOnly).release()
                _ = OwnedFD(adopting: before)
                for _ in 0..<3 { _ = try NetworkMaker.begin() }
                let after = try open("/dev/null", .readOnly).release()
                do {
                    _ = try waitForExit(of: .any, blocking: false)
                    return ["a process is left"]
                } catch {
                    return after == before ? [] : ["descriptor \(after) instead of \(before)"]
                }
            }
        }
    }
}
