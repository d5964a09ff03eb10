package import LinuxSystem
package import MessageBus

/// The systemd that makes a container's scope: that of the host, or, for those who are not root there, the user's own.
package struct SystemdManager: Sendable, Equatable {
    /// Where it is reached.
    package var address: BusAddress
    /// Whether it is a user's.
    package var isUser: Bool
    /// Its version, such as 252.
    package var version: Int
    /// Its own cgroup in every tree, below which its units are; without slashes at the ends.
    package var controlGroup: String

    /// A manager, for tests.
    package init(address: BusAddress, isUser: Bool, version: Int, controlGroup: String) {
        self.address = address
        self.isUser = isUser
        self.version = version
        self.controlGroup = controlGroup
    }

    static let busName = "org.freedesktop.systemd1"
    static let path = "/org/freedesktop/systemd1"
    static let interface = "org.freedesktop.systemd1.Manager"

    /// Finds the manager and asks it what it is.
    /// - Throws: a `StepError` that says that none runs, or why it does not answer.
    /// - SeeAlso: sd_booted(3)
    package static func find() throws(StepError) -> SystemdManager {
        let step: Step = "reach systemd"
        let isUser = try isRootless()
        let candidates = isUser ? try userAddresses(step) : try systemAddresses(step)
        var failure: BusError?
        for address in candidates {
            do throws(BusError) {
                return try ask(address, isUser: isUser)
            } catch {
                // Without a bus in between it can still be reached directly.
                if failure == nil { failure = error }
            }
        }
        throw StepError(
            step, refused: failure?.description ?? "there is no address",
            hint: isUser
                ? "the user's systemd and its bus must run: see systemctl --user status, loginctl enable-linger"
                : "systemctl status dbus.socket; without systemd leave out --systemd-cgroup",
            code: .cgroupFailed)
    }

    private static func ask(_ address: BusAddress, isUser: Bool) throws(BusError) -> SystemdManager {
        var connection = try BusConnection.open(address)
        let answers = try connection.call(all: [get("Version"), get("ControlGroup")])
        let text = answers[0].first?.text ?? ""
        let group = answers[1].first?.text ?? ""
        return SystemdManager(
            address: address, isUser: isUser, version: version(of: text),
            controlGroup: group.split(separator: "/").joined(separator: "/"))
    }

    static func get(_ property: String) -> BusMessage {
        BusMessage(
            call: "Get", of: "org.freedesktop.DBus.Properties", at: path, on: busName,
            [.string(interface), .string(property)])
    }

    /// The number in `v252.39-1~deb12u2`; 0 if there is none.
    static func version(of text: String) -> Int {
        Int(text.drop { !$0.isNumber }.prefix { $0.isNumber }) ?? 0
    }

    /// Root on the host, and not of a user namespace that a user has made.
    private static func isRootless() throws(StepError) -> Bool {
        if effectiveUserID() != 0 { return true }
        let map = try during("read the user id mapping") { () throws(SyscallError) in
            try readFile("/proc/self/uid_map", sizeHint: 256)
        }
        let words = String(decoding: map, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return words != ["0", "0", "4294967295"]
    }

    private static func systemAddresses(_ step: Step) throws(StepError) -> [BusAddress] {
        let isBooted = try during(step) { () throws(SyscallError) in
            try statusIfPresent(of: "/run/systemd/system")?.kind == .directory
        }
        guard isBooted else {
            throw StepError(
                step, refused: "systemd does not run here (there is no /run/systemd/system)",
                hint: "leave out --systemd-cgroup; engines call it the cgroupfs driver", code: .unsupported)
        }
        let named = try named("DBUS_SYSTEM_BUS_ADDRESS", step)
        return [
            named ?? BusAddress(socket: "/run/dbus/system_bus_socket"),
            BusAddress(socket: "/run/systemd/private", isPeer: true),
        ]
    }

    private static func userAddresses(_ step: Step) throws(StepError) -> [BusAddress] {
        var addresses: [BusAddress] = []
        if let named = try named("DBUS_SESSION_BUS_ADDRESS", step) { addresses.append(named) }
        if let directory = ProcessEnvironment.value("XDG_RUNTIME_DIR"), !directory.isEmpty {
            addresses.append(BusAddress(socket: Path("\(directory)/bus")))
            addresses.append(BusAddress(socket: Path("\(directory)/systemd/private"), isPeer: true))
        }
        guard addresses.isEmpty else { return addresses }
        throw StepError(
            step, refused: "neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set",
            hint: "a user's systemd needs a login session, or loginctl enable-linger", code: .unsupported)
    }

    private static func named(_ variable: String, _ step: Step) throws(StepError) -> BusAddress? {
        guard let text = ProcessEnvironment.value(variable), !text.isEmpty else { return nil }
        do throws(BusError) {
            return try BusAddress(parsing: text)
        } catch {
            throw StepError(
                step, refused: error.description, hint: "see the variable \(variable)", code: .usage)
        }
    }
}
