/// One member of a tar archive, its metadata exactly as the archive has it: names are bytes that no locale
/// touched.
package struct ArchiveEntry: Sendable, Equatable {
    /// What kind of file it is.
    package enum Kind: Sendable, Equatable {
        /// A file with data.
        case regular
        /// A directory.
        case directory
        /// A symbolic link to ``ArchiveEntry/linkTarget``.
        case symlink
        /// Another name of the member ``ArchiveEntry/linkTarget``.
        case hardlink
        /// A character device.
        case characterDevice(major: UInt32, minor: UInt32)
        /// A block device.
        case blockDevice(major: UInt32, minor: UInt32)
        /// A named pipe.
        case fifo
        /// Anything else, with the file type bits.
        case unknown(UInt32)
    }

    /// A point in time.
    package struct Time: Sendable, Equatable {
        /// Seconds since 1970, negative before.
        package let seconds: Int64
        /// Nanoseconds on top, 0 to 999 999 999.
        package let nanoseconds: Int64

        /// A point in time.
        package init(seconds: Int64, nanoseconds: Int64) {
            self.seconds = seconds
            self.nanoseconds = nanoseconds
        }
    }

    /// An extended attribute.
    package struct ExtendedAttribute: Sendable, Equatable {
        /// The whole name with its namespace, for example `security.capability`.
        package let name: [UInt8]
        /// The raw value.
        package let value: [UInt8]

        /// An attribute of a name and a value.
        package init(name: [UInt8], value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// The member's name, not cleaned in any way.
    package var path: [UInt8]
    /// What it is.
    package var kind: Kind
    /// The target of a symbolic or hard link, else empty.
    package var linkTarget: [UInt8]
    /// Bytes of data.
    package var size: Int64
    /// The permission bits with set-user-ID, set-group-ID and sticky: 07777 at most.
    package var permissions: UInt32
    /// The numeric owner; may be out of a uid's range in a hostile archive.
    package var userID: Int64
    /// The numeric group.
    package var groupID: Int64
    /// When the data was last changed.
    package var modified: Time
    /// The extended attributes (`SCHILY.xattr.*` and `LIBARCHIVE.xattr.*`).
    package var extendedAttributes: [ExtendedAttribute]
    /// Whether the data has holes that the archive does not hold.
    package var isSparse: Bool
}
