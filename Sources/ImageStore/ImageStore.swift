internal import ImageSpec
internal import JSONCoding
package import LinuxSystem

/// The images, layers and container snapshots of this machine.
///
/// ```
/// STORE/store.json             {"version":1}: the layout below
/// STORE/lock                   flock(2): shared to read names or take a lease, exclusive to change anything
/// STORE/loads.lock             flock(2): shared during a load, so that nobody removes what it builds on
/// STORE/names.json             name → manifest digest
/// STORE/images/ALG-HEX/        manifest.json and config.json byte for byte, record.json (`StoredImage`)
/// STORE/layers/ALG-HEX/fs/     a layer in overlay form under its chain id; layer.json says what made it
/// STORE/blobs/ALG-HEX          a layer's blob as it came, where `load --keep-blobs` was asked for
/// STORE/snapshots/NAME/        upper/ and work/ of one container, snapshot.json: a lease on its layers
/// STORE/tmp/                   loads under way, each holding a lock; what nobody locks is rubbish
/// ```
///
/// A layer or an image appears by rename(2), complete or not at all. All directories are 0700: an overlay is
/// mounted through descriptors, so a container's user never walks this path.
package struct ImageStore: ~Copyable {
    /// Where root keeps its store.
    package static let defaultPath: Path = "/var/lib/skiff"

    let root: OwnedFD
    /// The store's path as it was given, for messages.
    package let path: Path

    private init(root: consuming OwnedFD, path: Path) {
        self.root = root
        self.path = path
    }

    /// Opens the store, making it if it is not there.
    package static func open(_ path: Path = defaultPath) throws(StepError) -> ImageStore {
        let step: Step = "open the image store \(path)"
        // The usual case costs one open and one read.
        if let root = try during(step, { () throws(SyscallError) in try directoryIfPresent(path) }) {
            if try checkVersion(root.borrowed, step) { return ImageStore(root: root, path: path) }
        }
        return try during(step) { () throws(SyscallError) in
            try makeDirectories(path, mode: 0o700)
            let root = try LinuxSystem.open(path, [.readOnly, .directory])
            for name in ["images", "layers", "snapshots", "tmp"] as [Path] {
                try makeDirectoryIfMissing(name, in: root.borrowed, mode: 0o700)
            }
            try replaceFile("store.json", in: root.borrowed, Array("{\"version\":1}\n".utf8))
            return ImageStore(root: root, path: path)
        }
    }

    private static func directoryIfPresent(_ path: Path) throws(SyscallError) -> OwnedFD? {
        do throws(SyscallError) {
            return try LinuxSystem.open(path, [.readOnly, .directory])
        } catch {
            if error.errno == .ENOENT { return nil }
            throw error
        }
    }

    /// Whether the store is made; refuses one that a later skiff made.
    private static func checkVersion(_ root: BorrowedFD, _ step: Step) throws(StepError) -> Bool {
        guard
            let bytes = try during(
                step,
                { () throws(SyscallError) in
                    try readFileIfPresent("store.json", in: root)
                })
        else { return false }
        let document: StoreVersion = try parse(bytes, step)
        guard document.version == 1 else {
            throw StepError(
                step, refused: "its layout has version \(document.version), this skiff reads version 1",
                code: .unsupported)
        }
        return true
    }

    // MARK: Locks

    /// Many may hold it: names and leases do not change meanwhile.
    func sharedLock() throws(StepError) -> FileLock { try lock("lock", exclusive: false) }

    /// One holds it: the store may be changed.
    func exclusiveLock() throws(StepError) -> FileLock { try lock("lock", exclusive: true) }

    func lock(_ name: Path, exclusive: Bool) throws(StepError) -> FileLock {
        try during("lock the image store \(path)") { () throws(SyscallError) in
            try FileLock(at: name, in: root.borrowed, exclusive: exclusive)
        }
    }
}

/// The file that says which layout a store has.
private struct StoreVersion: JSONReadable {
    var version = 0

    init(from reader: inout JSONReader) throws(JSONError) {
        try reader.object { (key, reader) throws(JSONError) in
            if key == "version" { version = try reader.read() }
        }
    }
}

/// The bytes of a file, nil if there is none.
func readFileIfPresent(_ name: Path, in directory: BorrowedFD) throws(SyscallError) -> [UInt8]? {
    do throws(SyscallError) {
        return try readFile(name, in: directory, sizeHint: 16384)
    } catch {
        if error.errno == .ENOENT { return nil }
        throw error
    }
}

/// Reads a document of the store's own.
func parse<Value: JSONReadable>(_ bytes: [UInt8], _ step: Step) throws(StepError) -> Value {
    do throws(JSONError) {
        return try Value(json: bytes)
    } catch {
        throw StepError(
            step, refused: "\(error)", hint: "the store is damaged; load the image again", code: .imageDamaged
        )
    }
}

extension Digest {
    /// As a file name: `sha256-…`.
    var fileName: Path { Path("\(algorithm.rawValue)-\(hex)") }

    /// The digest whose file name this is.
    init?(fileName: Path) {
        let text = fileName.string
        guard let dash = text.firstIndex(of: "-") else { return nil }
        self.init("\(text[..<dash]):\(text[text.index(after: dash)...])")
    }
}
