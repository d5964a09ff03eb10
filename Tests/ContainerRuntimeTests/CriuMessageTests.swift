import LinuxSystem
import Testing

@testable import ContainerRuntime

/// Bytes that protobuf's own Python classes of CRIU's rpc.proto read and write in the same way.
@Suite struct CriuMessageTests {
    @Test func aRequestHasTheBytesOfTheProtocol() {
        var options = CheckpointOptions(images: "images")
        options.leavesRunning = true
        options.cgroups = .strict
        options.pageServer = ("::1", 300)
        var request = CriuRequest(kind: .dump, options: options)
        request.facts.imagesFD = 7
        request.facts.logName = "d"
        request.facts.pid = 150
        request.facts.mounts = [(key: "/a", value: "b")]
        request.facts.slavesOutside = false
        let expected: [UInt8] = [
            0x08, 1, 0x12, 47,
            0x08, 7, 0x10, 0x96, 1, 0x48, 4, 0x52, 1, 0x64, 0x60, 1,
            0x18, 1, 0x5A, 8, 0x0A, 3, 0x3A, 0x3A, 0x31, 0x10, 0xAC, 2,
            0x90, 2, 5, 0x90, 3, 1,
            0xBA, 1, 7, 0x0A, 2, 0x2F, 0x61, 0x12, 1, 0x62,
            0xB0, 2, 0x80, 0x80, 0x80, 0x80, 4,
        ]
        #expect(request.bytes == expected)
    }

    @Test func aNegativeNumberTakesTenBytes() {
        var writer = ProtobufWriter()
        writer.add(1, -1)
        #expect(writer.bytes == [0x08] + [UInt8](repeating: 0xFF, count: 9) + [1])
    }

    @Test func anEventIsRead() throws {
        let bytes: [UInt8] = [0x08, 6, 0x10, 1, 0x2A, 6, 0x0A, 1, 0x78, 0x10, 0xC8, 1]
        let response = try #require(CriuResponse(bytes))
        #expect(response.success && response.kind == 6)
        #expect(response.notification == CriuResponse.Notification(name: "x", pid: 200))
    }

    @Test func aRestoreNamesItsProcessAndAFailureDoesNot() throws {
        #expect(CriuResponse([0x08, 2, 0x10, 1, 0x22, 2, 0x08, 9])?.pid == 9)
        let failure = try #require(CriuResponse([0x08, 2, 0x10, 0, 0x38, 5]))
        #expect(!failure.success && failure.pid == nil)
    }

    @Test(arguments: [
        [0x08], [0x12, 5, 1], [0x0B], [0x2A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
    ])
    func whatIsNoMessageIsRefused(_ bytes: [UInt8]) {
        #expect(CriuResponse(bytes) == nil)
    }
}
