internal import ImageSpec
internal import LinuxSystem

/// Names for images whose file says little about them.
enum ImageNaming {
    /// The name that an annotation of a layout means. Some tools put the whole name there, some only a tag; a
    /// tag gets the file's name before it.
    static func reference(_ annotation: String, in file: String) -> ImageReference? {
        if annotation.contains(":") || annotation.contains("/") { return parse(annotation) }
        guard let stem = stem(of: file) else { return parse(annotation) }
        return parse("\(stem):\(annotation)")
    }

    /// A name made from the file's: `out/web.oci.tar.gz` gives `web:latest`.
    static func fallback(for file: String) -> ImageReference? { stem(of: file).flatMap { parse($0) } }

    private static func stem(of file: String) -> String? {
        guard var name = Path(file).lastComponent?.string.lowercased() else { return nil }
        let endings = [".gz", ".zst", ".xz", ".bz2", ".tgz", ".tar", ".oci", ".docker"]
        while let ending = endings.first(where: { name.hasSuffix($0) && name.count > $0.count }) {
            name.removeLast(ending.count)
        }
        return parse(name) == nil ? nil : name
    }

    private static func parse(_ text: String) -> ImageReference? {
        do throws(ReferenceError) {
            return try ImageReference(text)
        } catch {
            return nil
        }
    }
}
