import LinuxSystem

/// Mount trees by position; what is not taken out is dropped with the list.
struct TreeList: ~Copyable {
    private var numbers: [Int32] = []

    deinit {
        for number in numbers where number >= 0 { _ = OwnedFD(adopting: number) }
    }

    var count: Int { numbers.count }

    /// A view of the first tree, when there is one.
    var first: BorrowedFD? { numbers.first.map { BorrowedFD(rawValue: $0) } }

    mutating func append(_ tree: consuming MountTree) { numbers.append(tree.release()) }

    /// Keeps a position that has no tree.
    mutating func appendNothing() { numbers.append(-1) }

    /// Hands out the tree at a position, once.
    mutating func take(_ index: Int) -> MountTree? {
        guard numbers.indices.contains(index), numbers[index] >= 0 else { return nil }
        defer { numbers[index] = -1 }
        return MountTree(adopting: OwnedFD(adopting: numbers[index]))
    }

    /// A view of the tree at a position.
    func view(_ index: Int) -> BorrowedFD? {
        numbers[index] < 0 ? nil : BorrowedFD(rawValue: numbers[index])
    }
}
