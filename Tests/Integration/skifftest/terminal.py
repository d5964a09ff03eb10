"""Pseudo terminals: a program on one, or the primary end that a runtime hands over a console socket."""

import array
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import termios
import time
from pathlib import Path

from . import host
from .process import exit_code


class Terminal:
    """The primary end of a pty: what a person sees and types."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor
        self.seen = b""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text: str | bytes) -> None:
        os.write(self.descriptor, text.encode() if isinstance(text, str) else text)

    def interrupt(self) -> None:
        self.send(b"\x03")

    def suspend(self) -> None:
        self.send(b"\x1a")

    def end_of_file(self) -> None:
        self.send(b"\x04")

    def expect(self, pattern: str, timeout: float = 10.0) -> re.Match:
        """Reads until `pattern` (a regular expression) matches; text up to the match's end is used up."""
        deadline = time.monotonic() + timeout * host.PATIENCE
        while True:
            if match := re.search(pattern.encode(), self.seen):
                self.seen = self.seen[match.end() :]
                return match
            assert self._more(deadline), f"terminal never showed {pattern!r}; it shows {self.seen[-1500:]!r}"

    def rest(self, timeout: float = 10.0) -> bytes:
        """Everything until the other side is closed."""
        deadline = time.monotonic() + timeout * host.PATIENCE
        while self._more(deadline):
            pass
        return self.seen

    def _more(self, deadline: float) -> bool:
        ready, _, _ = select.select([self.descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:  # EIO: nobody has the replica open
            return False
        self.seen += data
        return bool(data)

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1


class TerminalProgram(Terminal):
    """A program with a terminal of its own as controlling terminal and standard streams.

    with TerminalProgram(["skiff", "run", "-it", …], rows=30, columns=100) as t:
        t.expect("# "); t.send("exit 3\\n"); assert t.wait() == 3
    """

    def __init__(self, args, *, rows: int = 24, columns: int = 80, env=None, cwd=None):
        self.args = [str(a) for a in args]
        pid, descriptor = pty.fork()
        if pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                if cwd:
                    os.chdir(cwd)
                os.execvpe(self.args[0], self.args, env if env is not None else dict(os.environ))
            finally:
                os._exit(127)
        super().__init__(descriptor)
        self.pid = pid
        self.code: int | None = None
        host.own(pid)

    def attributes(self) -> list:
        """The terminal's settings, to see that raw mode was left."""
        return termios.tcgetattr(self.descriptor)

    def wait(self, timeout: float = 10.0) -> int:
        """The program's exit code (128 + n for a signal); reads what it prints meanwhile."""
        deadline = time.monotonic() + timeout * host.PATIENCE
        while self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                host.disown(pid)
                self.code = exit_code(status)
            else:
                assert time.monotonic() < deadline, f"no end within {timeout} s: {self.args}: {self.seen[-1500:]!r}"
                self._more(time.monotonic() + 0.01)
        return self.code

    def wait_suspended(self, timeout: float = 10.0) -> None:
        """Until the program itself has been stopped by job control."""
        deadline = time.monotonic() + timeout * host.PATIENCE
        while True:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
            if state == "T":
                return
            assert time.monotonic() < deadline, f"not stopped within {timeout} s: {self.args}"
            time.sleep(0.005)

    def __enter__(self) -> "TerminalProgram":
        return self

    def __exit__(self, *_) -> None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if not pid:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            host.disown(self.pid)
        self.close()


class ConsoleSocket:
    """The listening side of `--console-socket`."""

    def __init__(self, path: Path):
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(path))
        self.listener.listen(1)

    def receive(self, timeout: float = 10.0) -> Terminal:
        self.listener.settimeout(timeout)
        connection, _ = self.listener.accept()
        with connection:
            connection.settimeout(timeout)
            size = array.array("i").itemsize
            _, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4 * size))
        found = array.array("i")
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                found.frombytes(data[: len(data) - len(data) % size])
        assert len(found) == 1, f"one descriptor should arrive, not {len(found)}"
        assert os.isatty(found[0]), "the descriptor is no terminal"
        return Terminal(found[0])

    def __enter__(self) -> "ConsoleSocket":
        return self

    def __exit__(self, *_) -> None:
        self.listener.close()
        self.path.unlink(missing_ok=True)
