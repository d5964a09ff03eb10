import LinuxSystem
import Testing

@Suite struct MountTableTests {
    @Test func `lines give place and type, whatever stands between them`() {
        let table = mountTable(
            in: """
                24 1 0:22 / /proc rw - proc resctrl rw
                31 24 0:30 / /sys/fs/resctrl rw,relatime shared:9 master:2 - resctrl resctrl rw
                32 24 0:31 / /mnt/a\\040b\\134c rw - tmpfs none rw
                33 24 0:31 / /mnt/cut rw
                """)
        #expect(table.map(\.mountPoint) == ["/proc", "/sys/fs/resctrl", "/mnt/a b\\c"])
        #expect(table.map(\.type) == ["proc", "resctrl", "tmpfs"])
    }

    @Test func `the table of this process has its root`() throws {
        #expect(try mountTable().contains { $0.mountPoint == "/" })
    }
}
