import Engine
import LinuxSystem
import Testing

@Suite struct OptionTextTests {
    @Test(arguments: [
        ("64m", 67_108_864), ("1g", 1_073_741_824), ("512K", 524_288), ("100b", 100), ("1048576", 1_048_576),
        ("1.5g", 1_610_612_736), ("64MB", 67_108_864), ("2GiB", 2_147_483_648), ("0", 0),
    ])
    func `sizes as docker writes them`(text: String, bytes: Int64) throws {
        #expect(try OptionText.bytes(text, of: "memory") == bytes)
    }

    @Test(arguments: ["", "m", "-1", "1x", "1e3", "64 m", "0x10", "1.2.3", "."])
    func `what is no size is refused by name`(text: String) {
        let error = #expect(throws: StepError.self) { _ = try OptionText.bytes(text, of: "memory") }
        #expect(error?.description.contains("read --memory: '\(text)' is no size") == true)
    }

    @Test(arguments: [("0.5", 50_000), ("2", 200_000), (".25", 25_000), ("1.", 100_000)])
    func `processors as a quota`(text: String, quota: Int64) throws {
        #expect(try OptionText.cpuQuota(text, of: "cpus") == quota)
    }

    @Test(arguments: ["0", "-1", "abc", "0.001", "9999999"])
    func `what is no number of processors is refused`(text: String) {
        #expect(throws: StepError.self) { _ = try OptionText.cpuQuota(text, of: "cpus") }
    }

    @Test func `binds and volumes`() throws {
        let bind = try OptionText.bind("/a:/b:ro")
        #expect(
            bind
                == .init(
                    source: "/a", destination: "/b", options: ["ro", "rbind", "rprivate"], isVolume: false))
        #expect(try OptionText.bind("data:/b").isVolume)
        #expect(try !OptionText.bind("./data:/b").isVolume)
    }

    @Test(arguments: ["/a", "/a:b", ":/b", "/a:/b:rw:x", "/a:/b:bogus", "a b:/c"])
    func `wrong binds are refused`(text: String) {
        #expect(throws: StepError.self) { _ = try OptionText.bind(text) }
    }

    @Test(arguments: ["", ".", "..", "a/b", "-a", "a b", "ü", String(repeating: "a", count: 129)])
    func `wrong names are refused`(name: String) {
        let error = #expect(throws: StepError.self) { try OptionText.checkName(name, what: "container") }
        #expect(error?.description.hasPrefix("check container name: '\(name)' is not allowed") == true)
    }

    @Test func `limits and devices`() throws {
        let limit = try OptionText.resourceLimit("nofile=10:20")
        #expect(limit.name == "nofile" && limit.soft == 10 && limit.hard == 20)
        #expect(try OptionText.resourceLimit("core=unlimited").hard == .max)
        #expect(throws: StepError.self) { _ = try OptionText.resourceLimit("nofile=20:10") }
        #expect(
            try OptionText.device("/dev/a:/dev/b:r")
                == .init(source: "/dev/a", destination: "/dev/b", access: "r"))
        #expect(try OptionText.device("/dev/a").access == "rwm")
        #expect(throws: StepError.self) { _ = try OptionText.device("/dev/a:rwx") }
    }
}
