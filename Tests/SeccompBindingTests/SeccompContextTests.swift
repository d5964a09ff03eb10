import LinuxSystem
import SeccompBinding
import Testing

@Suite struct `The libseccomp binding` {
    private func exported(_ context: borrowing SeccompContext) throws -> [UInt8] {
        let file = try memoryFile(named: "test", executable: false, sealable: false)
        try context.export(to: file.rawValue)
        try file.borrowed.seek(to: 0)
        return try file.borrowed.readAll()
    }

    @Test func `exports whole instructions`() throws {
        let context = try SeccompContext(defaultAction: .allow)
        try context.addRule(.errno(1), call: 39)
        let program = try exported(context)
        #expect(program.count > 8 && program.count % 8 == 0)
    }

    @Test func `takes an architecture twice, and more of them make a longer program`() throws {
        let context = try SeccompContext(defaultAction: .allow)
        try context.addRule(.errno(1), call: 39)
        let short = try exported(context).count
        try context.add(.native)
        #expect(try exported(context).count == short)
        try context.add(SeccompArchitecture.native == .x86_64 ? .x86 : .x86_64)
        #expect(try exported(context).count > short)
    }

    @Test func `says which function refused what`() throws {
        let context = try SeccompContext(defaultAction: .allow)
        let rule = #expect(throws: SeccompError.self) { try refuseRule() }
        #expect(rule == SeccompError(function: "seccomp_rule_add_array", operand: "call 39", errno: 13))
        let export = #expect(throws: SeccompError.self) { try refuseExport() }
        #expect(export?.function == "seccomp_export_bpf" && export?.operand == "descriptor -1")
        let unknown = #expect(throws: SeccompError.self) { try refuseArchitecture() }
        #expect(
            unknown == SeccompError(function: "seccomp_arch_add", operand: "architecture 12345", errno: 22))
        _ = context
    }

    /// A rule for the default action is contradictory for libseccomp.
    private func refuseRule() throws {
        let context = try SeccompContext(defaultAction: .allow)
        try context.addRule(.allow, call: 39)
    }
    private func refuseExport() throws {
        let context = try SeccompContext(defaultAction: .allow)
        try context.export(to: -1)
    }
    private func refuseArchitecture() throws {
        let context = try SeccompContext(defaultAction: .allow)
        try context.add(SeccompArchitecture(rawValue: 0x12345))
    }

    @Test(arguments: [
        ("x86_64", SeccompArchitecture.x86_64), ("x86", .x86), ("x32", .x32), ("aarch64", .aarch64),
    ])
    func `knows architectures by name`(name: String, architecture: SeccompArchitecture) {
        #expect(SeccompArchitecture(name: name) == architecture)
    }

    @Test func `knows calls by name and architecture`() {
        #expect(SeccompArchitecture(name: "pdp11") == nil)
        #expect(SeccompArchitecture.x86_64.number(ofCall: "openat2") == 437)
        #expect(SeccompArchitecture.x86.number(ofCall: "getpid") == 20)
        #expect(SeccompArchitecture.x32.number(ofCall: "getpid") == 0x4000_0027)
        #expect(SeccompArchitecture.x86_64.number(ofCall: "no_such_call") == nil)
        #expect(SeccompArchitecture.x86_64.number(ofCall: "getpid\0x") == nil)
        #expect((SeccompArchitecture.x86_64.number(ofCall: "socketcall") ?? 0) < 0)
        #expect(SeccompArchitecture.x32.auditValue == SeccompArchitecture.x86_64.auditValue)
        #expect(SeccompLibrary.version.major >= 2)
    }

    @Test func `encodes actions as the kernel does`() {
        #expect(SeccompAction.errno(38).rawValue == 0x0005_0026)
        #expect(SeccompAction.trace(7).rawValue == 0x7ff0_0007)
        #expect(SeccompAction.killProcess.rawValue == 0x8000_0000)
        #expect(SeccompAction.killThread.rawValue == 0)
    }
}
