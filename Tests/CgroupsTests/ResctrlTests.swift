import LinuxSystem
import RuntimeSpec
import Testing

@testable import Cgroups

@Suite struct ResctrlTests {
    @Test(
        "groups (RDT-1, RDT-2)",
        arguments: [
            (nil, "c1", false), ("", "c1", false), ("/", nil, true), ("gold", "gold", true),
        ] as [(String?, String?, Bool)])
    func group(_ closID: String?, _ expected: String?, _ isNamed: Bool) {
        let plan = ResctrlPlan(IntelRdtSpec(closID: closID), id: "c1")
        #expect(plan.group == expected)
        #expect(plan.isNamed == isNamed)
    }

    @Test func `cache, then bandwidth, then the rest (RDT-3)`() {
        let spec = IntelRdtSpec(schemata: ["L2:0=1"], l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=10")
        let plan = ResctrlPlan(spec, id: "c1")
        #expect(plan.lines == ["L3:0=f", "MB:0=10", "L2:0=1"])
        #expect(plan.expected == ["L3:0=f", "MB:0=10"])
    }

    @Test(
        "what an existing group has (RDT-4)",
        arguments: [
            ("L3:0=7ff", true), ("L3:0=07FF;1=1f", true), ("MB:1=100", true), ("MB:0=020\nL3:1=1f", true),
            ("L3:0=7fe", false), ("L3:2=7ff", false), ("L2:0=1", false), ("MB:0=0", false),
        ])
    func holds(_ wanted: String, _ expected: Bool) {
        let present = ResctrlSchemata("    L3:0=7ff;1=01f\n    MB:0=  20;1= 100\n")
        #expect(present.holds(ResctrlSchemata(wanted)) == expected)
    }
}
