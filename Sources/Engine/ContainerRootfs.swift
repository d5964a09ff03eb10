internal import ImageSpec
internal import ImageStore
package import LinuxSystem

/// A container's root file system: the layers of its image below a writable one of its own, kept in the store under
/// the container's id.
package struct ContainerRootfs {
    private let home: EngineHome
    private let id: String

    /// For a container.
    package init(home: EngineHome, id: String) {
        self.home = home
        self.id = id
    }

    /// Takes the image's layers and makes the writable one.
    func make(_ image: StoredImage, as reference: ImageReference) throws(StepError) {
        _ = try ImageStore.open(home.store).prepareSnapshot(of: image, as: reference, named: id)
    }

    /// The root file system as a mount that is attached nowhere.
    /// - Parameter isVolatile: whether it goes away with the mount; it cannot be mounted again.
    package func mount(isVolatile: Bool = false) throws(StepError) -> MountTree {
        let store = try ImageStore.open(home.store)
        let snapshot = try store.snapshot(named: id)
        return try snapshot.mount(isVolatile: isVolatile)
    }

    /// Removes the writable layer and gives the image's back; nothing happens when there is none.
    package func remove() throws(StepError) { try ImageStore.open(home.store).removeSnapshot(named: id) }
}
