import Engine
import JSONCoding
import LinuxSystem
import RuntimeSpec
import Testing

@Suite struct `Texts of limits` {
    @Test(arguments: [("500us", 500), ("10ms", 10_000), ("1.5s", 1_500_000)])
    func `a time in microseconds`(text: String, expected: UInt64) throws {
        #expect(try OptionText.microseconds(text, of: "x") == expected)
    }

    @Test(arguments: ["10", "0ms", "-1s", "ms", "1h"])
    func `no time`(text: String) {
        #expect(throws: StepError.self) { try OptionText.microseconds(text, of: "x") }
    }

    @Test(arguments: ["0", "12.5", "99.99", "100", "max"])
    func `a percentage`(text: String) throws {
        #expect(try OptionText.percentage(text, of: "x") == text)
    }

    @Test(arguments: ["100.1", "12.345", "-1", "x", ""])
    func `no percentage`(text: String) {
        #expect(throws: StepError.self) { try OptionText.percentage(text, of: "x") }
    }

    @Test func `a device rule`() throws {
        let rule = try OptionText.deviceRule("c 189:* rw", of: "x")
        #expect(rule == .init(allow: true, kind: .character, major: 189, minor: nil, access: "rw"))
    }

    @Test(arguments: [
        "", "c", "c 1:3", "c 1 r", "c 1:3 x", "d 1:3 r", "c 4096:1 r", "b 1:1048576 r", "c -1:1 r",
    ])
    func `no device rule`(text: String) {
        #expect(throws: StepError.self) { try OptionText.deviceRule(text, of: "x") }
    }

    @Test func `a weight is v2's own there and shares elsewhere`() {
        var request = LimitRequest()
        request.cpuWeight = 300
        #expect(request.resources(hasUnifiedCPU: true).unified["cpu.weight"] == "300")
        #expect(request.resources(hasUnifiedCPU: false).cpu?.shares == 3072)
    }
}
