internal import LinuxSystem

extension KernelFeature {
    // lint:table one entry for each feature
    static var overlay: [KernelFeature] {
        [
            KernelFeature(
                "overlay.mount", .overlay, .recommended, since: "3.18",
                for: "containers from images: layers below, changes above",
                without: "only bundles can be run",
                .process { () throws(SyscallError) in
                    try enterPlace()
                    let options = "lowerdir=lower,upperdir=upper,workdir=work"
                    try legacyMount(
                        source: "overlay", onto: "merged", type: "overlay", flags: 0, data: options)
                    return .present
                }),
            option(
                "layers-by-name", since: "6.7", "hundreds of layers, wherever the store lies",
                "one option of a page, some 190 layers", writable: true
            ) { (_) throws(SyscallError) in },
            KernelFeature(
                "overlay.layers-by-descriptor", .overlay, .recommended, since: "6.13",
                for: "layers that nobody can exchange by name", without: "their names in /proc/self/fd",
                .process { () throws(SyscallError) in
                    try enterPlace()
                    let context = try FileSystemContext(type: "overlay")
                    for (key, name) in [
                        ("lowerdir+", "lower"), ("upperdir", "upper"), ("workdir", "work"),
                    ] {
                        let directory = try open(Path(name), [.pathOnly, .directory])
                        try context.set(key, to: directory.borrowed)
                    }
                    _ = try context.mount()
                    return .present
                }),
            KernelFeature(
                "overlay.read-only", .overlay, .recommended, since: "4.0",
                for: "guarding skiff's own file without a copy of it", without: "a copy in memory",
                .process { () throws(SyscallError) in
                    try enterPlace()
                    let context = try FileSystemContext(type: "overlay")
                    try context.set("lowerdir", to: "lower:second")
                    _ = try context.mount([.readOnly, .noSetUserID, .noDevices])
                    return .present
                }),
            option(
                "volatile", since: "5.10", "containers that end do not wait for the disk", "they do",
                writable: true
            ) { (context) throws(SyscallError) in try context.setFlag("volatile") },
            option(
                "metacopy", need: .optional, since: "4.19", "the mount option metacopy",
                "mounts with it are refused", writable: true
            ) { (context) throws(SyscallError) in try context.set("metacopy", to: "on") },
            option(
                "data-only-layers", need: .optional, since: "6.7 (in lowerdir: 6.5)",
                "the mount option datadir+", "mounts with it are refused", writable: false
            ) { (context) throws(SyscallError) in
                try context.set("metacopy", to: "on")
                try context.set("datadir+", to: "second")
            },
            KernelFeature(
                "overlay.in-userns", .overlay, .optional, since: "5.11",
                for: "mounts of type overlay with userxattr in containers of users without privileges",
                without: "such mounts are refused",
                .process { () throws(SyscallError) in
                    try Sandbox.enterUserNamespace()
                    try enterPlace()
                    let options = "lowerdir=lower,upperdir=upper,workdir=work,userxattr"
                    try legacyMount(
                        source: "overlay", onto: "merged", type: "overlay", flags: 0, data: options)
                    return .present
                }),
            KernelFeature(
                "overlay.idmapped-layers", .overlay, .optional, since: "5.19 (layers on tmpfs: 6.3)",
                for: "mounts of type overlay over binds with idmap", without: "such mounts are refused",
                .process { () throws(SyscallError) in
                    try enterPlace()
                    let namespace = try Sandbox.mappedNamespace()
                    let tree = try cloneTree("lower", recursive: false)
                    try setMountAttributes(tree.borrowed, userNamespace: namespace.borrowed)
                    let target = try open("lower", [.pathOnly, .directory])
                    try moveMount(tree, onto: target.borrowed)
                    let options = "lowerdir=lower,upperdir=upper,workdir=work"
                    try legacyMount(
                        source: "overlay", onto: "merged", type: "overlay", flags: 0, data: options)
                    return .present
                }),
        ]
    }

    private static func enterPlace() throws(SyscallError) {
        try Sandbox.enter()
        try Sandbox.makePlace(["lower", "second", "upper", "work", "merged"])
    }

    private static func option(
        _ name: String, need: Need = .recommended, since: String, _ use: String, _ without: String,
        writable: Bool,
        _ set: @escaping @Sendable (borrowing FileSystemContext) throws(SyscallError) -> Void
    ) -> KernelFeature {
        KernelFeature(
            "overlay.\(name)", .overlay, need, since: since, for: use, without: without,
            .process { () throws(SyscallError) in
                try enterPlace()
                let context = try FileSystemContext(type: "overlay")
                // Where a kernel takes several lower layers only in one option, one is enough to see the others.
                let several = name == "volatile" || name == "metacopy" ? "lowerdir" : "lowerdir+"
                try context.set(several, to: "lower")
                if writable {
                    try context.set("upperdir", to: "upper")
                    try context.set("workdir", to: "work")
                }
                try set(context)
                _ = try context.mount()
                return .present
            })
    }
}
