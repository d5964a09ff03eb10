import JSONCoding

extension RuntimeSpec {
    /// The annotation by which the supplementary groups of the runtime's caller stay those of the container: files of
    /// groups that a user namespace does not map can be reached then. Any value but `0` turns it on.
    /// - SeeAlso: crun(1), podman-run(1) `--group-add keep-groups`
    package static let keepGroups = "run.oci.keep_original_groups"

    /// Whether that annotation is on.
    package var keepsCallersGroups: Bool {
        guard let value = annotations[Self.keepGroups] else { return false }
        return value != "0"
    }
}
