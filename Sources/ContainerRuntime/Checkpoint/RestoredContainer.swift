package import LinuxSystem

/// A container that was restored, whose first process is a child of this one.
package struct RestoredContainer: ~Copyable {
    /// The container, for the other verbs.
    package let container: Container
    private let child: Child
    private var primary: OwnedFD?

    init(container: Container, child: consuming Child, primary: consuming OwnedFD?) {
        self.container = container
        self.child = child
        self.primary = primary
    }

    /// Waits for the end of the program, passing signals on and relaying the terminal.
    package mutating func stay() throws(StepError) -> WaitResult {
        var monitor = try ForegroundMonitor.begin(primary: primary.take())
        return try monitor.wait(for: child)
    }
}
