import Foundation
import ImageStore
import ImageTransfer
import LinuxSystem
import Testing

@Suite(.enabled(if: isRoot, "needs root")) struct KilledLoadTests {
    @Test func `a load that is killed keeps the layers that are whole and nothing else`() async throws {
        let workshop = try Workshop()
        let layers = (0..<2).map { number in Workshop.Layer(tar { $0.add("f\(number)", data: [1]) }) }
        let source = try workshop.directory(Workshop.layout(layers))
        let store = workshop.path + "/store"
        await #expect(processExitsWith: .signal(9)) { [source = source as String, store = store as String] in
            let loader = ImageLoader(ImageLoader.Request(path: Path(source))) { event in
                if event.number == 2, event.state == .unpacked {
                    bestEffort("the parent sees it") { () throws(SyscallError) in
                        try sendSignal(9, to: currentProcessID())
                    }
                }
            }
            _ = try loader.load(into: ImageStore.open(Path(store)))
        }
        let kept = try workshop.names(in: store + "/layers").count
        #expect(kept < 2)
        #expect(try workshop.names(in: store + "/tmp").count >= 1)
        #expect(try workshop.store().resolve("test:1") == nil)
        #expect(try workshop.load(source).first?.unpacked == 2 - kept)
        #expect(try workshop.names(in: store + "/tmp") == [])
    }
}
