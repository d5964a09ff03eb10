import LinuxSystem

/// The value of HOME for programs whose environment does not set it.
package enum HomeDirectory {
    private static let passwdLimit = 1 << 20

    /// The environment with HOME added, if it lacks one or has an empty one: from the passwd file in the caller's
    /// root, else `/`.
    /// - SeeAlso: passwd(5)
    package static func complete(_ environment: [String], userID: UInt32) -> [String] {
        var environment = environment
        if let index = environment.firstIndex(where: { $0.hasPrefix("HOME=") }) {
            if environment[index].utf8.count > 5 { return environment }
            environment.remove(at: index)
        }
        var home: String?
        bestEffort("images without a passwd file are usual") { () throws(SyscallError) in
            let root = try open("/", [.pathOnly, .directory])
            let file = try open(
                "etc/passwd", [.readOnly, .nonBlocking], in: root.borrowed, resolving: .inRoot)
            guard try file.borrowed.status().kind == .regular else { return }
            home = find(userID, in: try file.borrowed.readAll(limit: passwdLimit))
        }
        return environment + ["HOME=\(home ?? "/")"]
    }

    /// The home directory of the first line with that user id.
    package static func find(_ userID: UInt32, in passwd: [UInt8]) -> String? {
        for line in passwd.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard fields.count >= 6, UInt32(String(decoding: fields[2], as: UTF8.self)) == userID else {
                continue
            }
            return fields[5].isEmpty ? nil : String(decoding: fields[5], as: UTF8.self)
        }
        return nil
    }
}
