package import LinuxSystem

/// Handing the terminal of a detached container to whoever asked for it: the primary side goes over a unix socket.
package enum ConsoleSocket {
    /// Connects before anything else is done, so that a wrong path fails early.
    package static func connect(to path: Path) throws(StepError) -> OwnedFD {
        try during("connect to the console socket \(path)", code: .terminalFailed) {
            () throws(SyscallError) in
            try UnixSocket.connect(to: path)
        }
    }

    /// Sends the primary side, with its name as the message.
    /// - SeeAlso: unix(7) SCM_RIGHTS
    package static func send(_ primary: BorrowedFD, over socket: BorrowedFD) throws(StepError) {
        try during("send the terminal to the console socket", code: .terminalFailed) {
            () throws(SyscallError) in
            try socket.sendMessage(Array("/dev/ptmx".utf8), descriptors: [primary])
        }
    }
}
