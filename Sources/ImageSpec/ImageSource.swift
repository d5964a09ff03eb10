/// Where a person says that an image is: in the store under a name, or in a file or directory.
///
/// - `oci:DIR[:TAG]` a layout directory; `oci-archive:FILE[:TAG]` the same in a tar archive
/// - `docker-archive:FILE[:REFERENCE]` what `docker save` writes
/// - a path that begins with `/`, `./` or `../`, whose kind is detected
/// - anything else is a name in the store
///
/// The path of a transport ends at the first colon after it, as in skopeo.
package enum ImageSource: Sendable, Equatable {
    /// A name in the store.
    case stored(ImageReference)
    /// A file or directory to load from.
    case file(path: String, format: Format, selector: String?)

    /// How an image lies in a file.
    package enum Format: String, Sendable, CaseIterable {
        /// An OCI layout directory.
        case layout = "oci"
        /// A tar archive of an OCI layout.
        case archive = "oci-archive"
        /// A tar archive as `docker save` writes it.
        case dockerArchive = "docker-archive"
        /// To be found out.
        case detected = ""
    }

    /// Reads what was given on a command line.
    package init(parsing text: String) throws(ReferenceError) {
        for format in Format.allCases where format != .detected && text.hasPrefix(format.rawValue + ":") {
            let rest = text.dropFirst(format.rawValue.utf8.count + 1)
            let colon = rest.firstIndex(of: ":")
            let path = rest[..<(colon ?? rest.endIndex)]
            let selector = colon.map { String(rest[rest.index(after: $0)...]) }
            if path.isEmpty { throw ReferenceError(text, "no path after \(format.rawValue):") }
            if selector == "" { throw ReferenceError(text, "nothing after the last colon") }
            self = .file(path: String(path), format: format, selector: selector)
            return
        }
        if ["/", "./", "../"].contains(where: text.hasPrefix) || text == "." || text == ".." {
            self = .file(path: text, format: .detected, selector: nil)
            return
        }
        self = .stored(try ImageReference(text))
    }
}
