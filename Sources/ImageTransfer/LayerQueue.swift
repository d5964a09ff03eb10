internal import ImageSpec
internal import ImageStore
internal import LinuxSystem

/// Unpacks the layers of an image that the store does not have, several at a time, each by a process of its own, and
/// puts each into the store as soon as it and all below it are whole. So a load that is killed loses only what was
/// under way.
struct LayerQueue: ~Copyable {
    /// How many are unpacked at the same time, at the most: their windows and rings stay below 256 MB.
    private static let jobLimit = 3

    private enum Stage: Equatable {
        case missing, running, whole, stored
    }

    private let image: LoadableImage
    private let record: StoredImage
    private let limits: UnpackLimits
    private let interruption: Interruption?
    private let tell: (LoadEvent) -> Void
    private var roots: [DirectoryHandle] = []
    private var stages: [Stage]
    private var running: [Int: UnpackerProcess] = [:]
    /// How many layers are unpacked so far.
    private(set) var unpacked = 0

    init(
        _ image: LoadableImage, _ record: StoredImage, _ limits: UnpackLimits, _ interruption: Interruption?,
        _ tell: @escaping (LoadEvent) -> Void
    ) {
        self.image = image
        self.record = record
        self.limits = limits
        self.interruption = interruption
        self.tell = tell
        stages = Array(repeating: .missing, count: image.layers.count)
    }

    // However it ends, no unpacker goes on.
    deinit { for process in running.values { process.kill() } }

    private func report(_ index: Int, _ state: LoadEvent.State) {
        let layer = image.layers[index]
        tell(
            LoadEvent(
                number: index + 1, count: image.layers.count, diffID: layer.diffID, size: layer.blob.size,
                state: state))
    }

    /// Unpacks all that is missing.
    mutating func run(_ store: borrowing ImageStore, _ staging: borrowing Staging) throws(StepError) {
        var claims = Claims()
        do throws(StepError) {
            try prepare(store, staging, &claims)
            if stages.contains(.missing) {
                let filter = try UnpackerCalls.program()
                while let first = stages.firstIndex(where: { $0 != .stored }) {
                    try startMore(filter)
                    try hear()
                    try keep(from: first, store, staging)
                }
            }
        } catch {
            for process in running.values { process.kill() }
            running = [:]
            bestEffort("the first error counts") { () throws(StepError) in try claims.release(in: store) }
            throw error
        }
        try claims.release(in: store)
    }

    /// Opens what the store has and makes directories for what it has not, base first.
    private mutating func prepare(
        _ store: borrowing ImageStore, _ staging: borrowing Staging, _ claims: inout Claims
    ) throws(StepError) {
        for (index, layer) in image.layers.enumerated() {
            if try store.hasLayer(layer.chainID) {
                stages[index] = .stored
            } else if try wait(for: index, store, &claims) {
                let root = try store.prepare(record.layers[index], as: "layer-\(index)", in: staging)
                roots.append(DirectoryHandle(root))
                continue
            } else {
                stages[index] = .stored
            }
            roots.append(DirectoryHandle(try store.openLayer(layer.chainID)))
            report(index, .present)
        }
    }

    /// Gets the right to unpack a layer.
    /// - Returns: false when another load has unpacked it meanwhile.
    private func wait(
        for index: Int, _ store: borrowing ImageStore, _ claims: inout Claims
    ) throws(StepError) -> Bool {
        let chainID = image.layers[index].chainID
        var hasToldSo = false
        // The same layer twice in one image has two chain ids, so this load never waits for itself.
        while true {
            if let claim = try store.claim(chainID) {
                if try store.hasLayer(chainID) {
                    try claim.release(in: store)
                    return false
                }
                claims.add(claim)
                return true
            }
            if !hasToldSo { report(index, .waiting) }
            hasToldSo = true
            try pause(milliseconds: 20)
            if try store.hasLayer(chainID) { return false }
        }
    }

    private func pause(milliseconds: Int32) throws(StepError) {
        let watched = interruption.map { [(fd: $0.descriptor, events: PollEvents.readable)] } ?? []
        try during("wait for another load") { () throws(SyscallError) in
            _ = try poll(watched, timeoutMilliseconds: milliseconds)
        }
        try interruption?.check()
    }

    // MARK: Processes

    /// Base first, so that whoever waits for lower layers waits for processes that run.
    private mutating func startMore(_ filter: [UInt8]) throws(StepError) {
        while running.count < Self.jobLimit, let index = stages.firstIndex(of: .missing) {
            report(index, .started)
            let process = try UnpackerProcess.start(
                image.layers[index], into: roots[index], over: roots[..<index].reversed(), limits,
                filter: filter)
            running[index] = process
            stages[index] = .running
            if stages[..<index].allSatisfy({ $0 == .whole || $0 == .stored }) {
                try process.lowerIsComplete()
            }
        }
    }

    /// Waits for words of the unpackers and acts on them.
    private mutating func hear() throws(StepError) {
        let all = running.sorted { $0.key < $1.key }
        var watched = all.map { (fd: $0.value.descriptor, events: PollEvents.readable) }
        if let interruption { watched.append((fd: interruption.descriptor, events: .readable)) }
        if watched.isEmpty { return }
        let events = try during("wait for the unpackers") { () throws(SyscallError) in try poll(watched) }
        try interruption?.check()
        for ((index, process), event) in zip(all, events) where !event.isEmpty {
            switch try process.next() {
            case .progress(let count): report(index, .read(min(count, image.layers[index].blob.size)))
            case .done:
                running[index] = nil
                try process.wait()
                stages[index] = .whole
                unpacked += 1
                report(index, .unpacked)
            case .failed(let error):
                running[index] = nil
                try process.wait()
                throw error
            case .ended(let exit):
                running[index] = nil
                throw UnpackerProcess.failure(of: image.layers[index], exit)
            }
        }
    }

    /// Puts what is whole down to the base into the store, and tells those above that wait for it.
    private mutating func keep(
        from first: Int, _ store: borrowing ImageStore, _ staging: borrowing Staging
    ) throws(StepError) {
        var index = first
        while index < stages.count, stages[index] == .whole || stages[index] == .stored {
            if stages[index] == .whole {
                try store.add(record.layers[index], from: "layer-\(index)", in: staging)
                stages[index] = .stored
            }
            index += 1
            try running[index]?.lowerIsComplete()
        }
    }
}

/// The claims that one load has.
private struct Claims: ~Copyable {
    private final class Box {
        var claim: LayerClaim?
        init(_ claim: consuming LayerClaim) { self.claim = consume claim }
    }

    private var boxes: [Box] = []

    mutating func add(_ claim: consuming LayerClaim) { boxes.append(Box(claim)) }

    /// Gives all of them back.
    mutating func release(in store: borrowing ImageStore) throws(StepError) {
        let all = boxes
        boxes = []
        for box in all {
            if let claim = box.claim.take() { try claim.release(in: store) }
        }
    }
}
