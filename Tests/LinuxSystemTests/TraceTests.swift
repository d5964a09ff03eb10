import LinuxSystem
import Testing

@Suite(.serialized) struct `Timelines` {
    @Test func `nothing is kept unless it was asked for`() {
        Trace.end()
        Trace.mark("a")
        Trace.add("b", since: 5)
        Trace.beginInNewProcess()
        #expect(!Trace.isOn && Trace.take().isEmpty && Trace.clock() == 0 && Trace.takeText() == nil)
    }

    @Test func `marks follow each other and intervals may enclose them`() throws {
        Trace.begin()
        defer { Trace.end() }
        let start = Trace.clock()
        Trace.mark("first")
        Trace.mark("second")
        Trace.add("both", since: start)
        let events = Trace.take()
        #expect(events.map(\.name) == ["first", "second", "both"])
        #expect(events[0].start + events[0].duration == events[1].start)
        #expect(
            events[2].start <= events[1].start && events.allSatisfy { $0.duration >= 0 && $0.process == nil })
        #expect(Trace.take().isEmpty)
    }

    @Test func `another process hands over as much text as fits into a record`() {
        Trace.begin()
        defer { Trace.end() }
        for number in 0..<100 { Trace.add("step \(number) " + String(repeating: "x", count: 300), since: 7) }
        var texts: [String] = []
        while let text = Trace.takeText() { texts.append(text) }
        #expect(texts.count > 1 && texts.allSatisfy { $0.utf8.count <= 2400 })
        for text in texts { Trace.adopt(text, from: ProcessID(rawValue: 9)) }
        let events = Trace.take()
        #expect(
            events.count == 100 && events.allSatisfy { $0.start == 7 && $0.process == ProcessID(rawValue: 9) }
        )
        #expect(events[99].name.hasPrefix("step 99 x"))
    }

    @Test func `what is no timeline is passed over`() {
        Trace.begin()
        defer { Trace.end() }
        Trace.adopt("\n1\n1 2\nx 2 name\n5 6 a name of words\n", from: ProcessID(rawValue: 1))
        #expect(Trace.take().map(\.name) == ["a name of words"])
    }
}
