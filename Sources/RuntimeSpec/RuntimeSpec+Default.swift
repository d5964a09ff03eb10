extension RuntimeSpec {
    /// The configuration that `skiff spec` writes: a shell in a terminal, with the mounts, paths and
    /// capabilities that engines usually give, and no inheritable capabilities (CLI-15).
    package static var `default`: RuntimeSpec {
        RuntimeSpec(
            ociVersion: newestVersion,
            process: ProcessSpec(
                terminal: true, args: ["sh"],
                env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
                cwd: "/",
                capabilities: CapabilitiesSpec(
                    bounding: defaultCapabilities, effective: defaultCapabilities,
                    permitted: defaultCapabilities),
                rlimits: [RlimitSpec(type: .openFiles, soft: 1024, hard: 1024)],
                noNewPrivileges: true),
            root: RootSpec(path: "rootfs", readonly: true),
            hostname: "skiff",
            mounts: defaultMounts,
            linux: LinuxSpec(
                namespaces: [.pid, .network, .ipc, .uts, .mount, .cgroup].map { NamespaceSpec(kind: $0) },
                resources: ResourcesSpec(devices: [ResourcesSpec.DeviceRule(allow: false, access: "rwm")]),
                maskedPaths: defaultMaskedPaths, readonlyPaths: defaultReadonlyPaths))
    }

    /// The same for a user without privileges: a user namespace in which the caller is root, nothing that
    /// needs another id, the host's network, and no limits.
    /// - Parameters:
    ///   - uid: the caller's user id.
    ///   - gid: the caller's group id.
    package static func rootless(uid: UInt32, gid: UInt32) -> RuntimeSpec {
        var spec = RuntimeSpec.default
        for index in spec.mounts.indices {
            // Only one group is mapped, so the group of terminals cannot be given to the files of devpts.
            spec.mounts[index].options.removeAll { $0.hasPrefix("gid=") || $0.hasPrefix("uid=") }
            guard spec.mounts[index].type == "sysfs" else { continue }
            // The kernel mounts sysfs only for the owner of the network namespace.
            spec.mounts[index] = MountSpec(
                destination: "/sys", type: "none", source: "/sys",
                options: ["rbind", "nosuid", "noexec", "nodev", "ro"])
        }
        spec.linux?.resources = nil
        spec.linux?.namespaces.removeAll { $0.kind == .network }
        spec.linux?.namespaces.append(NamespaceSpec(kind: .user))
        spec.linux?.uidMappings = [IDMappingSpec(containerID: 0, hostID: uid, size: 1)]
        spec.linux?.gidMappings = [IDMappingSpec(containerID: 0, hostID: gid, size: 1)]
        return spec
    }

    private static var defaultCapabilities: [String] {
        ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
    }

    /// The file systems that a Linux program expects (runtime-spec config-linux.md §Default Filesystems).
    package static var defaultMounts: [MountSpec] {
        [
            MountSpec(destination: "/proc", type: "proc", source: "proc"),
            MountSpec(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            MountSpec(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            MountSpec(
                destination: "/dev/shm", type: "tmpfs", source: "shm",
                options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            MountSpec(
                destination: "/dev/mqueue", type: "mqueue", source: "mqueue",
                options: ["nosuid", "noexec", "nodev"]),
            MountSpec(
                destination: "/sys", type: "sysfs", source: "sysfs",
                options: ["nosuid", "noexec", "nodev", "ro"]),
            MountSpec(
                destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
                options: ["nosuid", "noexec", "nodev", "relatime", "ro"]),
        ]
    }

    /// Files that tell about the host or let it be disturbed.
    package static var defaultMaskedPaths: [String] {
        [
            "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
            "/proc/latency_stats",
            "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
            "/sys/devices/virtual/powercap", "/sys/firmware",
        ]
    }

    /// Files through which the host could be changed.
    package static var defaultReadonlyPaths: [String] {
        ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
    }
}
