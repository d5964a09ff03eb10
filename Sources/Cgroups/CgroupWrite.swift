/// One value for one kernel file of a cgroup, with the spec field that asks for it.
package struct CgroupWrite: Sendable, Equatable, CustomStringConvertible {
    /// What to do when the file is not there.
    package enum IfMissing: Sendable, Equatable {
        /// The limit cannot be applied: an error that names it.
        case refuse
        /// Nothing is lost without it.
        case skip
        /// Another file takes another form of the value.
        case alternative(file: String, value: String)
    }

    /// The text to write.
    package enum Value: Sendable, Equatable {
        /// As it is, in one write.
        case text(String)
        /// The first word that the file holds now, then this one: a new period of `cpu.max` keeps the quota.
        case keepingFirstWord(String)
    }

    /// The file's name, such as `memory.max`.
    package var file: String
    /// What it shall hold.
    package var value: Value
    /// The field of the spec, such as `memory.limit`.
    package var field: String
    /// What to do without the file.
    package var ifMissing: IfMissing = .refuse
    /// The kernel checks this value against a neighbour's present value (memory with memory and swap, quota with
    /// burst), so that the valid order of writes depends on what the cgroup holds. Neighbours in the list that carry
    /// this mark are tried in the other order when the kernel says EINVAL.
    package var orderDepends = false

    /// A write of a text.
    package init(
        _ file: String, _ text: String, for field: String, ifMissing: IfMissing = .refuse,
        orderDepends: Bool = false
    ) {
        self.file = file
        value = .text(text)
        self.field = field
        self.ifMissing = ifMissing
        self.orderDepends = orderDepends
    }

    /// A write of any value.
    package init(_ file: String, value: Value, for field: String) {
        self.file = file
        self.value = value
        self.field = field
    }

    /// `memory.max = 4096`
    package var description: String {
        switch value {
        case .text(let text): "\(file) = \(text)"
        case .keepingFirstWord(let text): "\(file) = (kept) \(text)"
        }
    }
}
