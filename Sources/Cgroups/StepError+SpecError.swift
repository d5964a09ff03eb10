package import LinuxSystem
package import RuntimeSpec

extension StepError {
    /// A refused part of a configuration as a failed step.
    package init(_ step: Step, _ error: SpecError) {
        let code: ErrorCode =
            switch error.kind {
            case .invalid: .configInvalid
            case .unsupported: .unsupported
            case .controllerMissing: .controllerMissing
            }
        self.init(step, refused: error.description, code: code, operand: error.field)
    }
}
