"""Run programs: every one has a time limit, and its output goes to files, so that a container which keeps standard
output open cannot hold up the test."""

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from . import host

# Others deadlock in some dozen tests, and the conformance suite waits for each of them.
DEFAULT_TIMEOUT = 6.0 if os.environ.get("VERDICTS") and os.environ.get("RUNTIME", "skiff") != "skiff" else 20.0


@dataclass
class Result:
    args: list[str]
    code: int  # the exit code; 128 + n when a signal ended the program
    out_path: Path
    err_path: Path
    seconds: float = 0.0

    @property
    def out(self) -> str:
        return self.out_path.read_text(errors="replace")

    @property
    def err(self) -> str:
        return self.err_path.read_text(errors="replace")

    @property
    def lines(self) -> list[dict]:
        """What the probe printed: one dict per verb."""
        return json_lines(self.out)

    @property
    def json(self):
        return json.loads(self.out)

    def first(self, verb: str) -> dict:
        """The probe's answer to `verb`."""
        return next(line for line in self.lines if line.get("verb") == verb)

    def ok(self) -> "Result":
        assert self.code == 0, f"{self!r}"
        return self

    def failed(self, *words: str, code: int | None = None) -> "Result":
        """The program must have failed, by itself, and standard error must hold each of `words` (any case).
        Other runtimes may choose other words and codes."""
        assert self.code != 0, f"should have failed: {self!r}"
        assert self.code < 128 or self.code == 255, f"ended by a signal or crashed: {self!r}"
        if os.environ.get("RUNTIME", "skiff") != "skiff":
            return self
        if code is not None:
            assert self.code == code, f"exit code should be {code}: {self!r}"
        assert len(self.err.strip().splitlines()) <= 2, f"should be one line and a hint: {self!r}"
        assert self.err.strip(), f"no message: {self!r}"
        for word in words:
            assert word.lower() in self.err.lower(), f"message should hold {word!r}: {self!r}"
        return self

    def __repr__(self) -> str:
        out, err = self.out, self.err
        return (f"{' '.join(map(str, self.args))}\n  exit code {self.code} after {self.seconds:.2f} s\n"
                f"  out: {out[-1500:]}\n  err: {err[-1500:]}")


def null_device():
    """/dev/null for skiff; a node of our own for others: crun changes the owner of a container's standard input."""
    if os.environ.get("RUNTIME", "skiff") == "skiff":
        return subprocess.DEVNULL
    if not _null:
        path = Path(tempfile.mkdtemp(prefix="skifftest-null-"), "null")
        os.mknod(path, 0o020666, os.makedev(1, 3))
        _null.append(open(path, "rb"))
        path.unlink()
        path.parent.rmdir()
    return _null[0]


_null: list = []


def json_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class Running:
    """A program in the background. `wait()` gives its Result; `stop()` ends it."""

    def __init__(self, args, *, scratch: Path, stdin=None, env=None, cwd=None, pass_fds=(),
                 preexec=None, new_session=True, stdout=None):
        self.args = [str(a) for a in args]
        self.scratch = scratch
        self.out = tempfile.NamedTemporaryFile(dir=scratch, prefix="out.", delete=False)
        self.err = tempfile.NamedTemporaryFile(dir=scratch, prefix="err.", delete=False)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.args, stdin=null_device() if stdin is None else stdin, stdout=self.out if stdout is None else stdout, stderr=self.err, env=env, cwd=cwd, pass_fds=pass_fds,
            preexec_fn=preexec, start_new_session=new_session)
        host.own(self.process.pid)
        self.pid = self.process.pid
        self.result: Result | None = None

    def poll(self) -> bool:
        """Whether it has ended."""
        if self.result is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._finish(status)
        return self.result is not None

    def wait(self, timeout: float = DEFAULT_TIMEOUT) -> Result:
        if self.poll():
            return self.result
        deadline = time.monotonic() + timeout * host.PATIENCE
        descriptor = os.pidfd_open(self.pid)
        # Orphans fall to this process, and a pid namespace does not end before its processes have been waited for.
        while not select.select([descriptor], [], [], 0.1)[0] and time.monotonic() < deadline:
            host.reap()
        os.close(descriptor)
        if not self.poll():
            self.stop()
            raise AssertionError(f"no end within {timeout} s: {self.result!r}")
        return self.result

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def stop(self) -> None:
        if not self.poll():
            os.kill(self.pid, signal.SIGKILL)
            self._finish(os.waitpid(self.pid, 0)[1])

    @property
    def text(self) -> str:
        return Path(self.out.name).read_text(errors="replace")

    @property
    def lines(self) -> list[dict]:
        return json_lines(self.text)

    def wait_text(self, text: str, timeout: float = 10.0) -> None:
        """Until standard output holds `text`."""
        until(lambda: text in self.text, f"{text!r} on standard output of {self.args}", timeout)

    def _finish(self, status: int) -> None:
        host.disown(self.pid)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.out.close(), self.err.close()
        self.result = Result(self.args, exit_code(status), Path(self.out.name), Path(self.err.name),
                             time.monotonic() - self.started)


def run(args, *, scratch: Path, timeout: float = DEFAULT_TIMEOUT, stdin: bytes | None = None, **more) -> Result:
    """Runs to the end. `stdin`: bytes for standard input (default /dev/null)."""
    if stdin is None:
        return Running(args, scratch=scratch, **more).wait(timeout)
    with tempfile.TemporaryFile(dir=scratch) as file:
        file.write(stdin)
        file.seek(0)
        return Running(args, scratch=scratch, stdin=file, **more).wait(timeout)


def until(condition, what: str, timeout: float = 10.0, interval: float = 0.005):
    """Polls `condition` and gives its first true value; fails the test after `timeout` seconds."""
    deadline = time.monotonic() + timeout * host.PATIENCE
    while True:
        host.reap()
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"did not happen within {timeout} s: {what}"
        time.sleep(interval)
