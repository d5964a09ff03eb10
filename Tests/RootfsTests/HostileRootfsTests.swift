import LinuxSystem
import Rootfs
import RuntimeSpec
import Testing

/// What a crafted image may hold in place of a directory or file that the runtime uses.
private enum Trap: String, CaseIterable, Codable {
    case absoluteLink, climbingLink, danglingLink, file, fifo

    func plant(_ path: Path, canary: Path) throws {
        try removeTree(path)
        switch self {
        case .absoluteLink: try symlink(path, to: canary)
        case .climbingLink: try symlink(path, to: Path("../../../../../../../../..").appending(canary))
        case .danglingLink: try symlink(path, to: "/nowhere/at/all")
        case .file: try makeNode(path, kind: .regular, mode: 0o644)
        case .fifo: try makeNode(path, kind: .fifo, mode: 0o644)
        }
    }
}

private struct Place: CustomStringConvertible, Codable {
    /// The name in the root file system that is a trap.
    let name: String
    /// Whether the image's own /dev is used (no tmpfs on it).
    let ownDev: Bool
    var description: String { ownDev ? "\(name) in the image's /dev" : name }
}

private let places: [Place] =
    ["dev", "proc", "sys", "etc", "tmp"].map { Place(name: $0, ownDev: false) }
    + [
        "dev", "dev/null", "dev/pts", "dev/shm", "dev/mqueue", "dev/ptmx", "dev/fd", "dev/stdin", "dev/core",
        "dev/console",
    ].map {
        Place(name: $0, ownDev: true)
    }

@Suite(.serialized, .enabled(if: effectiveUserID() == 0, "needs root")) struct HostileRootfsTests {
    @Test(
        "I-1, I-2, I-13: whatever an image holds in place of our names, the host stays untouched",
        arguments: places.map(\.description))
    func matrix(place: String) async {
        await #expect(processExitsWith: .success) { [place] in
            guard let chosen = places.first(where: { $0.description == place }) else { return }
            for trap in Trap.allCases { try tryTrap(trap, at: chosen) }
        }
    }

    @Test func `I-13: a symbolic link in place of proc or sys is refused with the reason`() async {
        await #expect(processExitsWith: .success) {
            for name in ["proc", "sys"] {
                let trial = try ContainerTrial(name: "link-\(name)")
                defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
                let path = trial.bundle.appending("rootfs").appending(Path(name))
                try removeTree(path)
                try symlink(path, to: "tmp")
                let report = try trial.run { [] }
                #expect(report.contains("symbolic link"), "\(report)")
                #expect(report.contains("mounts["), "\(report)")
            }
        }
    }

    @Test func `I-13: a volume may not reach /proc through a link in the image`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "volume")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            try makeDirectory(trial.bundle.appending("data"))
            try symlink(trial.bundle.appending("rootfs/innocent"), to: "/proc/self")
            trial.spec.mounts.append(
                MountSpec(destination: "/innocent/attr", source: "data", options: ["bind"]))
            let report = try trial.run { [] }
            #expect(report.contains("/proc"), "\(report)")
            #expect(report.contains("not allowed"), "\(report)")
        }
    }

    @Test func `I-12: masked files show the host's null device, whatever the image's is`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "mask")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            let root = trial.bundle.appending("rootfs")
            trial.spec.mounts.removeAll { $0.destination.hasPrefix("/dev") }
            try symlink(root.appending("dev/null"), to: "/proc/sysrq-trigger")
            try makeNode(root.appending("etc/secret"), kind: .regular, mode: 0o644)
            try symlink(root.appending("etc/alias"), to: "secret")
            trial.spec.linux?.maskedPaths = [
                "/etc/secret", "/proc/timer_list", "/nowhere", "/etc/secret/below",
            ]
            trial.spec.linux?.devices = []
            trial.facts.ownNamespaces.append(.user)
            let report = try trial.run { [] }
            // The link in place of /dev/null is refused as a device; nothing was written through it.
            #expect(report.contains("/dev/null"), "\(report)")
        }
    }

    @Test func `PATH-4: a mask that goes through a link of procfs is refused`() async {
        await #expect(processExitsWith: .success) {
            var trial = try ContainerTrial(name: "masklink")
            defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
            trial.spec.linux?.maskedPaths = ["/proc/net/dev"]
            let report = try trial.run { [] }
            #expect(report.contains("protect /proc/net/dev: it goes through a symbolic link"), "\(report)")
        }
    }
}

/// Builds a container over one trap; it may fail or succeed, but neither canary nor host mounts may change.
private func tryTrap(_ trap: Trap, at place: Place) throws {
    var trial = try ContainerTrial(name: "hostile", directories: ["dev", "proc", "sys", "etc", "tmp"])
    defer { bestEffort("the system cleans /tmp") { try trial.remove() } }
    let canary = trial.bundle.appending("canary")
    try makeDirectory(canary)
    try makeNode(canary.appending("file"), kind: .regular, mode: 0o640)
    let host = try status(of: canary)
    let before = try mountText()
    let nullBefore = try status(of: "/dev/null")
    if place.ownDev { trial.spec.mounts.removeAll { $0.destination == "/dev" } }
    try trap.plant(trial.bundle.appending("rootfs").appending(Path(place.name)), canary: canary)
    trial.spec.mounts.append(MountSpec(destination: "/etc/x/y", type: "tmpfs"))
    trial.spec.linux?.sysctl = ["kernel.msgmax": "8000"]
    let report = try trial.run {
        // The proof of a working root: it is not the host's. A directory of that name may have been made inside.
        guard let found = try statusIfPresent(of: canary) else { return [] }
        return found.inode == host.inode && found.device == host.device
            ? ["the host's canary is visible"] : []
    }
    #expect(!report.contains("canary is visible"), "\(place) as \(trap): \(report)")
    #expect(try names(in: canary) == ["file"], "\(place) as \(trap): \(report)")
    #expect(try status(of: canary.appending("file")).mode == 0o640)
    #expect(try mountText() == before, "\(place) as \(trap): the host's mounts changed")
    let nullAfter = try status(of: "/dev/null")
    #expect(nullAfter == nullBefore, "\(place) as \(trap): the host's /dev/null changed")
    #expect(try readFile("/proc/sys/kernel/msgmax") != Array("8000\n".utf8))
}
