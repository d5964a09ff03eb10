"""An agent for SCMP_ACT_NOTIFY: takes listeners at a socket and answers the calls that wait at them."""

import array
import ctypes
import fcntl
import json
import os
import select
import socket
import struct
import threading
from pathlib import Path

RECEIVE, SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND
CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE


def system_calls() -> list[str]:
    """The names of all calls of this machine that libseccomp knows."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_syscall_resolve_num_arch.restype = ctypes.c_void_p
    libc = ctypes.CDLL(None)
    names = []
    for number in range(600):
        text = library.seccomp_syscall_resolve_num_arch(library.seccomp_arch_native(), number)
        if text:
            names.append(ctypes.string_at(text).decode())
            libc.free(ctypes.c_void_p(text))
    return names


class SeccompAgent:
    """Lets every call go on but those in `answers`: call number → negative errno or result.

    `received` are the messages in order, `descriptors` how many came with each, `calls` the numbers of all calls.
    """

    def __init__(self, path: Path, answers: dict[int, int] | None = None, accepting: bool = True):
        self.path, self.answers = path, answers or {}
        self.received: list[dict] = []
        self.descriptors: list[int] = []
        self.trailing: list[bytes] = []
        self.calls: list[int] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o777)
        self._listener.listen(64)
        self._end_read, self._end = os.pipe()
        self._threads = [threading.Thread(target=self._accept, daemon=True)] if accepting else []

    def _accept(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener, self._end_read], [], [])
            if self._end_read in ready:
                return
            connection, _ = self._listener.accept()
            with connection:
                size = array.array("i").itemsize
                data, ancillary, _, _ = connection.recvmsg(1 << 16, socket.CMSG_SPACE(8 * size))
                found = array.array("i")
                for level, kind, content in ancillary:
                    if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                        found.frombytes(content[: len(content) - len(content) % size])
                # One message, then the end.
                self.trailing.append(connection.recv(10) if found else b"")
            self.received.append(json.loads(data))
            self.descriptors.append(len(found))
            for descriptor in found:
                thread = threading.Thread(target=self._answer, args=(descriptor,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _answer(self, descriptor: int) -> None:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(self._end_read, select.POLLIN)
        try:
            while True:
                events = dict(poll.poll())
                if self._end_read in events or events.get(descriptor, 0) & (select.POLLHUP | select.POLLERR):
                    return
                call = bytearray(80)
                try:
                    fcntl.ioctl(descriptor, RECEIVE, call)
                    number = struct.unpack_from("=i", call, 16)[0]
                    self.calls.append(number)
                    value = self.answers.get(number)
                    error, result, flags = (0, 0, CONTINUE) if value is None else (min(value, 0), max(value, 0), 0)
                    fcntl.ioctl(descriptor, SEND, call[:8] + struct.pack("=qiI", result, error, flags))
                except (FileNotFoundError, InterruptedError):
                    continue  # the caller has been killed meanwhile
        finally:
            os.close(descriptor)

    def __enter__(self) -> "SeccompAgent":
        for thread in list(self._threads):
            thread.start()
        return self

    def stop(self) -> None:
        if self._end >= 0:
            os.write(self._end, b"x")
            for thread in self._threads:
                thread.join(5)
            os.close(self._end), os.close(self._end_read)
            self._end = -1
            self._listener.close()

    def __exit__(self, *_) -> None:
        self.stop()
        self.path.unlink(missing_ok=True)
