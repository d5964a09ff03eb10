package import LinuxSystem

/// Which cgroup trees a host has and where each controller lives. A plain value, so that tests can make any host.
package struct CgroupHost: Sendable, Equatable {
    /// How the trees are laid out, for messages.
    package enum Layout: String, Sendable {
        /// One cgroup v2 tree.
        case unified
        /// v1 trees and a v2 tree beside them.
        case hybrid
        /// v1 trees only.
        case legacy
        /// No cgroups mounted.
        case none
    }

    /// A mounted v1 tree with its controllers.
    package struct LegacyTree: Sendable, Equatable {
        /// The folder under the root by which the tree is known: that of its first controller.
        package var name: String
        /// What it controls.
        package var controllers: [Controller]
        /// Where it is mounted.
        package var mountPoint: Path

        /// A tree.
        package init(name: String, controllers: [Controller], mountPoint: Path) {
            self.name = name
            self.controllers = controllers
            self.mountPoint = mountPoint
        }
    }

    /// Where the v2 tree is mounted, if it is.
    package var unified: Path?
    /// The words of the v2 root's cgroup.controllers.
    package var unifiedControllers: [String]
    /// The v1 trees, each once.
    package var legacy: [LegacyTree]

    /// A host with these trees.
    package init(unified: Path?, unifiedControllers: [String] = [], legacy: [LegacyTree] = []) {
        self.unified = unified
        self.unifiedControllers = unifiedControllers
        self.legacy = legacy
    }

    /// The layout.
    package var layout: Layout {
        if unified != nil { return legacy.isEmpty ? .unified : .hybrid }
        return legacy.isEmpty ? .none : .legacy
    }

    /// The tree in which a controller lives, if any. A kernel has each controller in one tree only; where both seem to
    /// have it, v2 wins.
    package func home(of controller: Controller) -> CgroupTree? {
        if unified != nil, controller.existsInUnified, unifiedControllers.contains(controller.rawValue) {
            return .unified
        }
        return legacy.first { $0.controllers.contains(controller) }.map { .legacy($0.name) }
    }

    /// What a tree controls.
    package func controllers(of tree: CgroupTree) -> [Controller] {
        switch tree {
        case .unified: unifiedControllers.compactMap { Controller(rawValue: $0) }
        case .legacy(let name): legacy.first { $0.name == name }?.controllers ?? []
        }
    }

    /// Where a tree is mounted.
    package func mountPoint(of tree: CgroupTree) -> Path? {
        switch tree {
        case .unified: unified
        case .legacy(let name): legacy.first { $0.name == name }?.mountPoint
        }
    }
}

extension CgroupHost {
    /// Looks at the mounted trees: file system types of the root and of the well-known folders below it, and the v2
    /// root's list of controllers. Some 1 to 15 cheap calls; the table of mounts, which may hold thousands of lines,
    /// is not read.
    /// - SeeAlso: statfs(2), cgroups(7)
    package static func detect(root: Path = "/sys/fs/cgroup") throws(StepError) -> CgroupHost {
        try during("find the cgroup trees") { () throws(SyscallError) in
            switch try magic(of: root) {
            case FileSystemStatus.cgroup2:
                return CgroupHost(unified: root, unifiedControllers: try controllers(in: root))
            case FileSystemStatus.tmpfs:
                var host = CgroupHost(unified: nil)
                let v2 = root.appending("unified")
                if try magic(of: v2) == FileSystemStatus.cgroup2 {
                    host.unified = v2
                    host.unifiedControllers = try controllers(in: v2)
                }
                host.legacy = try legacyTrees(under: root)
                return host
            default:
                return CgroupHost(unified: nil)
            }
        }
    }

    /// The type of the file system there, nil if there is nothing.
    private static func magic(of path: Path) throws(SyscallError) -> UInt64? {
        do throws(SyscallError) {
            return try fileSystemStatus(at: path).magic
        } catch {
            if error.errno == .ENOENT || error.errno == .EACCES { return nil }
            throw error
        }
    }

    private static func controllers(in path: Path) throws(SyscallError) -> [String] {
        KernelText.names(try readFile(path.appending("cgroup.controllers"), sizeHint: 512))
    }

    /// Controllers that share a tree are links to one folder such as `cpu,cpuacct`; the device number tells.
    private static func legacyTrees(under root: Path) throws(SyscallError) -> [LegacyTree] {
        var trees: [LegacyTree] = []
        var devices: [UInt64] = []
        for controller in Controller.allCases {
            let path = root.appending(Path(controller.legacyFolder))
            guard try magic(of: path) == FileSystemStatus.cgroup1 else { continue }
            let device = try status(of: path, following: true).device
            if let known = devices.firstIndex(of: device) {
                trees[known].controllers.append(controller)
            } else {
                devices.append(device)
                let folder = controller.legacyFolder
                trees.append(LegacyTree(name: folder, controllers: [controller], mountPoint: path))
            }
        }
        return trees
    }
}
