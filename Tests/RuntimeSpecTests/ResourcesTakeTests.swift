import JSONCoding
import RuntimeSpec
import Testing

/// An update's document, and what becomes of resources that had one.
struct Taking: Sendable, CustomTestStringConvertible {
    let old: String
    let update: String
    let new: String

    init(_ old: String, _ update: String, gives new: String) {
        self.old = old
        self.update = update
        self.new = new
    }

    var testDescription: String { "\(old) takes \(update)" }
}

@Suite struct `Resources take over an update` {
    @Test(arguments: [
        Taking(
            #"{"pids":{"limit":5}}"#, #"{"memory":{"limit":7}}"#,
            gives: #"{"pids":{"limit":5},"memory":{"limit":7}}"#),
        Taking(
            #"{"memory":{"limit":64,"swap":80}}"#, #"{"memory":{"limit":100}}"#,
            gives: #"{"memory":{"limit":100,"swap":116}}"#),
        Taking(
            #"{"memory":{"limit":64,"swap":80}}"#, #"{"memory":{"limit":100,"swap":100}}"#,
            gives: #"{"memory":{"limit":100,"swap":100}}"#),
        Taking(
            #"{"memory":{"limit":64,"swap":80}}"#, #"{"memory":{"limit":-1}}"#,
            gives: #"{"memory":{"limit":-1,"swap":-1}}"#),
        Taking(
            #"{"memory":{"limit":64},"pids":{"limit":5},"cpu":{"quota":9,"cpus":"1"}}"#,
            #"{"memory":{"limit":0,"swap":0},"pids":{"limit":0},"cpu":{"quota":0,"cpus":""}}"#,
            gives: #"{"memory":{"limit":64},"pids":{"limit":5},"cpu":{"quota":9,"cpus":"1"}}"#),
        Taking(
            #"{"unified":{"cpu.weight":"7","memory.high":"9"}}"#, #"{"cpu":{"shares":500}}"#,
            gives: #"{"unified":{"memory.high":"9"},"cpu":{"shares":500}}"#),
        Taking(
            #"{"cpu":{"shares":500}}"#, #"{"unified":{"cpu.weight":"7"}}"#,
            gives: #"{"cpu":{},"unified":{"cpu.weight":"7"}}"#),
        Taking(
            #"{"cpu":{"shares":500},"unified":{"cpu.weight":"7"}}"#, #"{"cpu":{"idle":1}}"#,
            gives: #"{"cpu":{"idle":1}}"#),
        Taking(
            #"{"blockIO":{"throttleReadBpsDevice":[{"major":1,"minor":2,"rate":3},{"major":4,"minor":5,"rate":6}]}}"#,
            #"{"blockIO":{"throttleReadBpsDevice":[{"major":1,"minor":2,"rate":9}]}}"#,
            gives:
                #"{"blockIO":{"throttleReadBpsDevice":[{"major":4,"minor":5,"rate":6},{"major":1,"minor":2,"rate":9}]}}"#
        ),
    ])
    func `only what is given changes`(taking: Taking) throws {
        var resources = try ResourcesSpec(json: Array(taking.old.utf8))
        resources.take(try ResourcesSpec(json: Array(taking.update.utf8)))
        #expect(resources == (try ResourcesSpec(json: Array(taking.new.utf8))))
    }
}
