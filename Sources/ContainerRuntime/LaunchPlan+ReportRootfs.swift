import LinuxSystem
import Rootfs

extension MountPlan {
    /// The root file system without its mounts.
    var rootReport: PlanValue {
        let change =
            switch rootChange {
            case .pivot: "pivot_root(2)"
            case .move: "move_mount(2) and chroot(2)"
            case .chroot: "chroot(2)"
            }
        return .members([
            "source": rootSource.map { .text($0.string) }, "attachedAt": attachPoint.map { .text($0.string) },
            "sourcesOpenedBy": .text(opensInChild ? "init" : "runtime"), "changedBy": .text(change),
            "readonly": .flag(rootIsReadOnly), "propagation": .text(rootPropagation?.word ?? "private"),
            "furnishesDev": .flag(furnishesDev),
        ])
    }
}

extension MountEntry {
    /// The mount with the words that its errors have.
    var report: PlanValue {
        var kind: PlanValue?
        var source: PlanValue?
        var options: [MountParameter] = []
        switch origin {
        case .fresh(let type, let name, let parameters):
            kind = .text(type)
            source = .text(name)
            options = parameters
        case .bind(let path, let recursive):
            kind = .text(recursive ? "rbind" : "bind")
            source = .text(path.string)
        case .remount(let bind, let parameters):
            kind = .text(bind ? "remount,bind" : "remount")
            options = parameters
        }
        return .step(
            step.name,
            of: [
                "index": .number(Int64(index)), "destination": .text(destination.string), "type": kind,
                "source": source,
            ],
            [
                "flags": .texts(flags.set.names + flags.defaultAccessTime),
                "cleared": .texts(flags.clear.names),
                "recursiveFlags": .texts(recursiveFlags.set.names + recursiveFlags.defaultAccessTime),
                "recursiveCleared": .texts(recursiveFlags.clear.names),
                "propagation": .texts(propagation.map(\.word)),
                "options": .texts(superblockFlags + options.map(\.text)),
                "readonlyAtTheEnd": .flag(becomesReadOnlyLate), "copiesUp": .flag(copiesUp),
                "idMapping": identityMap.map {
                    .members(["users": $0.users.report, "groups": $0.groups.report])
                },
                "refusesSymlinks": .flag(refusesSymlinks), "links": .texts(links.map(\.text)),
            ])
    }
}

extension [MountIdentityMap.Range] {
    fileprivate var report: PlanValue { .texts(map { "\($0.inside):\($0.outside):\($0.count)" }) }
}

extension DeviceEntry {
    /// The node with what it gets.
    var report: PlanValue {
        .step(
            "\(bindSource == nil ? "make" : "bind") device \(path)", of: ["path": .text(path.string)],
            [
                "type": .text(letter), "major": .number(Int64(number.major)),
                "minor": .number(Int64(number.minor)),
                "mode": .text(String(mode, radix: 8)), "uid": .number(Int64(userID)),
                "gid": .number(Int64(groupID)), "source": bindSource.map { .text($0.string) },
            ])
    }
}

extension DeviceEntry {
    /// As mknod(1) has it.
    private var letter: String {
        switch kind {
        case .characterDevice: "c"
        case .blockDevice: "b"
        default: "p"
        }
    }
}

extension MountFlagChange {
    /// `relatime`, when the access time is set to the kernel's default.
    fileprivate var defaultAccessTime: [String] {
        let mask = MountAttributes.accessTimeMask.rawValue
        return clear.rawValue & mask == mask && self.set.rawValue & mask == 0 ? ["relatime"] : []
    }
}

extension MountParameter {
    fileprivate var text: String { value.map { "\(key)=\($0)" } ?? key }
}

extension PropagationChange {
    /// The word of config.json: `rslave`.
    fileprivate var word: String {
        let word =
            switch kind {
            case .isPrivate: "private"
            case .isShared: "shared"
            case .isSlave: "slave"
            case .isUnbindable: "unbindable"
            }
        return (recursive ? "r" : "") + word
    }
}

extension MountAttributes {
    /// The words of mount(8). The access time is a field, and cleared only to be set anew.
    fileprivate var names: [String] {
        let table: KeyValuePairs<MountAttributes, String> = [
            .readOnly: "ro", .noSetUserID: "nosuid", .noDevices: "nodev", .noExecution: "noexec",
            .noDirectoryAccessTime: "nodiratime", .noSymlinkFollow: "nosymfollow", .identityMapped: "idmap",
        ]
        var names = table.compactMap { rawValue & $0.key.rawValue != 0 ? $0.value : nil }
        switch rawValue & MountAttributes.accessTimeMask.rawValue {
        case MountAttributes.noAccessTime.rawValue: names.append("noatime")
        case MountAttributes.strictAccessTime.rawValue: names.append("strictatime")
        default: break
        }
        return names
    }
}
