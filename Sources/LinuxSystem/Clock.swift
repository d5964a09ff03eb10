internal import CLinux

/// Time of day and time since boot.
/// - SeeAlso: clock_gettime(2)
package enum Clock {
    /// Seconds and nanoseconds since 1970.
    package static func wall() -> FileTime { read(0) }

    /// Nanoseconds that never jump.
    package static func monotonicNanoseconds() -> Int64 {
        let now = read(1)
        return now.seconds * 1_000_000_000 + now.nanoseconds
    }

    /// Nanoseconds since the machine was started, as the start times of processes count them.
    package static func bootNanoseconds() -> Int64 {
        let now = read(7)
        return now.seconds * 1_000_000_000 + now.nanoseconds
    }

    private static func read(_ clock: Int32) -> FileTime {
        var raw = timespec()
        // SAFETY: filled during the call; both clocks always exist.
        _ = unsafe cl_clock_gettime(clock, &raw)
        return FileTime(seconds: Int64(raw.tv_sec), nanoseconds: Int64(raw.tv_nsec))
    }

    /// Sleeps for so many nanoseconds, or until a signal.
    /// - SeeAlso: nanosleep(2)
    package static func sleep(nanoseconds: Int64) {
        var raw = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        // SAFETY: read during the call. EINTR ends the sleep early, as documented.
        _ = unsafe cl_nanosleep(&raw)
    }

    /// `2026-11-21T15:04:05.123456789Z`, as RFC 3339 has it, in UTC.
    package static func timestamp(_ time: FileTime, fraction digits: Int = 9) -> String {
        let days = time.seconds >= 0 ? time.seconds / 86400 : (time.seconds - 86399) / 86400
        let second = time.seconds - days * 86400
        let day = civilDay(days)
        func padded(_ value: Int64, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        let date = "\(padded(day.year, 4))-\(padded(day.month, 2))-\(padded(day.day, 2))"
        let clock = "\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))"
        if digits == 0 { return "\(date)T\(clock)Z" }
        let nanoseconds = padded(time.nanoseconds, 9).prefix(digits)
        return "\(date)T\(clock).\(nanoseconds)Z"
    }

    /// The Gregorian date of a number of days since 1970-01-01. Years are counted from March, in eras of 400 years
    /// (146,097 days), so that the leap day is the last of its year.
    private static func civilDay(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
