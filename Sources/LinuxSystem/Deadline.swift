/// A time after which waiting ends.
package struct Deadline: Sendable {
    private let end: Int64

    /// So many milliseconds from now.
    package init(milliseconds: Int64) { end = Clock.monotonicNanoseconds() + milliseconds * 1_000_000 }

    /// Whether the time has come.
    package var isOver: Bool { Clock.monotonicNanoseconds() >= end }

    /// What is left, at least 0, for poll(2).
    package var milliseconds: Int32 {
        Int32(max(0, (end - Clock.monotonicNanoseconds() + 999_999) / 1_000_000))
    }
}
