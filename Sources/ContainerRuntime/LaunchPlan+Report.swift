import Cgroups
import ContainerInit
import LinuxSystem
import Namespaces
import Rootfs
import RuntimeSpec
import Security

extension Launch {
    /// All that this launch would do, taken from the very values that it acts by.
    package borrowing func report() -> PlanValue {
        let initial = plan.initial
        return .members([
            "id": .text(request.id.description), "bundle": .text(bundlePath.string),
            "warnings": .texts(plan.warnings),
            "namespaces": initial.namespaces.report,
            "cgroup": plan.cgroup?.report,
            "resctrl": plan.resctrl?.report,
            "network": .list(
                plan.interfaces.map {
                    .members(["interface": .text($0.hostName), "newName": $0.name.map { .text($0) }])
                }),
            "rootfs": initial.mounts.rootReport,
            "mounts": .list(initial.mounts.entries.map(\.report)),
            "devices": .list(initial.mounts.devices.map(\.report)),
            "maskedPaths": .texts(initial.mounts.maskedPaths.map(\.string)),
            "readonlyPaths": .texts(initial.mounts.readOnlyPaths.map(\.string)),
            "sysctl": .list(initial.mounts.sysctls.map { .text("\($0.key)=\($0.value)") }),
            "hostname": initial.mounts.hostname.map { .text($0) },
            "domainname": initial.mounts.domainname.map { .text($0) },
            "security": initial.security?.report,
            "process": initial.process?.report,
            "keyring": initial.keyring.map { .text($0) },
            "hooks": .list(hookReports(spec.hooks ?? HooksSpec())),
            "steps": .texts(initial.stepNames),
        ])
    }

    private borrowing func hookReports(_ hooks: HooksSpec) -> [PlanValue] {
        let kinds: KeyValuePairs<String, ([HookSpec], String)> = [
            "prestart": (hooks.prestart, "runtime"), "createRuntime": (hooks.createRuntime, "runtime"),
            "createContainer": (plan.initial.createContainerHooks, "container's namespaces"),
            "startContainer": (plan.initial.startContainerHooks, "container"),
            "poststart": (hooks.poststart, "runtime"), "poststop": (hooks.poststop, "runtime"),
        ]
        return kinds.flatMap { kind, list in
            list.0.enumerated().map { index, hook in
                .step(
                    "run \(kind) hook \(index) \(hook.path)",
                    of: ["kind": .text(kind), "index": .number(Int64(index)), "path": .text(hook.path)],
                    [
                        "in": .text(list.1),
                        "arguments": .texts(hook.args), "variables": .number(Int64(hook.env.count)),
                        "timeout": hook.timeout.map { .number(Int64($0)) },
                    ])
            }
        }
    }
}

extension InitPlan {
    /// The steps of init in their order; those of the root file system stand behind the step that they belong to.
    fileprivate var stepNames: [String] {
        InitSequence.steps.flatMap { step in
            switch step.name {
            case "mounts": ["mounts"] + RootfsSteps.beforeHooks.map { "mounts: \($0.name)" }
            case "root": ["root"] + RootfsSteps.afterHooks.map { "root: \($0.name)" }
            default: [step.name]
            }
        }
    }
}

extension NamespacePlan {
    fileprivate var report: PlanValue {
        let maker: String? =
            switch timeNamespace {
            case .none: nil
            case .byRuntime: "runtime"
            case .byChild: "init"
            }
        return .members([
            "new": .texts(NamespaceKind.joinOrder.filter { new.contains($0) }.map(\.rawValue)),
            "join": .list(
                runtimeJoins.map { $0.report(by: "runtime") } + childJoins.map { $0.report(by: "init") }),
            "helperProcess": .flag(needsHelper),
            "timeNamespaceBy": maker.map { .text($0) },
            "timeOffsets": timeOffsets.map { offsets in
                .members([
                    "monotonic": offsets.monotonic.map { .text("\($0.seconds) s \($0.nanoseconds) ns") },
                    "boottime": offsets.boottime.map { .text("\($0.seconds) s \($0.nanoseconds) ns") },
                ])
            },
            "uidMappings": .list(userMappings.map(\.report)),
            "gidMappings": .list(groupMappings.map(\.report)),
        ])
    }
}

extension NamespacePlan.Join {
    fileprivate func report(by process: String) -> PlanValue {
        .members(["type": .text(kind.rawValue), "path": .text(path), "by": .text(process)])
    }
}

extension IDMappingSpec {
    fileprivate var report: PlanValue {
        .members([
            "containerID": .number(Int64(containerID)), "hostID": .number(Int64(hostID)),
            "size": .number(Int64(size)),
        ])
    }
}

extension CgroupPlan {
    fileprivate var report: PlanValue {
        .members([
            "path": .text(path.description),
            "directories": .list(
                directories.map { directory in
                    .step(
                        "make \(directory.mountPoint.appending(path.relative))",
                        of: ["path": .text(directory.mountPoint.appending(path.relative).string)],
                        [
                            "tree": .text(directory.tree.description),
                            "enable": .texts(directory.required),
                            "enableIfPossible": .texts(directory.wanted),
                        ])
                }),
            "writes": .list(
                directories.flatMap { directory in
                    directory.writes.map { write in
                        .step(
                            "write \(write)",
                            of: ["file": .text(write.file), "value": .text(write.text)],
                            [
                                "tree": .text(directory.tree.description),
                                "field": .text("linux.resources.\(write.field)"),
                            ])
                    }
                }),
            "deviceProgram": .list((deviceRules ?? []).map { .text($0.line) }),
        ])
    }
}

extension CgroupWrite {
    fileprivate var text: String {
        switch value {
        case .text(let text), .keepingFirstWord(let text): text
        }
    }
}

extension DeviceRule {
    /// The rule as the configuration of devices.allow has it: `allow c 1:3 rwm`.
    fileprivate var line: String {
        func text(_ number: UInt32?) -> String { number.map { "\($0)" } ?? "*" }
        return "\(allow ? "allow" : "deny") \(kind.rawValue) \(text(major)):\(text(minor)) \(access.letters)"
    }
}

extension ResctrlPlan {
    fileprivate var report: PlanValue {
        .members([
            "group": group.map { .text($0) }, "mustHold": .texts(expected), "schemata": .texts(lines),
            "monitoringGroup": monitoring.map { .text($0) },
        ])
    }
}
