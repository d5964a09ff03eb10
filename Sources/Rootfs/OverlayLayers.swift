/// The layers of an overlay mount entry, one by one.
///
/// fsconfig(2) takes at most 255 bytes per value, so a long `lowerdir=a:b:c` becomes one `lowerdir+` per layer, which
/// has no limit on their number (MNT-29).
/// - SeeAlso: Documentation/filesystems/overlayfs.rst in the kernel's sources, "lowerdir+"
enum OverlayLayers {
    /// Parameters with a long `lowerdir` taken apart; everything else as it is.
    static func split(_ parameters: [MountParameter]) -> [MountParameter] {
        parameters.flatMap { parameter in
            guard parameter.key == "lowerdir", let value = parameter.value, value.utf8.count > 255 else {
                return [parameter]
            }
            return layers(value)
        }
    }

    /// Whether a parameter is the path of one directory: a long one is named by a descriptor.
    static func isPath(_ key: String) -> Bool {
        switch key {
        case "lowerdir+", "datadir+", "upperdir", "workdir": true
        default: false
        }
    }

    /// A single colon separates layers, two start the data-only ones; a backslash takes away the meaning of what
    /// follows. The parameters of single layers know no escapes.
    private static func layers(_ value: String) -> [MountParameter] {
        var result: [MountParameter] = []
        var piece: [UInt8] = []
        var key = "lowerdir+"
        var escaped = false
        for byte in value.utf8 {
            if escaped {
                piece.append(byte)
                escaped = false
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else if byte == UInt8(ascii: ":") {
                if piece.isEmpty {
                    key = "datadir+"
                } else {
                    result.append(MountParameter(key, String(decoding: piece, as: UTF8.self)))
                    piece.removeAll()
                }
            } else {
                piece.append(byte)
            }
        }
        if !piece.isEmpty { result.append(MountParameter(key, String(decoding: piece, as: UTF8.self))) }
        return result
    }
}
