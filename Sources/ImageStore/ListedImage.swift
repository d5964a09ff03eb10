internal import ImageSpec

/// An image of the store with all that refers to it.
package struct ListedImage: Sendable, Equatable {
    /// The image.
    package let image: StoredImage
    /// Its names, sorted; none when the last was taken away or given to another image.
    package let names: [NamedImage]
    /// The leases on it, each named like the container that holds it, sorted.
    package let users: [String]

    /// An image of the values named.
    package init(image: StoredImage, names: [NamedImage], users: [String]) {
        self.image = image
        self.names = names
        self.users = users
    }

    /// Whether nothing would miss it but somebody who knows its id.
    package var isDangling: Bool { names.isEmpty }

    /// Sorts images without a name behind the others.
    var sortKey: String { names.first?.name.description ?? "~" }
}
