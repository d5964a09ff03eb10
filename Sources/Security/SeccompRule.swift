import LinuxSystem
import RuntimeSpec
import SeccompBinding

/// One rule as libseccomp takes it: a call, conditions that must all hold, an action.
struct SeccompRule: Equatable {
    let action: SeccompAction
    /// The call's number on the native architecture; negative for calls that only others have.
    let number: Int32
    let conditions: [SeccompCondition]

    /// The rules of a section in its order. Names that libseccomp does not know are left out, and rules whose
    /// action is what happens anyway.
    static func rules(
        of spec: SeccompSpec, skipping fallback: SeccompAction
    ) throws(StepError) -> [SeccompRule] {
        var rules: [SeccompRule] = []
        let native = SeccompArchitecture.native
        for entry in spec.syscalls {
            guard let first = entry.names.first else { throw refusal("a rule without names") }
            let action = try Self.action(entry.action, errno: entry.errnoRet)
            if action == .notify, spec.listenerPath == nil {
                throw refusal("SCMP_ACT_NOTIFY for \(first) needs listenerPath")
            }
            guard action != fallback else { continue }
            let alternatives = try alternatives(of: entry.args, for: first)
            for name in entry.names {
                guard let number = native.number(ofCall: name) else { continue }
                for conditions in alternatives {
                    rules.append(SeccompRule(action: action, number: number, conditions: conditions))
                }
            }
        }
        return rules
    }

    /// An action with its data. Only ERRNO and TRACE have any, EPERM when none is given.
    static func action(
        _ action: SeccompSpec.Action, errno: UInt32?
    ) throws(StepError) -> SeccompAction {
        let data = UInt16(exactly: errno ?? UInt32(Errno.EPERM.rawValue))
        guard let data else { throw refusal("errno \(errno ?? 0) for \(action.rawValue) is out of range") }
        switch action {
        case .errno: return .errno(data)
        case .trace: return .trace(data)
        case _ where errno != nil: throw refusal("\(action.rawValue) takes no errno, but \(data) is given")
        case .kill, .killThread: return .killThread
        case .killProcess: return .killProcess
        case .trap: return .trap
        case .allow: return .allow
        case .log: return .log
        case .notify: return .notify
        }
    }

    /// The sets of conditions of which one must hold. Normally one set with all conditions; libseccomp cannot look
    /// at the same argument twice in a rule, so such conditions become alternatives, each alone, as in other runtimes.
    static func alternatives(
        of arguments: [SeccompSpec.Argument], for name: String
    ) throws(StepError) -> [[SeccompCondition]] {
        var conditions: [SeccompCondition] = []
        for argument in arguments {
            guard argument.index < 6 else {
                throw refusal("\(name): argument index \(argument.index) is above 5")
            }
            conditions.append(
                SeccompCondition(
                    argument: argument.index, comparison: comparison(argument.op), value: argument.value,
                    second: argument.valueTwo ?? 0))
        }
        guard Set(conditions.map(\.argument)).count == conditions.count else {
            return conditions.map { [$0] }
        }
        return [conditions]
    }

    private static func comparison(_ op: SeccompSpec.Operator) -> SeccompCondition.Comparison {
        switch op {
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .equal: .equal
        case .greaterOrEqual: .greaterOrEqual
        case .greater: .greater
        case .maskedEqual: .maskedEqual
        }
    }
}
