import LinuxSystem
import Testing

@testable import Engine

@Suite struct `Environment files` {
    private let reader = EnvironmentFile(caller: ["HOME=/root", "EMPTY=", "HOME_2=no"])

    @Test func `hold one variable a line, taken as it is`() throws {
        let text = "A=1\n\n# comment\n  # another\nB=two words = # here\r\nHOME\nUNSET\nEMPTY\n  C=x"
        let found = try reader.parse(Array(text.utf8), named: "f")
        #expect(found == ["A=1", "B=two words = # here", "HOME=/root", "EMPTY=", "C=x"])
    }

    @Test(arguments: ["=x", "A B=1", "A=1\n=2"])
    func `refuse what is no variable and name the line`(text: String) {
        let error = #expect(throws: StepError.self) { try reader.parse(Array(text.utf8), named: "vars") }
        #expect(error?.description.contains("vars line") == true)
    }

    @Test(arguments: [[0xff, 0xfe], [65, 61, 0]] as [[UInt8]])
    func `refuse what is not text`(bytes: [UInt8]) {
        #expect(throws: StepError.self) { try reader.parse(bytes, named: "f") }
    }

    @Test func `a name alone takes the caller's value, and never another's`() throws {
        #expect(try reader.variable("HOME") == "HOME=/root")
        #expect(try reader.variable("HOM") == nil)
        #expect(try reader.variable("*") == nil)
        #expect(try reader.variable("X=") == "X=")
    }
}

@Suite struct `Made-up names` {
    @Test func `are allowed and differ`() throws {
        var names: Set<String> = []
        for _ in 0..<50 {
            let name = try ContainerName.random(attempt: 0, id: "0123456789abcdef")
            try OptionText.checkName(name, what: "container")
            names.insert(name)
        }
        #expect(names.count > 40)
        #expect(try ContainerName.random(attempt: 9, id: "0123456789abcdef").hasSuffix("_01234567"))
    }
}
