import Cgroups
package import ContainerInit
import JSONCoding
package import LinuxSystem
import Namespaces
import Rootfs
import RuntimeSpec
import Security

/// A container on its way from a request to a process. What has been made so far is undone in reverse when a step
/// fails; `RunningContainer` takes over when all went well.
///
/// ```
///   configuration ─▶ checked ─▶ plans            nothing is touched yet
///   id reserved ─▶ filter compiled ─▶ cgroup ─▶ mount sources ─▶ clone ─▶ protocol ─▶ state written
/// ```
package struct Launch: ~Copyable {
    let store: StateStore
    let request: CreateRequest
    let gate: InitPlan.Gate
    let bundlePath: Path
    let configuration: [UInt8]
    let spec: RuntimeSpec
    var plan: LaunchPlan
    private let ownNamespaces: [NamespaceKind]
    private let receipt: ReceiptFile?
    /// Whether `account.json` is written.
    var keepsAccount: Bool { receipt != nil || request.keepsAccount }
    /// Given to init by the clone.
    var namespaces: NamespaceHandles?
    /// Makes the network namespace meanwhile.
    private(set) var network: NetworkAhead?

    /// Reads, checks and plans; changes nothing. With `begins`, the network namespace is made meanwhile.
    package static func plan(
        _ request: CreateRequest, in store: StateStore, gate: InitPlan.Gate, hasRootTree: Bool,
        begins: Bool = false
    ) throws(StepError) -> Launch {
        let network = begins ? NetworkAhead() : nil
        let path: Path
        let configuration: [UInt8]
        let spec: ValidSpec
        switch request.source {
        case .bundle(let place):
            let amend = try notification(request, store)
            let bundle = try Bundle.open(
                place, configuration: request.configurationFile, amending: amend
            ) { network?.begin(before: $0) }
            path = bundle.path
            configuration = bundle.configuration
            spec = bundle.spec
        case .spec(let given, let directory):
            path = directory
            configuration = given.json()
            spec = try refusing("check the configuration") { () throws(SpecError) in
                try Validation.validate(given)
            }
        }
        Trace.mark("read the configuration")
        let namespaces = try refusing("check the configuration") { () throws(SpecError) in
            try NamespacePlan(spec: spec.spec)
        }
        let handles = try phase(.namespaceFailed) { () throws(StepError) in
            try NamespaceHandles.open(namespaces)
        }
        network?.settle(namespaces)
        Trace.mark("open the namespaces")
        let host = try HostFacts.detect(
            usesCgroups: request.usesCgroups, usesSystemd: request.usesSystemd)
        let own = handles.ownKinds
        Trace.mark("look at the host")
        var plan = try refusing("check the configuration") { () throws(SpecError) in
            try LaunchPlan.make(
                spec: spec, namespaces: namespaces, ownNamespaces: own, bundle: path,
                hasRootTree: hasRootTree,
                request: request, host: host)
        }
        plan.initial.gate = gate
        try plan.initial.security?.labels.check()
        Trace.mark("plan the launch")
        let receipt = try receiptFile(request, spec.spec.annotations)
        var launch = Launch(
            store: store, request: request, gate: gate, bundlePath: path, configuration: configuration,
            spec: spec.spec, plan: plan, namespaces: handles, receipt: receipt)
        launch.network = network
        return launch
    }

    private init(
        store: StateStore, request: CreateRequest, gate: InitPlan.Gate, bundlePath: Path,
        configuration: [UInt8],
        spec: RuntimeSpec, plan: LaunchPlan, namespaces: consuming NamespaceHandles, receipt: ReceiptFile?
    ) {
        self.receipt = receipt
        self.store = store
        self.request = request
        self.gate = gate
        self.bundlePath = bundlePath
        self.configuration = configuration
        self.spec = spec
        self.plan = plan
        ownNamespaces = namespaces.ownKinds.sorted { $0.rawValue < $1.rawValue }
        self.namespaces = consume namespaces
    }

    /// What the request or the annotation names, if it can be written.
    private static func receiptFile(
        _ request: CreateRequest, _ annotations: StringMap
    ) throws(StepError) -> ReceiptFile? {
        if let path = request.receipt { return try ReceiptFile(checking: path) }
        guard !annotations.isEmpty, let text = annotations[ReceiptFile.annotation] else { return nil }
        return try ReceiptFile(checking: Path(text))
    }

    /// The record as far as it is known before the clone.
    func makeRecord() -> StateRecord {
        var record = StateRecord()
        record.ociVersion = spec.ociVersion
        record.id = request.id.description
        record.bundle = bundlePath.string
        record.rootfs = plan.initial.mounts.attachPoint?.string ?? ""
        let user = realUserID()
        record.owner = user == 0 ? "root" : "\(user)"
        record.annotations = spec.annotations
        record.namespaces = ownNamespaces
        record.hasPoststart = spec.hooks?.poststart.isEmpty == false
        record.keepsKeyring = request.keepsKeyring
        record.receiptFile = receipt?.path.string
        record.keepsAccount = keepsAccount
        record.hasPoststop = spec.hooks?.poststop.isEmpty == false
        return record
    }

    /// The filter, from the cache or compiled.
    func compileFilter() throws(StepError) -> SeccompProgram? {
        guard let filter = plan.initial.security?.seccomp else { return nil }
        let cache = SeccompCache(at: StateStore.filterCache)
        return try phase(.seccompFailed) { () throws(StepError) in try cache.program(for: filter) }
    }
}
