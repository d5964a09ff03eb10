package import LinuxSystem

/// Signals that end a load in good order: from `begin` on they do not end the process, but are noticed by `check`.
package final class Interruption {
    private static let signals: [Int32] = [1, 2, 15]

    private let descriptorOfSignals: SignalDescriptor
    /// The one that arrived.
    package private(set) var number: Int32?

    /// Readable when a signal has arrived.
    package var descriptor: BorrowedFD { descriptorOfSignals.fd.borrowed }

    /// Ready; nothing is held back before `begin`.
    package init() throws(SyscallError) {
        descriptorOfSignals = try SignalDescriptor(SignalMask(Self.signals))
    }

    /// Holds SIGHUP, SIGINT and SIGTERM back from here on. Before, while an archive is read that may come from a slow
    /// pipe, they end the process: nothing is there yet to be cleaned up.
    func begin() throws(StepError) {
        try during("hold signals back") { () throws(SyscallError) in
            try setSignalMask(SignalMask(Self.signals))
        }
    }

    /// - Throws: when one has arrived.
    package func check() throws(StepError) {
        if number == nil {
            number = try during("look for signals") { () throws(SyscallError) in
                try descriptorOfSignals.next()
            }?.number
        }
        if let number { throw StepError("load", refused: "stopped by \(SignalName.name(number))") }
    }
}
