internal import LinuxSystem
import MessageBus

/// Talks to systemd about one unit.
/// - SeeAlso: org.freedesktop.systemd1(5)
struct SystemdConversation: ~Copyable {
    private let unit: String
    private var connection: BusConnection

    /// Connects.
    static func begin(_ unit: CgroupRecord.Unit) throws(StepError) -> SystemdConversation {
        do throws(BusError) {
            return SystemdConversation(unit: unit.name, connection: try BusConnection.open(unit.address))
        } catch {
            throw StepError(
                "reach systemd at \(unit.address.socket)", refused: error.description, code: .cgroupFailed)
        }
    }

    private init(unit: String, connection: consuming BusConnection) {
        self.unit = unit
        self.connection = connection
    }

    /// Makes the scope with its first process, and returns when it is there. A failed scope of this name, which an
    /// earlier container has left, is put out of the way.
    mutating func start(_ properties: [SystemdProperty], holding process: ProcessID) throws(StepError) {
        let step: Step = "create the systemd scope \(unit)"
        let all = properties + [SystemdProperty("PIDs", .array(of: "u", [.uint32(UInt32(process.rawValue))]))]
        let message = manager(
            "StartTransientUnit", [.string("replace"), all.busValue, .array(of: "(sa(sv))", [])])
        do throws(BusError) {
            try watchJobs()
            let answer: [BusValue]
            do throws(BusError) {
                answer = try connection.call(message)
            } catch {
                guard error.isRemote("org.freedesktop.systemd1.UnitExists") else { throw error }
                forget()
                answer = try connection.call(message)
            }
            try finish(answer, step)
        } catch {
            throw failure(step, error)
        }
    }

    /// Ends the scope; one that is not there is no failure.
    mutating func stop() throws(StepError) {
        let step: Step = "stop the systemd scope \(unit)"
        do throws(BusError) {
            try watchJobs()
            let answer = try connection.call(manager("StopUnit", [.string("replace")]))
            _ = try job(answer)
        } catch {
            guard error.isRemote("org.freedesktop.systemd1.NoSuchUnit") else { throw failure(step, error) }
        }
        forget()
    }

    /// Changes properties until the next boot. Returns when systemd has written what they mean to the cgroup: that is
    /// before it reads the next message.
    mutating func set(_ properties: [SystemdProperty]) throws(StepError) {
        let message = manager("SetUnitProperties", [.boolean(true), properties.busValue])
        do throws(BusError) {
            _ = try connection.call(all: [message, SystemdManager.get("Version")])
        } catch {
            throw failure("set properties of the systemd scope \(unit)", error)
        }
    }

    /// The manager's version.
    mutating func version() throws(StepError) -> Int {
        do throws(BusError) {
            return SystemdManager.version(
                of: try connection.call(SystemdManager.get("Version")).first?.text ?? "")
        } catch {
            throw failure("ask systemd for its version", error)
        }
    }

    /// The present values of properties.
    mutating func values(of names: [String]) throws(StepError) -> [SystemdProperty] {
        let path = SystemdUnitName.objectPath(of: unit)
        let calls = names.map { name in
            BusMessage(
                call: "Get", of: "org.freedesktop.DBus.Properties", at: path, on: SystemdManager.busName,
                [.string("org.freedesktop.systemd1.Scope"), .string(name)])
        }
        do throws(BusError) {
            let answers = try connection.call(all: calls)
            return zip(names, answers).compactMap { name, answer in
                answer.first.map { SystemdProperty(name, $0.unwrapped) }
            }
        } catch {
            throw failure("read properties of the systemd scope \(unit)", error)
        }
    }

    private func manager(_ member: String, _ arguments: [BusValue]) -> BusMessage {
        BusMessage(
            call: member, of: SystemdManager.interface, at: SystemdManager.path, on: SystemdManager.busName,
            [.string(unit)] + arguments)
    }

    private mutating func watchJobs() throws(BusError) {
        try connection.watch(
            "type='signal',interface='\(SystemdManager.interface)',member='JobRemoved',path='\(SystemdManager.path)'"
        )
    }

    /// How the job ended that an answer names.
    private mutating func job(_ answer: [BusValue]) throws(BusError) -> String {
        guard let path = answer.first?.text else { throw BusError.malformed("no job") }
        let signal = try connection.waitForSignal { message in
            message.member == "JobRemoved" && message.body.count == 4 && message.body[1].text == path
        }
        return signal.body[3].text ?? ""
    }

    private mutating func finish(_ answer: [BusValue], _ step: Step) throws(BusError) {
        let result = try job(answer)
        if result == "done" { return }
        forget()
        throw BusError.remote(name: "job \(result)", text: "systemd did not make it")
    }

    /// Takes a failed unit out of systemd's memory.
    private mutating func forget() {
        let message = manager("ResetFailedUnit", [])
        bestEffort("a unit that has not failed is not there any more") { () throws(BusError) in
            try connection.call(message)
        }
    }

    private func failure(_ step: Step, _ error: BusError) -> StepError {
        var hint: String?
        var code = ErrorCode.cgroupFailed
        if case .remote(let name, _) = error {
            switch name {
            case "org.freedesktop.systemd1.UnitExists":
                hint = "another container uses this cgroupsPath"
                code = .inUse
            case "org.freedesktop.DBus.Error.AccessDenied",
                "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired":
                hint = "the system's systemd takes this from root only; users have one of their own"
                code = .permission
            case "org.freedesktop.DBus.Error.PropertyReadOnly":
                hint = "this systemd has no such property, see annotations org.systemd.property.*"
            default: break
            }
        }
        return StepError(step, refused: error.description, hint: hint, code: code)
    }
}
