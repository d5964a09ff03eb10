import LinuxSystem
import Testing

@testable import Namespaces

@Suite struct InterfaceNameTests {
    @Test(
        "names (NDV-2)",
        arguments: [
            ("eth0", ["lo"], "eth0"), ("eth%d", ["lo"], "eth0"), ("eth%d", ["eth0", "eth1"], "eth2"),
            ("eth%d", ["eth1"], "eth0"), ("%dx", ["0x"], "1x"),
        ])
    func choose(_ wanted: String, _ taken: [String], _ expected: String) throws {
        #expect(try InterfaceName.choose(wanted, taken: taken, "move") == expected)
    }

    @Test(arguments: ["lo", "abcdefghijklmno%d"])
    func `a name that cannot be had is refused (NDV-2)`(_ wanted: String) {
        #expect(throws: StepError.self) { try InterfaceName.choose(wanted, taken: ["lo"], "move") }
    }
}
