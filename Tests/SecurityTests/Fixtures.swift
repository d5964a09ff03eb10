import JSONCoding
import LinuxSystem
import RuntimeSpec

/// The configurations that engines hand to a runtime.
enum Fixture {
    static let engines = [
        "buildah", "buildkit", "docker", "docker-cgv2", "docker-limits", "podman", "podman-cgv2",
        "podman-hooks",
        "podman-limits", "podman-pod", "podman-rootless", "podman-tty", "podman-userns",
    ]

    static func configuration(_ engine: String) throws -> RuntimeSpec {
        let source = Path(#filePath)
        let folder = source.parent.parent
        var reader = try JSONReader(
            try readFile(folder.appending(Path("Fixtures/engine-configs/\(engine).json"))))
        return try RuntimeSpec(from: &reader)
    }

    static func seccomp(_ engine: String) throws -> SeccompSpec {
        guard let seccomp = try configuration(engine).linux?.seccomp else { throw Missing.seccomp }
        return seccomp
    }

    enum Missing: Error { case seccomp }
}

extension FilterMachine.Call {
    static func x86_64(_ number: UInt32, _ arguments: UInt64...) -> Self {
        Self(number: number, arguments: arguments + Array(repeating: 0, count: 6 - arguments.count))
    }
    static func x86(_ number: UInt32, _ arguments: UInt64...) -> Self {
        Self(
            architecture: 0x4000_0003, number: number,
            arguments: arguments + Array(repeating: 0, count: 6 - arguments.count))
    }
    static func x32(_ number: UInt32, _ argument: UInt64 = 0) -> Self {
        Self(number: number | 0x4000_0000, arguments: [argument, 0, 0, 0, 0, 0])
    }
}

/// Verdicts of the kernel, see seccomp(2).
enum Verdict {
    static let allow: UInt32 = 0x7fff_0000
    static let killThread: UInt32 = 0
    static let killProcess: UInt32 = 0x8000_0000
    static let eperm: UInt32 = 0x0005_0001
    static let enosys: UInt32 = 0x0005_0026
}
