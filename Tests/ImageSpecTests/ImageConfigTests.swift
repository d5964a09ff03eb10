import ImageSpec
import JSONCoding
import Testing

private let a = "sha256:" + String(repeating: "a", count: 64)
private let rootfs = "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"\(a)\"]}"
private func read(_ text: String) throws -> ImageConfig { try ImageConfig(json: Array(text.utf8)) }

@Suite struct ImageConfigTests {
    @Test func `IMG-51: a configuration made by Docker is read`() throws {
        let config = try read(
            """
            {"architecture":"amd64","os":"linux","created":"2024-01-01T00:00:00Z","container":"x",
             "docker_version":"20.10","config":{"Hostname":"","AttachStdin":false,"User":"www:1",
             "ExposedPorts":{"80/tcp":{},"53/udp":{}},"Env":["PATH=/bin","A="],"Entrypoint":["/e"],"Cmd":["c","d"],
             "Volumes":{"/data":{}},"WorkingDir":"/w","Labels":{"k":"v"},"StopSignal":"SIGQUIT","ArgsEscaped":true,
             "Shell":["/bin/bash","-c"],"OnBuild":["RUN x"],"StopTimeout":3,
             "Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":1000000000,"Retries":3}},
             "history":[{"created_by":"a"},{"created_by":"b","empty_layer":true}],\(rootfs)}
            """)
        #expect(config.platform == Platform(os: "linux", architecture: "amd64"))
        #expect(config.config.user == "www:1")
        #expect(config.config.exposedPorts == ["53/udp", "80/tcp"])
        #expect(config.config.environment == ["PATH=/bin", "A="])
        #expect(config.config.entrypoint + config.config.command == ["/e", "c", "d"])
        #expect(config.config.volumes == ["/data"])
        #expect(config.config.workingDirectory == "/w")
        #expect(config.config.labels["k"] == "v")
        #expect(config.config.stopSignal == "SIGQUIT")
        #expect(config.config.healthcheck?.retries == 3)
        #expect(config.diffIDs.map(\.description) == [a])
        #expect(config.history.map(\.isEmptyLayer) == [false, true])
    }

    @Test func `IMG-50: null equals absent everywhere`() throws {
        let nulls = try read(
            """
            {"architecture":"amd64","os":"linux","variant":null,"config":{"User":null,"Env":null,"Cmd":null,
             "Entrypoint":null,"Volumes":null,"ExposedPorts":null,"Labels":null,"StopSignal":null,
             "Healthcheck":null},"history":null,"author":null,"x":null,\(rootfs)}
            """)
        #expect(try nulls == read("{\"architecture\":\"amd64\",\"os\":\"linux\",\(rootfs)}"))
    }

    @Test(arguments: [
        ("{\"architecture\":\"amd64\",\"os\":\"linux\"}", "needs a rootfs"),
        (
            "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"foo\",\"diff_ids\":[]}}",
            "unknown type"
        ),
        ("{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[]}}", "needs a type"),
        ("{\"os\":\"linux\",\(rootfs)}", "needs an architecture"),
        ("{\"architecture\":\"amd64\",\(rootfs)}", "needs an os"),
        ("{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":\"A=b\"},\(rootfs)}", "an array"),
    ])
    func `IMG-27: what is no configuration is refused`(_ text: String, _ reason: String) {
        let error = #expect(throws: JSONError.self) { try read(text) }
        #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        ("linux/amd64", "linux/amd64", true), ("linux/amd64", "linux/amd64/v1", true),
        ("linux/amd64", "linux/amd64/v2", false), ("linux/amd64/v3", "linux/amd64/v2", true),
        ("linux/arm64", "linux/arm64/v8", true), ("linux/arm64/v8.2", "linux/arm64/v8", true),
        ("linux/arm64/v8.1", "linux/arm64/v8.2", false), ("linux/arm/v7", "linux/arm/v6", true),
        ("linux/arm", "linux/arm/v7", true), ("linux/arm/v6", "linux/arm", false),
        ("linux/amd64", "linux/arm64", false), ("linux/amd64", "windows/amd64", false),
        ("x86_64", "linux/amd64", true),
        ("linux/riscv64", "linux/riscv64", true), ("linux/arm/odd", "linux/arm/v5", false),
    ])
    func `IMG-25: a machine runs its own level and those below`(_ host: String, _ image: String, _ runs: Bool)
        throws
    {
        let machine = try #require(Platform(parsing: host))
        #expect(machine.runs(try #require(Platform(parsing: image))) == runs)
    }

    @Test func `IMG-25: the highest level that runs wins, the first of equals`() throws {
        let names = ["linux/arm64", "linux/amd64", "linux/amd64/v2", "linux/amd64/v2", "linux/amd64/v4"]
        let choices = names.enumerated().map { (platform: Platform(parsing: $1), choice: $0) }
        #expect(try #require(Platform(parsing: "amd64")).best(of: choices) == 1)
        #expect(try #require(Platform(parsing: "linux/amd64/v3")).best(of: choices) == 2)
        #expect(try #require(Platform(parsing: "s390x")).best(of: choices) == nil)
    }
}
