package import MessageBus

/// A property of a unit.
/// - SeeAlso: systemd.resource-control(5), org.freedesktop.systemd1(5)
package struct SystemdProperty: Sendable, Equatable {
    /// Its name, such as `MemoryMax`.
    package var name: String
    /// Its value in the type that systemd wants.
    package var value: BusValue

    /// A property.
    package init(_ name: String, _ value: BusValue) {
        self.name = name
        self.value = value
    }

    /// As an element of `a(sv)`.
    var busValue: BusValue { .structure([.string(name), .variant(value)]) }
}

extension [SystemdProperty] {
    /// Sets a property; the last word counts.
    mutating func set(_ name: String, _ value: BusValue) {
        removeAll { $0.name == name }
        append(SystemdProperty(name, value))
    }

    /// As `a(sv)`.
    var busValue: BusValue { .array(of: "(sv)", map(\.busValue)) }
}
