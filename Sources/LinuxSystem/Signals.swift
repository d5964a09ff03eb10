internal import CLinux

/// A set of signals, bit n - 1 being signal n.
package struct SignalMask: Sendable, Equatable {
    package var rawValue: UInt64
    /// From kernel bits.
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    /// Of signal numbers 1…64.
    package init(_ numbers: [Int32]) { rawValue = numbers.reduce(0) { $0 | 1 << UInt64($1 - 1) } }
    /// Every signal.
    package static let all = SignalMask(rawValue: .max)
    /// No signal.
    package static let none = SignalMask(rawValue: 0)
    /// Whether a signal is in it.
    package func contains(_ number: Int32) -> Bool { rawValue >> UInt64(number - 1) & 1 == 1 }
}

/// Blocks every signal and gives the mask that was in force.
/// - SeeAlso: rt_sigprocmask(2)
@discardableResult
package func blockAllSignals() throws(SyscallError) -> SignalMask {
    var old: UInt64 = 0
    // SAFETY: filled during the call.
    try check(.sigprocmask, unsafe cl_block_all_signals(&old))
    return SignalMask(rawValue: old)
}

/// - SeeAlso: rt_sigprocmask(2)
package func setSignalMask(_ mask: SignalMask) throws(SyscallError) {
    try check(.sigprocmask, cl_set_signal_mask(mask.rawValue))
}

/// Makes every signal do what it does in a fresh process.
/// - SeeAlso: rt_sigaction(2)
package func resetSignalDispositions() throws(SyscallError) {
    try check(.sigaction, cl_reset_signal_dispositions())
}

/// - SeeAlso: signal(2) SIG_IGN
package func ignoreSignal(_ number: Int32) throws(SyscallError) {
    try check(.sigaction, on: "\(number)", cl_ignore_signal(number))
}

/// A descriptor that delivers blocked signals; does not block.
/// - SeeAlso: signalfd(2)
package struct SignalDescriptor: ~Copyable {
    /// The descriptor, for poll.
    package let fd: OwnedFD

    /// For the signals of a mask, which the caller has blocked.
    package init(_ mask: SignalMask) throws(SyscallError) {
        fd = OwnedFD(adopting: Int32(try check(.signalfd, cl_signalfd(-1, mask.rawValue))))
    }

    /// The next signal's number and sender, or nil when none waits.
    package func next() throws(SyscallError) -> (number: Int32, sender: ProcessID)? {
        do throws(SyscallError) {
            let bytes = try fd.borrowed.read(max: 128)
            guard bytes.count == 128 else { return nil }
            func field(_ offset: Int) -> Int32 {
                var value: UInt32 = 0
                for index in 0..<4 { value |= UInt32(bytes[offset + index]) << UInt32(8 * index) }
                return Int32(bitPattern: value)
            }
            return (field(0), ProcessID(rawValue: field(12)))
        } catch {
            if error.errno == .EAGAIN { return nil }
            throw error
        }
    }
}

/// Names and numbers of signals.
/// - SeeAlso: signal(7)
package enum SignalName {
    private static let names: [(Int32, String)] = [
        (1, "HUP"), (2, "INT"), (3, "QUIT"), (4, "ILL"), (5, "TRAP"), (6, "ABRT"), (7, "BUS"), (8, "FPE"),
        (9, "KILL"), (10, "USR1"), (11, "SEGV"), (12, "USR2"), (13, "PIPE"), (14, "ALRM"), (15, "TERM"),
        (16, "STKFLT"), (17, "CHLD"), (18, "CONT"), (19, "STOP"), (20, "TSTP"), (21, "TTIN"), (22, "TTOU"),
        (23, "URG"), (24, "XCPU"), (25, "XFSZ"), (26, "VTALRM"), (27, "PROF"), (28, "WINCH"), (29, "IO"),
        (30, "PWR"), (31, "SYS"),
    ]

    /// The number of `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`, `SIGRTMAX-1`; nil when there is none.
    package static func number(_ text: String) -> Int32? {
        if let number = Int32(text) { return (1...64).contains(number) ? number : nil }
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name = String(name.dropFirst(3)) }
        if let known = names.first(where: { $0.1 == name }) { return known.0 }
        if name == "POLL" { return 29 }
        if name == "IOT" { return 6 }
        return realTime(name)
    }

    private static func realTime(_ name: String) -> Int32? {
        let (base, rest, sign): (Int32, Substring, Int32)
        if name.hasPrefix("RTMIN") {
            (base, rest, sign) = (34, name.dropFirst(5), 1)
        } else if name.hasPrefix("RTMAX") {
            (base, rest, sign) = (64, name.dropFirst(5), -1)
        } else {
            return nil
        }
        if rest.isEmpty { return base }
        guard rest.first == (sign > 0 ? "+" : "-"), let distance = Int32(rest.dropFirst()) else { return nil }
        let number = base + sign * distance
        return (34...64).contains(number) ? number : nil
    }

    /// `SIGTERM` for 15, `SIGRTMIN+2` for 36, the number for others.
    package static func name(_ number: Int32) -> String {
        if let known = names.first(where: { $0.0 == number }) { return "SIG" + known.1 }
        if number == 34 { return "SIGRTMIN" }
        return (35...64).contains(number) ? "SIGRTMIN+\(number - 34)" : "signal \(number)"
    }
}
