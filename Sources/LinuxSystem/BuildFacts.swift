internal import CLinux

/// What the build has written into the program.
package enum BuildFacts {
    /// The commit that the program was built from; `unknown` unless `scripts/build` built it.
    package static var commit: String {
        // SAFETY: a C string in a section of the program, which nobody changes.
        unsafe String(cString: cl_build_commit())
    }
}
