package import RuntimeSpec

/// Where systemd is to put a container: the meaning of a `cgroupsPath` of the form `slice:prefix:name` (CG-4).
/// - SeeAlso: systemd.slice(5), systemd.scope(5)
package struct SystemdUnitName: Sendable, Equatable {
    /// The slice's name, such as `machine.slice`; `-.slice` is the root.
    package let slice: String
    /// The scope's name, such as `docker-0123.scope`.
    package let scope: String

    /// Reads the three parts. Without a path the scope is named by the container; without a slice it is in the
    /// manager's usual one.
    /// - Throws: if there are other than three parts, or systemd could not have units of these names.
    package init(cgroupsPath: String?, id: String, isUser: Bool) throws(SpecError) {
        let text = cgroupsPath ?? ""
        let whole = text.isEmpty ? ":skiff:\(id)" : text
        let parts = whole.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, !whole.contains("/") else {
            throw Self.refusal("must have the form slice:prefix:name with the systemd cgroup manager", text)
        }
        slice = parts[0].isEmpty ? (isUser ? "user.slice" : "system.slice") : parts[0]
        scope = parts[1].isEmpty ? "\(parts[2]).scope" : "\(parts[1])-\(parts[2]).scope"
        if parts[2].isEmpty { throw Self.refusal("needs a name after the second colon", text) }
        if parts[2].hasSuffix(".slice") {
            throw Self.refusal("must not name a slice: a container is a scope in a slice", text)
        }
        guard Self.isUnitName(slice), Self.isUnitName(scope) else {
            throw Self.refusal("must consist of what unit names may: letters, digits and :-_.\\", text)
        }
        _ = try Self.folders(of: slice, text)
    }

    private static func refusal(_ reason: String, _ text: String) -> SpecError {
        SpecError(field: "linux.cgroupsPath", reason: reason, value: text)
    }

    /// - SeeAlso: systemd.unit(5)
    private static func isUnitName(_ name: String) -> Bool {
        name.utf8.count <= 255
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: ":-_.\\@".utf8.contains(byte)
                }
            }
    }

    /// The folders of a slice, outermost first: a dash means one level down, so that `a-b.slice` is in `a.slice`.
    private static func folders(of slice: String, _ text: String) throws(SpecError) -> [String] {
        let suffix = ".slice"
        if slice == "-\(suffix)" { return [] }
        guard slice.hasSuffix(suffix), slice != suffix else {
            throw refusal("must begin with the name of a slice, which ends in .slice", text)
        }
        var folders: [String] = []
        var name = ""
        for part in slice.dropLast(suffix.count).split(separator: "-", omittingEmptySubsequences: false) {
            if part.isEmpty { throw refusal("must not have an empty part in the name of the slice", text) }
            name += name.isEmpty ? part : "-\(part)"
            folders.append(name + suffix)
        }
        return folders
    }

    /// The place below the manager's own cgroup: `a.slice/a-b.slice/p-n.scope`.
    package var relativePath: String {
        var folders: [String] = []
        do throws(SpecError) {
            folders = try Self.folders(of: slice, slice)
        } catch {
            // It was checked when this value was made.
        }
        return (folders + [scope]).joined(separator: "/")
    }

    /// The object of a unit on the bus: what is neither letter nor digit is written as `_2d`.
    /// - SeeAlso: org.freedesktop.systemd1(5)
    package static func objectPath(of unit: String) -> String {
        var path = "/org/freedesktop/systemd1/unit/"
        for (index, byte) in unit.utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
                path.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "0")...UInt8(ascii: "9") where index > 0:
                path.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16)
                path += "_\(digits.utf8.count == 1 ? "0" : "")\(digits)"
            }
        }
        return path
    }
}
