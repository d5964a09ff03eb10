internal import CLinux

/// Rows and columns of a terminal.
package struct WindowSize: Sendable, Equatable {
    package let rows: UInt16
    package let columns: UInt16
    /// From both numbers.
    package init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}

/// The settings of a terminal, to be put back later.
/// - SeeAlso: termios(3)
package struct TerminalState: Sendable {
    let raw: termios
}

/// Pseudoterminals and terminal settings.
/// - SeeAlso: pty(7), ioctl_tty(2)
package enum Terminal {
    /// Opens the primary side of a new pty through the `ptmx` of a devpts instance and unlocks it.
    package static func openPrimary(
        ptmx: Path = "/dev/ptmx", in directory: BorrowedFD = .currentDirectory
    ) throws(SyscallError) -> OwnedFD {
        let primary = try open(ptmx, [.readWrite], in: directory)
        try check(.ioctl, on: "TIOCSPTLCK", cl_unlock_pty(primary.rawValue))
        return primary
    }

    /// Opens the replica of a pty by its primary, without a path lookup.
    /// - SeeAlso: ioctl_tty(2) TIOCGPTPEER
    package static func openReplica(of primary: BorrowedFD) throws(SyscallError) -> OwnedFD {
        OwnedFD(adopting: Int32(try check(.ioctl, on: "TIOCGPTPEER", cl_open_pty_peer(primary.rawValue))))
    }

    /// The number that the replica has in its devpts instance.
    package static func number(of primary: BorrowedFD) throws(SyscallError) -> UInt32 {
        var number: UInt32 = 0
        // SAFETY: filled during the call.
        try check(.ioctl, on: "TIOCGPTN", unsafe cl_pty_number(primary.rawValue, &number))
        return number
    }

    /// Whether a descriptor is a terminal.
    package static func isTerminal(_ fd: BorrowedFD) -> Bool { cl_isatty(fd.rawValue) == 1 }

    /// - SeeAlso: ioctl_tty(2) TIOCGWINSZ
    package static func windowSize(of fd: BorrowedFD) throws(SyscallError) -> WindowSize {
        var size = winsize()
        // SAFETY: filled during the call.
        try check(.ioctl, on: "TIOCGWINSZ", unsafe cl_get_window_size(fd.rawValue, &size))
        return WindowSize(rows: size.ws_row, columns: size.ws_col)
    }

    /// - SeeAlso: ioctl_tty(2) TIOCSWINSZ
    package static func setWindowSize(of fd: BorrowedFD, to size: WindowSize) throws(SyscallError) {
        var raw = winsize(ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0)
        // SAFETY: read during the call.
        try check(.ioctl, on: "TIOCSWINSZ", unsafe cl_set_window_size(fd.rawValue, &raw))
    }

    /// Makes a terminal the controlling one of the caller's session.
    /// - SeeAlso: ioctl_tty(2) TIOCSCTTY
    package static func makeControlling(_ fd: BorrowedFD) throws(SyscallError) {
        try check(.ioctl, on: "TIOCSCTTY", cl_set_controlling_terminal(fd.rawValue))
    }

    /// Makes a process group the foreground group of a terminal.
    /// - SeeAlso: tcsetpgrp(3)
    package static func setForeground(_ fd: BorrowedFD, group: Int32) throws(SyscallError) {
        try check(.ioctl, on: "TIOCSPGRP", cl_tcsetpgrp(fd.rawValue, group))
    }

    /// - SeeAlso: tcgetattr(3)
    package static func state(of fd: BorrowedFD) throws(SyscallError) -> TerminalState {
        var raw = termios()
        // SAFETY: filled during the call.
        try check(.tcgetattr, on: fd.operand, unsafe cl_get_terminal(fd.rawValue, &raw))
        return TerminalState(raw: raw)
    }

    /// - SeeAlso: tcsetattr(3)
    package static func setState(of fd: BorrowedFD, to state: TerminalState) throws(SyscallError) {
        var raw = state.raw
        // SAFETY: read during the call.
        try checkRetrying(.tcsetattr, on: fd.operand) { unsafe cl_set_terminal(fd.rawValue, &raw) }
    }

    /// Passes every byte through untouched and gives the state that was in force. With `processesOutput` what is
    /// written still gets a carriage return before each newline.
    /// - SeeAlso: cfmakeraw(3)
    package static func makeRaw(
        _ fd: BorrowedFD, processesOutput: Bool = false
    ) throws(SyscallError) -> TerminalState {
        let old = try state(of: fd)
        var raw = old.raw
        // SAFETY: changed in place during the call.
        unsafe cl_make_raw(&raw)
        // SAFETY: changed in place during the call.
        if processesOutput { unsafe cl_process_output(&raw) }
        try setState(of: fd, to: TerminalState(raw: raw))
        return old
    }

    /// Lets newlines that a program writes to a pty leave it without carriage returns.
    /// - SeeAlso: termios(3) ONLCR
    package static func keepNewlines(of fd: BorrowedFD) throws(SyscallError) {
        var raw = try state(of: fd).raw
        // SAFETY: changed in place during the call.
        unsafe cl_keep_newlines(&raw)
        try setState(of: fd, to: TerminalState(raw: raw))
    }
}
