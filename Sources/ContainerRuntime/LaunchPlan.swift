import CapabilityBinding
package import Cgroups
package import ContainerInit
package import LinuxSystem
package import Namespaces
import Rootfs
package import RuntimeSpec
import Security

/// Everything that will be done to create a container, decided from its configuration and facts of the host. Pure,
/// printable and comparable; nothing after it looks at the configuration again but for hooks.
package struct LaunchPlan: Sendable, Equatable {
    /// What init does.
    package var initial: InitPlan
    /// The cgroup; nil if the container gets none.
    package var cgroup: CgroupPlan?
    /// Network interfaces that move into the container.
    package var interfaces: [NetDeviceSpec] = []
    /// The cache and memory bandwidth group; nil leaves resctrl alone.
    package var resctrl: ResctrlPlan?
    /// What of the configuration is left out.
    package var warnings: [String] = []

    /// Decides. `ownNamespaces` are the kinds that are not the runtime's, as found by opening them.
    package static func make(
        spec: ValidSpec, namespaces: NamespacePlan, ownNamespaces: [NamespaceKind], bundle: Path,
        hasRootTree: Bool, request: CreateRequest, host: HostFacts
    ) throws(SpecError) -> LaunchPlan {
        let spec = spec.spec
        try checkInterfaces(spec, ownNamespaces)
        try checkTerminal(spec, request)
        var cgroup =
            host.cgroups.layout == .none || !request.usesCgroups
            ? nil
            : try CgroupPlan.make(
                spec: spec, id: request.id.description, host: host.cgroups, systemd: host.systemd)
        cgroup?.owner = cgroupOwner(spec, namespaces, host)
        var facts = RootfsFacts(
            ownNamespaces: ownNamespaces, bundle: bundle,
            hasNewMountNamespace: namespaces.new.contains(.mount), opensInChild: host.userID != 0,
            hasRootTree: hasRootTree, cgroups: CgroupView(cgroup), avoidsPivot: request.avoidsPivot)
        let mountLabel = spec.linux?.mountLabel ?? ""
        if !mountLabel.isEmpty { facts.labelsMounts = SecurityLabels.hasSELinux }
        let mounts = try MountPlan.make(spec: spec, facts: facts)
        let security = try spec.process.map { (process) throws(SpecError) in
            try SecurityPlan.make(
                process: process, linux: spec.linux,
                grantable: namespaces.hasUserNamespace ? .all : host.permitted,
                keepsGroups: spec.keepsCallersGroups)
        }
        var process = spec.process.map {
            ProcessPlan(
                $0, preservedDescriptors: request.preservedDescriptors,
                activationDescriptors: request.activationDescriptors,
                activationNames: request.activationNames, windowSize: request.windowSize)
        }
        process?.keepsNewlines = request.keepsNewlines
        var initial = InitPlan(namespaces: namespaces, mounts: mounts, security: security, process: process)
        initial.take(spec, request: request, bundle: bundle)
        initial.listenerNeedsSibling = !host.permitted.contains(.sysPtrace)
        var plan = LaunchPlan(initial: initial, cgroup: cgroup, warnings: security?.warnings ?? [])
        if !facts.labelsMounts {
            plan.warnings.append("mounts get no label \(mountLabel): SELinux is not enabled on this host")
        }
        plan.interfaces = spec.linux?.netDevices ?? []
        plan.resctrl = spec.linux?.intelRdt.map { ResctrlPlan($0, id: request.id.description) }
        return plan
    }

    /// Who gets the cgroup: the user of the program, where a new cgroup namespace shows the v2 tree for writing.
    /// - SeeAlso: runtime-spec config-linux.md §Cgroup ownership; checklist CG-7
    private static func cgroupOwner(
        _ spec: RuntimeSpec, _ namespaces: NamespacePlan, _ host: HostFacts
    ) -> UInt32? {
        guard namespaces.makesCgroupNamespace, host.userID == 0, host.cgroups.layout == .unified,
            let user = spec.process?.user.uid
        else { return nil }
        let isWritable = spec.mounts.contains { mount in
            mount.source == "cgroup" && mount.destination == "/sys/fs/cgroup"
                && !mount.options.contains("ro")
        }
        guard isWritable else { return nil }
        guard namespaces.hasUserNamespace else { return user == 0 ? nil : user }
        let range = namespaces.userMappings.first {
            user >= $0.containerID && user - $0.containerID < $0.size
        }
        return range.map { $0.hostID + (user - $0.containerID) }
    }

    /// Interfaces move into a namespace that is the container's, whatever a path in the configuration says.
    private static func checkInterfaces(_ spec: RuntimeSpec, _ own: [NamespaceKind]) throws(SpecError) {
        guard spec.linux?.netDevices.isEmpty == false, !own.contains(.network) else { return }
        throw SpecError(
            field: "linux.netDevices", reason: "needs a network namespace other than the runtime's own")
    }

    private static func checkTerminal(_ spec: RuntimeSpec, _ request: CreateRequest) throws(SpecError) {
        let hasTerminal = spec.process?.terminal == true
        if hasTerminal, request.console == .none {
            throw SpecError(
                field: "process.terminal",
                reason: "a detached terminal needs a console socket (--console-socket)")
        }
        if !hasTerminal, case .socket = request.console {
            throw SpecError(
                field: "process.terminal", reason: "is false, so there is nothing for the console socket")
        }
    }
}

extension InitPlan {
    fileprivate mutating func take(_ spec: RuntimeSpec, request: CreateRequest, bundle: Path) {
        let hooks = spec.hooks ?? HooksSpec()
        createContainerHooks = hooks.createContainer
        if request.hooksStartInBundle { createContainerDirectory = bundle }
        startContainerHooks = hooks.startContainer
        hasRuntimeHooks = !hooks.prestart.isEmpty || !hooks.createRuntime.isEmpty
        hasInterfaces = spec.linux?.netDevices.isEmpty == false
        keyring = request.keepsKeyring ? nil : request.id.keyring
        state = ContainerState(
            ociVersion: spec.ociVersion, id: request.id.description, status: .creating, bundle: bundle.string,
            annotations: spec.annotations)
    }
}

extension CgroupView {
    /// What a mount of type cgroup shows of a planned cgroup.
    init(_ plan: CgroupPlan?) {
        guard let plan else {
            self = .none
            return
        }
        func place(_ directory: CgroupPlan.Directory) -> Path {
            directory.mountPoint.appending(plan.path.relative)
        }
        let unified = plan.directories.first { $0.tree == .unified }.map(place)
        let legacy = plan.directories.compactMap { directory -> CgroupHierarchy? in
            guard case .legacy = directory.tree, let name = directory.mountPoint.lastComponent else {
                return nil
            }
            return CgroupHierarchy(name: name.string, ownDirectory: place(directory))
        }
        self = legacy.isEmpty ? .unified(ownDirectory: unified) : .hybrid(legacy, unified: unified)
    }
}
