import CapabilityBinding
import ContainerInit
import LinuxSystem
import RuntimeSpec
import Security

extension SecurityPlan {
    /// What is applied to the program, in the order in which it is.
    var report: PlanValue {
        .members([
            "rlimits": .list(limits.map(\.report)),
            "oomScoreAdj": oomScoreAdjustment.map { .number(Int64($0)) },
            "scheduler": scheduling.attributes.map(\.report),
            "ioPriority": scheduling.ioClass.map {
                .members(["class": .number(Int64($0)), "level": .number(Int64(scheduling.ioLevel))])
            },
            "memoryPolicy": memoryPolicy.map {
                .members([
                    "mode": .number(Int64($0.mode)), "nodes": .texts($0.nodes.map { String($0, radix: 16) }),
                ])
            },
            "personality": personality.map { .number(Int64($0)) },
            "apparmorProfile": labels.apparmorProfile.map { .text($0) },
            "selinuxLabel": labels.selinuxLabel.map { .text($0) },
            "uid": .number(Int64(identity.userID)), "gid": .number(Int64(identity.groupID)),
            "additionalGids": identity.keepsGroups ? nil : .numbers(identity.groups),
            "keepsGroups": identity.keepsGroups ? .flag(true) : nil,
            "umask": identity.umask.map { .text(String($0, radix: 8)) },
            "capabilities": .members([
                "bounding": capabilities.bounding.report, "effective": capabilities.effective.report,
                "permitted": capabilities.permitted.report, "inheritable": capabilities.inheritable.report,
                "ambient": capabilities.ambient.report,
            ]),
            "noNewPrivileges": .flag(noNewPrivileges),
            "seccomp": seccomp?.report(isEarly: loadsFilterEarly),
        ])
    }
}

extension CapabilitySet {
    fileprivate var report: PlanValue { .texts(members.map(\.name)) }
}

extension ResourceLimitPlan {
    fileprivate var report: PlanValue {
        .members([
            "type": .text(name), "soft": .text("\(limit.soft)"), "hard": .text("\(limit.hard)"),
        ])
    }
}

extension SchedulingAttributes {
    fileprivate var report: PlanValue {
        .members([
            "policy": .number(Int64(policy)), "flags": .number(Int64(flags)), "nice": .number(Int64(nice)),
            "priority": .number(Int64(priority)), "runtime": .number(Int64(clamping: runtime)),
            "deadline": .number(Int64(clamping: deadline)), "period": .number(Int64(clamping: period)),
        ])
    }
}

extension SeccompSpec {
    /// A summary: what happens to how many calls. The rules themselves are in the configuration.
    fileprivate func report(isEarly: Bool) -> PlanValue {
        var actions: [(action: Action, names: Int, conditional: Int)] = []
        for rule in syscalls {
            let conditional = rule.args.isEmpty ? 0 : rule.names.count
            if let index = actions.firstIndex(where: { $0.action == rule.action }) {
                actions[index].names += rule.names.count
                actions[index].conditional += conditional
            } else {
                actions.append((rule.action, rule.names.count, conditional))
            }
        }
        return .members([
            "defaultAction": .text(defaultAction.rawValue),
            "defaultErrno": defaultErrnoRet.map { .number(Int64($0)) },
            "architectures": .texts(architectures.map(\.rawValue)), "flags": .texts(flags.map(\.rawValue)),
            "rules": .number(Int64(syscalls.count)),
            "actions": .list(
                actions.map {
                    .members([
                        "action": .text($0.action.rawValue), "calls": .number(Int64($0.names)),
                        "withConditions": $0.conditional == 0 ? nil : .number(Int64($0.conditional)),
                    ])
                }),
            "listener": listenerPath.map { .text($0) },
            "loaded": .text(isEarly ? "before the ids change" : "last, before exec"),
        ])
    }
}

extension ProcessPlan {
    /// The program; of the environment only the names, because values may be secrets.
    var report: PlanValue {
        .members([
            "arguments": .texts(arguments), "workingDirectory": .text(workingDirectory),
            "variables": .texts(environment.map { String($0.prefix { $0 != "=" }) }),
            "terminal": .flag(hasTerminal),
            "windowSize": windowSize.map { .text("\($0.columns)x\($0.rows)") },
            "descriptorsFrom3": firstPrivateDescriptor > 3 ? .number(Int64(firstPrivateDescriptor - 3)) : nil,
        ])
    }
}
