internal import CLinux

/// The arguments that this program was started with.
/// - SeeAlso: execve(2)
package enum ProcessArguments {
    /// All of them; the first is the program's name.
    package static func all() -> [String] {
        // SAFETY: what the kernel gave the program, NULL-terminated; nobody in this program changes it.
        unsafe strings(cl_arguments())
    }
}

/// The environment that this program was started with.
/// - SeeAlso: environ(7)
package enum ProcessEnvironment {
    /// All variables as `NAME=value`, in their order.
    package static func all() -> [String] {
        // SAFETY: environ is a NULL-terminated array of C strings that nobody in this program changes.
        unsafe strings(cl_environment())
    }

    /// The value of a variable; nil if it is not set.
    package static func value(_ name: String) -> String? {
        // SAFETY: the C string lives for the call; what comes back is a string of the environment or NULL.
        guard let value = unsafe name.withCString({ unsafe cl_environment_value($0) }) else { return nil }
        // SAFETY: as above.
        return unsafe String(cString: value)
    }
}

/// The strings of a NULL-terminated array.
private func strings(_ array: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> [String] {
    guard let array = unsafe array else { return [] }
    var list: [String] = []
    var index = 0
    // SAFETY: the loop ends at the NULL.
    while let entry = unsafe array[index] {
        // SAFETY: a C string of the array.
        list.append(unsafe String(cString: entry))
        index += 1
    }
    return list
}
