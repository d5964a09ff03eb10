internal import CLinux

/// The environment that this program was started with.
/// - SeeAlso: environ(7)
package enum ProcessEnvironment {
    /// All variables as `NAME=value`, in their order.
    package static func all() -> [String] {
        var list: [String] = []
        // SAFETY: environ is a NULL-terminated array of C strings that nobody in this program changes.
        guard let environment = unsafe cl_environment() else { return [] }
        var index = 0
        // SAFETY: as above; the loop ends at the NULL.
        while let entry = unsafe environment[index] {
            // SAFETY: a C string of the environment.
            list.append(unsafe String(cString: entry))
            index += 1
        }
        return list
    }

    /// The value of a variable; nil if it is not set.
    package static func value(_ name: String) -> String? {
        let prefix = name + "="
        return all().first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }
}
