internal import LinuxSystem
internal import RuntimeSpec

extension StepError {
    /// A refused part of the configuration as a failed step.
    init(_ step: Step, _ error: SpecError) {
        let code: ErrorCode =
            switch error.kind {
            case .invalid: .configInvalid
            case .unsupported: .unsupported
            case .controllerMissing: .controllerMissing
            }
        self.init(step, refused: error.description, code: code, operand: error.field)
    }
}
