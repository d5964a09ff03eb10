import Foundation
import ImageStore
import ImageTransfer
import LinuxSystem
import Testing

@Suite(.enabled(if: isRoot, "needs root")) struct KilledLoadTests {
    @Test func `a load that is killed between two layers leaves nothing that is used`() async throws {
        let workshop = try Workshop()
        let layers = (0..<2).map { number in Workshop.Layer(tar { $0.add("f\(number)", data: [1]) }) }
        let source = try workshop.directory(Workshop.layout(layers))
        let store = workshop.path + "/store"
        await #expect(processExitsWith: .signal(9)) { [source = source as String, store = store as String] in
            let loader = ImageLoader(ImageLoader.Request(path: Path(source))) { line in
                if line.contains("layer 2") {
                    bestEffort("the parent sees it") { () throws(SyscallError) in
                        try sendSignal(9, to: currentProcessID())
                    }
                }
            }
            _ = try loader.load(into: ImageStore.open(Path(store)))
        }
        #expect(try workshop.names(in: store + "/layers") == [])
        #expect(try workshop.names(in: store + "/tmp").count == 1)
        #expect(try workshop.store().resolve("test:1") == nil)
        #expect(try workshop.load(source).first?.unpacked == 2)
        #expect(try workshop.names(in: store + "/tmp") == [])
    }
}
