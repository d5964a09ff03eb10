/// The timeline of a launch, kept only when somebody has asked for it: what was done from when to when. A process that
/// was cloned goes on with a timeline of its own and hands it over as text. When it is off, each step costs one
/// comparison and no look at the clock.
package enum Trace {
    /// Something that was done.
    package struct Event: Sendable, Equatable {
        /// What, in the words of the program's steps.
        package let name: String
        /// Nanoseconds of the monotonic clock.
        package let start: Int64
        /// Nanoseconds.
        package let duration: Int64
        /// The process that handed it over; nil for the one that keeps the timeline.
        package let process: ProcessID?

        /// An event.
        package init(name: String, start: Int64, duration: Int64, process: ProcessID? = nil) {
            self.name = name
            self.start = start
            self.duration = duration
            self.process = process
        }
    }

    private struct Timeline {
        var events: [Event] = []
        var lastMark: Int64
    }

    /// Longest text of `takeText`, in bytes.
    private static let textLimit = 2300
    /// Longest name that is handed over, in characters.
    private static let nameLimit = 200

    nonisolated(unsafe) private static var storage: Timeline?

    /// Whether a timeline is kept.
    package static var isOn: Bool {
        // SAFETY: the program has one thread.
        unsafe storage != nil
    }

    private static func change<Result>(_ body: (inout Timeline?) -> Result) -> Result {
        // SAFETY: the program has one thread, and no body comes back here.
        unsafe body(&storage)
    }

    /// Begins an empty timeline at this moment.
    package static func begin() {
        let now = Clock.monotonicNanoseconds()
        change { $0 = Timeline(lastMark: now) }
    }

    /// In a new process: forgets what the old one did. Without effect when it is off.
    package static func beginInNewProcess() {
        if isOn { begin() }
    }

    /// Stops and forgets.
    package static func end() { change { $0 = nil } }

    /// Notes what was done since the last mark.
    package static func mark(_ name: @autoclosure () -> String) {
        guard isOn else { return }
        let now = Clock.monotonicNanoseconds()
        let name = name()
        change { timeline in
            let start = timeline?.lastMark ?? now
            timeline?.events.append(Event(name: name, start: start, duration: now - start))
            timeline?.lastMark = now
        }
    }

    /// The moment at which something begins; 0 when it is off.
    package static func clock() -> Int64 { isOn ? Clock.monotonicNanoseconds() : 0 }

    /// Notes what was done since the moment that `clock` gave.
    package static func add(_ name: @autoclosure () -> String, since start: Int64) {
        guard isOn else { return }
        let now = Clock.monotonicNanoseconds()
        let event = Event(name: name(), start: start, duration: now - start)
        change { $0?.events.append(event) }
    }

    /// The events so far, in the order in which they ended; they are forgotten.
    package static func take() -> [Event] {
        change { timeline in
            let events = timeline?.events ?? []
            timeline?.events = []
            return events
        }
    }

    /// Some of the events as text to be handed over, one a line: start, duration, name. Nil when there are none left.
    package static func takeText() -> String? {
        let events = take()
        var text = ""
        for (index, event) in events.enumerated() {
            let line = "\(event.start) \(event.duration) \(event.name.prefix(nameLimit))\n"
            if !text.isEmpty, text.utf8.count + line.utf8.count > textLimit {
                change { $0?.events = Array(events[index...]) }
                return text
            }
            text += line
        }
        return text.isEmpty ? nil : text
    }

    /// Takes over what another process has handed over.
    package static func adopt(_ text: String, from process: ProcessID) {
        guard isOn else { return }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count == 3, let start = Int64(words[0]), let duration = Int64(words[1]) else {
                continue
            }
            let event = Event(name: String(words[2]), start: start, duration: duration, process: process)
            change { $0?.events.append(event) }
        }
    }
}
