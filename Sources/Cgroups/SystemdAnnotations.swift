package import JSONCoding
import MessageBus
package import RuntimeSpec

/// Annotations `org.systemd.property.NAME`, whose values go to systemd as properties of the container's scope (CG-4).
package enum SystemdAnnotations {
    private static let prefix = "org.systemd.property."

    /// The properties, in the document's order. A time in seconds (`TimeoutStopSec`) becomes the microseconds that the
    /// bus has (`TimeoutStopUSec`).
    /// - Throws: if a name could not be a property's, or a value is none.
    package static func properties(_ annotations: StringMap) throws(SpecError) -> [SystemdProperty] {
        var properties: [SystemdProperty] = []
        for (key, text) in annotations where key.hasPrefix(prefix) {
            let name = String(key.dropFirst(prefix.count))
            let field = "annotations[\"\(key)\"]"
            guard name.utf8.count >= 3, name.utf8.allSatisfy(isLetter) else {
                throw SpecError(
                    field: field, reason: "must end in the name of a property: at least 3 letters")
            }
            let value: BusValue
            do throws(BusTextError) {
                value = try BusText.value(text)
            } catch {
                throw SpecError(
                    field: field, reason: "must be a value in the text form of GVariant: \(error)",
                    value: text)
            }
            guard let shortened = nameOfSeconds(name) else {
                properties.set(name, value)
                continue
            }
            guard let microseconds = microseconds(value) else {
                throw SpecError(field: field, reason: "must be a number of seconds", value: text)
            }
            properties.set("\(shortened)USec", .uint64(microseconds))
        }
        return properties
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// `TimeoutStop` of `TimeoutStopSec`; nil for other names, among them those that end in `USec`.
    private static func nameOfSeconds(_ name: String) -> String? {
        guard name.hasSuffix("Sec") else { return nil }
        let stem = name.dropLast(3)
        guard let last = stem.utf8.last, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(last) else {
            return nil
        }
        return String(stem)
    }

    private static func microseconds(_ value: BusValue) -> UInt64? {
        func times(_ seconds: some BinaryInteger) -> UInt64? {
            guard let seconds = UInt64(exactly: seconds) else { return nil }
            let (result, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
            return overflow ? nil : result
        }
        switch value {
        case .byte(let number): return times(number)
        case .int16(let number): return times(number)
        case .uint16(let number): return times(number)
        case .int32(let number): return times(number)
        case .uint32(let number): return times(number)
        case .int64(let number): return times(number)
        case .uint64(let number): return times(number)
        case .double(let number): return UInt64(exactly: (number * 1_000_000).rounded())
        default: return nil
        }
    }
}
