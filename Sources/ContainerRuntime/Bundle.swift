import Cgroups
import JSONCoding
package import LinuxSystem
package import RuntimeSpec

/// A directory with a configuration, opened once: everything that is read from it goes through its descriptor.
/// - SeeAlso: runtime-spec bundle.md
package struct Bundle: ~Copyable {
    private static let sizeLimit = 16 << 20

    /// Absolute path.
    package let path: Path
    /// The open directory.
    package let directory: OwnedFD
    /// The bytes of config.json as they were read.
    package let configuration: [UInt8]
    /// The configuration, checked.
    package let spec: ValidSpec

    /// Opens a bundle and checks its configuration before anything is touched (BND-1, BND-7). The configuration is the
    /// bundle's config.json, or the file given; `amend` changes what was read before it is checked;
    /// `foresee` gets the text before it is read.
    package static func open(
        _ path: Path, configuration file: Path? = nil, amending amend: ((inout RuntimeSpec) -> Void)? = nil,
        foreseeing foresee: ([UInt8]) -> Void = { _ in }
    ) throws(StepError) -> Bundle {
        let directory = try during("open the bundle \(path)", code: .bundleUnreadable) {
            () throws(SyscallError) in
            try LinuxSystem.open(path, [.readOnly, .directory])
        }
        let configuration: [UInt8]
        if let file {
            configuration = try during("read the configuration \(file)", code: .bundleUnreadable) {
                () throws(SyscallError) in try readRegularFile(file, in: .currentDirectory)
            }
        } else {
            configuration = try during("read config.json of the bundle \(path)", code: .bundleUnreadable) {
                () throws(SyscallError) in try readRegularFile("config.json", in: directory.borrowed)
            }
        }
        foresee(configuration)
        let spec = try ValidSpec.read(configuration, from: file ?? "config.json", amending: amend)
        let absolute = try absolutePath(of: path, directory.borrowed)
        return Bundle(path: absolute, directory: directory, configuration: configuration, spec: spec)
    }

    private init(path: Path, directory: consuming OwnedFD, configuration: [UInt8], spec: ValidSpec) {
        self.path = path
        self.directory = directory
        self.configuration = configuration
        self.spec = spec
    }

    /// A pipe or device in place of the file would hold the caller up, or never end.
    private static func readRegularFile(_ name: Path, in directory: BorrowedFD) throws(SyscallError)
        -> [UInt8]
    {
        let file = try LinuxSystem.open(name, [.readOnly, .nonBlocking], in: directory)
        guard try file.borrowed.status().kind == .regular else {
            throw SyscallError(.openat, on: name.string, .EINVAL)
        }
        return try file.borrowed.readAll(limit: sizeLimit, sizeHint: 16384)
    }

    private static func absolutePath(of path: Path, _ directory: BorrowedFD) throws(StepError) -> Path {
        if path.isAbsolute, !path.hasParentReference { return Path.joining(path.components, absolute: true) }
        return try during("find the bundle \(path)", code: .bundleUnreadable) { () throws(SyscallError) in
            try readLink("/proc/self/fd/\(directory.rawValue)")
        }
    }
}

extension ValidSpec {
    /// Reads and checks a configuration; `name` says in messages where it comes from.
    static func read(
        _ bytes: [UInt8], from name: Path, amending amend: ((inout RuntimeSpec) -> Void)?
    ) throws(StepError) -> ValidSpec {
        var spec: RuntimeSpec
        do throws(JSONError) {
            spec = try RuntimeSpec(json: bytes)
        } catch {
            throw StepError("read \(name)", SpecError(error))
        }
        amend?(&spec)
        return try refusing("check \(name)") { () throws(SpecError) in try Validation.validate(spec) }
    }
}

/// Runs a check; what it refuses becomes the failure of a step.
func refusing<Result>(
    _ step: @autoclosure () -> Step, _ body: () throws(SpecError) -> Result
) throws(StepError) -> Result {
    do throws(SpecError) {
        return try body()
    } catch {
        throw StepError(step(), error)
    }
}
