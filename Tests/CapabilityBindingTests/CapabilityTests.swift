import CapabilityBinding
import LinuxSystem
import Testing

@Suite struct `The libcap binding` {
    @Test(arguments: [
        ("CAP_CHOWN", UInt8(0)), ("CAP_SETPCAP", 8), ("CAP_NET_BIND_SERVICE", 10), ("CAP_SYS_ADMIN", 21),
        ("CAP_CHECKPOINT_RESTORE", 40),
    ])
    func `turns names into numbers and back`(name: String, number: UInt8) {
        #expect(Capability(name: name)?.rawValue == number)
        #expect(Capability(rawValue: number).name == name)
    }

    @Test(arguments: [
        "", "CAP_", "CAP_FOO", "cap_chown", "CHOWN", "0", "CAP_CHOWN ", "CAP_0", "CAP_CHOWN\0", "CAP_chown",
    ])
    func `knows no other names`(name: String) {
        #expect(Capability(name: name) == nil)
    }

    @Test func `names numbers without a name by the number`() {
        #expect(Capability(rawValue: 63).name == "CAP_63")
    }

    @Test func `finds the last capability of the kernel`() throws {
        let text = String(decoding: try readFile("/proc/sys/kernel/cap_last_cap"), as: UTF8.self)
        #expect(text == "\(Capability.last.rawValue)\n")
        #expect(CapabilitySet.all.members.count == Int(Capability.last.rawValue) + 1)
        #expect(CapabilitySet.all.members.last == Capability.last)
    }

    @Test func `tells what procfs tells about this thread`() throws {
        let status = String(decoding: try readFile("/proc/thread-self/status"), as: UTF8.self)
        func line(_ key: String) -> UInt64? {
            status.split(separator: "\n").first { $0.hasPrefix(key) }
                .flatMap { UInt64($0.dropFirst(key.count).filter { !$0.isWhitespace }, radix: 16) }
        }
        let state = try CapabilityState.current()
        #expect(state.effective.rawValue == line("CapEff:"))
        #expect(state.permitted.rawValue == line("CapPrm:"))
        #expect(state.inheritable.rawValue == line("CapInh:"))
        #expect(BoundingSet.current().rawValue == line("CapBnd:"))
        #expect(AmbientSet.current().rawValue == line("CapAmb:"))
    }

    @Test func `sets, drops and raises in a process of its own`() async {
        await #expect(processExitsWith: .success) { () async throws in
            let kill = Capability(rawValue: 5)
            let only = CapabilitySet(kill).union(CapabilitySet(.setpcap))
            try BoundingSet.drop(.sysAdmin)
            #expect(!BoundingSet.current().contains(.sysAdmin))
            try CapabilityState(effective: only, permitted: only, inheritable: CapabilitySet(kill)).apply()
            try AmbientSet.raise(kill)
            #expect(AmbientSet.current() == CapabilitySet(kill))
            try AmbientSet.clear()
            #expect(AmbientSet.current().isEmpty)
            #expect(try CapabilityState.current().effective == only)
            let refused = #expect(throws: CapabilityError.self) { try AmbientSet.raise(.sysAdmin) }
            #expect(refused == nil || refused?.errno == 1)
            #expect(refused?.operand == "CAP_SYS_ADMIN")
            let back = #expect(throws: CapabilityError.self) {
                try CapabilityState(effective: [], permitted: .all, inheritable: []).apply()
            }
            #expect(back?.function == "capset" && back?.errno == 1)
        }
    }
}
