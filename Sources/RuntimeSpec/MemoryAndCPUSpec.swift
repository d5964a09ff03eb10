package import JSONCoding

extension ResourcesSpec {
    /// Memory limits in bytes; -1 means without limit.
    /// - SeeAlso: runtime-spec config-linux.md §Memory
    package struct Memory: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Hard limit.
        package var limit: Int64?
        /// Soft limit.
        package var reservation: Int64?
        /// Memory and swap together.
        package var swap: Int64?
        /// Kernel memory; obsolete.
        package var kernel: Int64?
        /// Kernel TCP buffers; cgroup v1 only.
        package var kernelTCP: Int64?
        /// 0 to 100; cgroup v1 only.
        package var swappiness: UInt64?
        /// Tasks wait instead of being killed; cgroup v1 only.
        package var disableOOMKiller: Bool?
        /// Accounts for children too; cgroup v1 only.
        package var useHierarchy: Bool?
        /// A new limit below the usage is refused.
        package var checkBeforeUpdate: Bool?

        /// The values named; everything else as if absent from the document.
        package init(
            limit: Int64? = nil, reservation: Int64? = nil, swap: Int64? = nil, kernel: Int64? = nil,
            kernelTCP: Int64? = nil, swappiness: UInt64? = nil, disableOOMKiller: Bool? = nil,
            useHierarchy: Bool? = nil, checkBeforeUpdate: Bool? = nil
        ) {
            self.limit = limit
            self.reservation = reservation
            self.swap = swap
            self.kernel = kernel
            self.kernelTCP = kernelTCP
            self.swappiness = swappiness
            self.disableOOMKiller = disableOOMKiller
            self.useHierarchy = useHierarchy
            self.checkBeforeUpdate = checkBeforeUpdate
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "limit": limit = try reader.read()
                case "reservation": reservation = try reader.read()
                case "swap": swap = try reader.read()
                case "kernel": kernel = try reader.read()
                case "kernelTCP": kernelTCP = try reader.read()
                case "swappiness": swappiness = try reader.read()
                case "disableOOMKiller": disableOOMKiller = try reader.read()
                case "useHierarchy": useHierarchy = try reader.read()
                case "checkBeforeUpdate": checkBeforeUpdate = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("limit", limit)
                writer.field("reservation", reservation)
                writer.field("swap", swap)
                writer.field("kernel", kernel)
                writer.field("kernelTCP", kernelTCP)
                writer.field("swappiness", swappiness)
                writer.field("disableOOMKiller", disableOOMKiller)
                writer.field("useHierarchy", useHierarchy)
                writer.field("checkBeforeUpdate", checkBeforeUpdate)
            }
        }
    }

    /// CPU time and placement.
    /// - SeeAlso: runtime-spec config-linux.md §CPU
    package struct CPU: Equatable, Sendable, JSONReadable, JSONWritable {
        /// Relative share, 2 to 262144.
        package var shares: UInt64?
        /// Microseconds per period; -1 means without limit.
        package var quota: Int64?
        /// Microseconds that may be saved up.
        package var burst: UInt64?
        /// Length of a period in microseconds.
        package var period: UInt64?
        /// Microseconds of realtime scheduling per period; cgroup v1 only.
        package var realtimeRuntime: Int64?
        /// Period of realtime scheduling in microseconds; cgroup v1 only.
        package var realtimePeriod: UInt64?
        /// CPUs, as a list such as `0-3,7`.
        package var cpus: String?
        /// Memory nodes, as a list.
        package var mems: String?
        /// 1 makes all tasks SCHED_IDLE, 0 not.
        package var idle: Int64?

        /// The values named; everything else as if absent from the document.
        package init(
            shares: UInt64? = nil, quota: Int64? = nil, burst: UInt64? = nil, period: UInt64? = nil,
            realtimeRuntime: Int64? = nil, realtimePeriod: UInt64? = nil, cpus: String? = nil,
            mems: String? = nil, idle: Int64? = nil
        ) {
            self.shares = shares
            self.quota = quota
            self.burst = burst
            self.period = period
            self.realtimeRuntime = realtimeRuntime
            self.realtimePeriod = realtimePeriod
            self.cpus = cpus
            self.mems = mems
            self.idle = idle
        }

        /// Reads the object; names that are not known are ignored.
        package init(from reader: inout JSONReader) throws(JSONError) {
            self.init()
            try reader.object { (key, reader) throws(JSONError) in
                switch key {
                case "shares": shares = try reader.read()
                case "quota": quota = try reader.read()
                case "burst": burst = try reader.read()
                case "period": period = try reader.read()
                case "realtimeRuntime": realtimeRuntime = try reader.read()
                case "realtimePeriod": realtimePeriod = try reader.read()
                case "cpus": cpus = try reader.text()
                case "mems": mems = try reader.text()
                case "idle": idle = try reader.read()
                default: break
                }
            }
        }

        /// Writes the object; what is absent stays out.
        package func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("shares", shares)
                writer.field("quota", quota)
                writer.field("burst", burst)
                writer.field("period", period)
                writer.field("realtimeRuntime", realtimeRuntime)
                writer.field("realtimePeriod", realtimePeriod)
                writer.field("cpus", cpus)
                writer.field("mems", mems)
                writer.field("idle", idle)
            }
        }
    }
}
