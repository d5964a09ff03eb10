internal import LinuxSystem

/// A descriptor with several holders; it is closed when the last one lets it go. For optional descriptors that change
/// hands while a loop runs.
final class SharedFD {
    private let fd: OwnedFD

    init(_ fd: consuming OwnedFD) { self.fd = fd }

    var borrowed: BorrowedFD { fd.borrowed }
}
