package import RuntimeSpec

/// Huge pages, by size.
/// - SeeAlso: cgroup-v2.rst §HugeTLB
package enum HugetlbController {
    /// The files that say what `resources.hugepageLimits` asks for (RES-17): reservations, where the kernel counts
    /// them, and pages in use.
    /// - Throws: if a page size is not of the form `2MB`.
    package static func writes(
        for resources: ResourcesSpec, on version: CgroupVersion
    ) throws(SpecError) -> [CgroupWrite] {
        var writes: [CgroupWrite] = []
        for (index, page) in resources.hugepageLimits.enumerated() {
            guard isPageSize(page.pageSize) else {
                throw SpecError(
                    field: "linux.resources.hugepageLimits[\(index)].pageSize",
                    reason: "must be a number and KB, MB or GB", value: page.pageSize)
            }
            let file = version == .unified ? "max" : "limit_in_bytes"
            let text = "\(page.limit)"
            writes.append(
                CgroupWrite(
                    "hugetlb.\(page.pageSize).rsvd.\(file)", text, for: "hugepageLimits", ifMissing: .skip))
            writes.append(CgroupWrite("hugetlb.\(page.pageSize).\(file)", text, for: "hugepageLimits"))
        }
        return writes
    }

    /// Whether the text is a size as the kernel writes it in file names: `64KB`, `2MB`, `1GB`.
    package static func isPageSize(_ text: String) -> Bool {
        let digits = Array(text.utf8.dropLast(2))
        guard ["KB", "MB", "GB"].contains(String(text.suffix(2))), let first = digits.first else {
            return false
        }
        return first != UInt8(ascii: "0") && KernelText.number(digits[...]) != nil
    }
}
