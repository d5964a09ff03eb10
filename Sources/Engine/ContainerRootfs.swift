internal import ImageSpec
internal import ImageStore
package import LinuxSystem
internal import Rootfs
internal import RuntimeSpec

/// A container's root file system: the layers of its image below a writable one of its own, kept in the store under
/// the container's id.
///
/// In a user namespace the layers are mounted with its mapping before they are put together, so nothing on the disk changes its
/// owner; what the container writes belongs to the ids outside.
/// - SeeAlso: mount_setattr(2) MOUNT_ATTR_IDMAP
package struct ContainerRootfs {
    private let home: EngineHome
    private let id: String
    private let users: [IDMappingSpec]
    private let groups: [IDMappingSpec]

    /// For a container.
    package init(home: EngineHome, record: ContainerRecord) {
        self.home = home
        id = record.id
        users = record.userMappings
        groups = record.groupMappings
    }

    /// For removal only, which needs nothing but the id.
    package init(home: EngineHome, id: String) {
        self.home = home
        self.id = id
        users = []
        groups = []
    }

    /// Takes the image's layers and makes the writable one.
    func make(_ image: StoredImage, as reference: ImageReference) throws(StepError) {
        let snapshot = try ImageStore.open(home.store).prepareSnapshot(of: image, as: reference, named: id)
        if users.isEmpty { return }
        let upper = try snapshot.openUpper()
        try during("give the container its root directory") { () throws(SyscallError) in
            let facts = try upper.borrowed.status()
            try upper.borrowed.changeOwner(
                userID: ContainerRecord.outside(facts.userID, users),
                groupID: ContainerRecord.outside(facts.groupID, groups))
            try upper.borrowed.changeMode(facts.mode)
            try upper.borrowed.setTimes(modified: facts.modified)
        }
    }

    /// The root file system as a mount that is attached nowhere.
    /// - Parameter isVolatile: whether it goes away with the mount; it cannot be mounted again.
    package func mount(isVolatile: Bool = false) throws(StepError) -> MountTree {
        let store = try ImageStore.open(home.store)
        let snapshot = try store.snapshot(named: id)
        if users.isEmpty { return try snapshot.mount(isVolatile: isVolatile) }
        let namespace = try during("make a user namespace for the layers") { () throws(SyscallError) in
            try MountIdentityMap.userNamespace(
                users: users.map { .init(inside: $0.containerID, outside: $0.hostID, count: $0.size) },
                groups: groups.map { .init(inside: $0.containerID, outside: $0.hostID, count: $0.size) })
        }
        return try snapshot.mount(isVolatile: isVolatile, mappedBy: namespace.borrowed)
    }

    /// Removes the writable layer and gives the image's back; nothing happens when there is none.
    package func remove() throws(StepError) { try ImageStore.open(home.store).removeSnapshot(named: id) }
}
