import Cgroups
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct KernelTextTests {
    @Test func `single values`() {
        #expect(KernelText.single(bytes("4096\n")) == .number(4096))
        #expect(KernelText.single(bytes("max\n")) == .unlimited)
        #expect(KernelText.single(bytes("-1\n")) == .unlimited)
        #expect(KernelText.single(bytes("9223372036854771712\n")) == .unlimited)
        #expect(KernelText.single(bytes("0")) == .number(0))
        for bad in ["", "\n", "abc", "12x", "99999999999999999999"] {
            #expect(KernelText.single(bytes(bad)) == nil)
        }
    }

    @Test func `flat keyed files keep what they understand`() {
        var seen: [String: UInt64] = [:]
        KernelText.flatKeyed(bytes("anon 12\nfile 0\nodd\nlong 1 2\nbad x\n")) { seen[$0] = $1 }
        #expect(seen == ["anon": 12, "file": 0])
        #expect(KernelText.value(of: "populated", in: bytes("populated 1\nfrozen 0\n")) == 1)
        #expect(KernelText.value(of: "frozen", in: bytes("frozen_x 3\nfrozen 0\n")) == 0)
        #expect(KernelText.value(of: "gone", in: bytes("populated 1\n")) == nil)
    }

    @Test func `pressure lines`() {
        let text =
            "some avg10=1.05 avg60=0.00 avg300=12.30 total=987\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
        let lines = KernelText.pressure(bytes(text))
        #expect(lines.some == PressureLine(average10: 105, average60: 0, average300: 1230, total: 987))
        #expect(lines.full?.total == 0)
        #expect(KernelText.pressure(bytes("")).some == nil)
    }

    @Test func `block device counters of both versions`() {
        let devices = KernelText.ioStat(
            bytes("254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:0 \n"))
        #expect(devices.count == 1)
        #expect(devices.first?.writeOperations == 4)
        var total: UInt64 = 0
        KernelText.blkio(bytes("254:0 Read 17\n254:0 Write 5\nTotal 22\n")) { device, operation, value in
            if operation == "Read", device.major == 254 { total += value }
        }
        #expect(total == 17)
    }

    @Test func `process ids and names`() {
        #expect(KernelText.processIDs(bytes("1\n0\n4194304\nx\n")) == [1, 4_194_304])
        #expect(KernelText.names(bytes("cpuset cpu io\n")) == ["cpuset", "cpu", "io"])
        #expect(KernelText.names(bytes("\n")).isEmpty)
    }
}
