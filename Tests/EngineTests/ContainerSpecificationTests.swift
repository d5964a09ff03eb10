import Engine
import ImageSpec
import JSONCoding
import LinuxSystem
import RuntimeSpec
import Testing

private func config(_ json: String) throws -> ContainerConfig { try ContainerConfig(json: Array(json.utf8)) }

private func facts(uid: UInt32 = 0) -> ContainerSpecification.Facts {
    let user = ResolvedUser(userID: uid, groupID: uid, additionalGroups: [], home: "/home/me")
    return .init(user: user, id: String(repeating: "ab", count: 32))
}

private func make(
    _ json: String = #"{"Cmd":["sh"]}"#, uid: UInt32 = 0, _ change: (inout RunOptions) -> Void = { _ in }
) throws -> RuntimeSpec {
    var options = RunOptions()
    change(&options)
    return try ContainerSpecification(config: try config(json), options: options, facts: facts(uid: uid))
        .make()
}

@Suite struct ContainerSpecificationTests {
    @Test(
        arguments: [
            (nil, [], ["e", "1", "c"]), (nil, ["x"], ["e", "1", "x"]), ("n", [], ["n"]),
            ("n", ["x"], ["n", "x"]),
            ("", ["x"], ["x"]),
        ] as [(String?, [String], [String])])
    func `IMG-42 entrypoint and command`(entrypoint: String?, arguments: [String], expected: [String]) throws
    {
        let spec = try make(#"{"Entrypoint":["e","1"],"Cmd":["c"]}"#) {
            $0.entrypoint = entrypoint
            $0.arguments = arguments
        }
        #expect(spec.process?.args == expected)
    }

    @Test func `IMG-42 no program at all is refused with a hint`() throws {
        let error = #expect(throws: StepError.self) { _ = try make("{}") }
        #expect(error?.description.contains("the image names none") == true)
    }

    @Test func `IMG-41 the environment: image, then caller, nothing from the host`() throws {
        let spec = try make(#"{"Cmd":["sh"],"Env":["PATH=/x","FOO","*","A=1","B=2"]}"#) {
            $0.environment = ["B=3", "C=4"]
        }
        #expect(
            spec.process?.env == [
                "HOSTNAME=abababababab", "HOME=/home/me", "PATH=/x", "A=1", "B=3", "C=4",
            ])
    }

    @Test func `IMG-47 I-17 labels never become annotations, documented facts do`() throws {
        let spec = try make(
            #"{"Cmd":["sh"],"StopSignal":"SIGQUIT","ExposedPorts":{"80/tcp":{}},"Labels":{"run.oci.handler":"krun"}}"#
        )
        #expect(spec.annotations["run.oci.handler"] == nil)
        #expect(spec.annotations["org.opencontainers.image.stopSignal"] == "SIGQUIT")
        #expect(spec.annotations["org.opencontainers.image.exposedPorts"] == "80/tcp")
    }

    @Test func `I-9 a user other than root holds no capability, root the default ones`() throws {
        let user = try #require(try make(uid: 1000).process?.capabilities)
        #expect(
            user.effective.isEmpty && user.permitted.isEmpty && user.ambient.isEmpty && !user.bounding.isEmpty
        )
        let root = try #require(try make().process?.capabilities)
        #expect(root.effective.count == 14 && root.inheritable.isEmpty)
        #expect(!root.effective.contains("CAP_SYS_ADMIN"))
    }

    @Test func `limits`() throws {
        let spec = try make {
            $0.limits.resources.memory = ResourcesSpec.Memory(limit: 64 << 20)
            $0.limits.resources.cpu = ResourcesSpec.CPU(quota: 50_000, period: 100_000)
            $0.limits.resources.pids = ResourcesSpec.PIDs(limit: 64)
            $0.limits.cpuWeight = 300
        }
        let resources = try #require(spec.linux?.resources)
        #expect(resources.memory?.limit == 64 << 20)
        #expect(resources.cpu?.quota == 50_000 && resources.cpu?.period == 100_000)
        #expect(resources.cpu?.shares == 3072)
        #expect(resources.pids?.limit == 64)
    }

    @Test func `mounts: the last one on a path wins`() throws {
        let spec = try make {
            $0.binds = [
                .init(source: "/host", destination: "/dev/shm", options: ["ro", "rbind"], isVolume: false)
            ]
            $0.temporary = [(path: "/run", options: ["size=1m"])]
        }
        #expect(spec.mounts.filter { $0.destination == "/dev/shm" }.map(\.source) == ["/host"])
        #expect(spec.mounts.last?.destination == "/run")
    }

    @Test func `the network: isolated has its own namespace, host has none`() throws {
        let kinds = try make().linux?.namespaces.map(\.kind) ?? []
        #expect(kinds.contains(.network))
        let host = try make { $0.network = .host }.linux?.namespaces.map(\.kind) ?? []
        #expect(!host.contains(.network))
    }

    @Test func `a made specification is valid and survives its JSON`() throws {
        let spec = try make { $0.wantsTerminal = true }
        _ = try Validation.validate(spec)
        #expect(try RuntimeSpec(json: spec.json()) == spec)
        #expect(spec.linux?.seccomp != nil)
        let open = try make { $0.seccomp = .unconfined }
        #expect(open.linux?.seccomp == nil)
    }

    @Test func `a working directory that is not absolute is refused`() throws {
        #expect(throws: StepError.self) { _ = try make { $0.workingDirectory = "x" } }
    }
}
