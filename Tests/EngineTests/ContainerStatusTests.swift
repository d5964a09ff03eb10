import RuntimeSpec
import Testing

@testable import Engine

@Suite struct `Status of containers` {
    typealias Row = (
        runtime: ContainerState.Status?, begun: Bool, exit: Bool, watched: Bool, status: ContainerStatus
    )

    static let rows: [Row] = [
        (nil, false, false, false, .created),
        // Its maker holds the lock, no run was begun.
        (nil, false, false, true, .created),
        // The monitor is about to start it, or to write how it ended.
        (nil, true, false, true, .running),
        (nil, true, true, true, .running),
        (.creating, true, false, true, .running),
        (.created, true, false, true, .running),
        (.running, true, false, true, .running),
        (.paused, true, false, true, .paused),
        // It outlives its monitor.
        (.running, true, false, false, .running),
        (.paused, true, false, false, .paused),
        (.stopped, true, false, true, .running),
        (nil, false, true, false, .exited),
        (.stopped, false, true, false, .exited),
        // Nobody saw the end.
        (.stopped, true, false, false, .dead),
        (nil, true, false, false, .dead),
    ]

    @Test(arguments: rows.indices)
    func `follows from facts`(index: Int) {
        let row = Self.rows[index]
        let facts = ContainerStatus.Facts(
            runtime: row.runtime, wasBegun: row.begun, hasExitRecord: row.exit, isWatched: row.watched)
        #expect(ContainerStatus(facts) == row.status)
    }

    @Test func `only what runs or is paused is active`() {
        #expect(ContainerStatus.running.isActive && ContainerStatus.paused.isActive)
        #expect(
            !ContainerStatus.created.isActive && !ContainerStatus.exited.isActive
                && !ContainerStatus.dead.isActive)
    }
}
