"""Many containers one after the other, some at a time: create, start, kill, wait, delete, as an engine does it."""

import ctypes
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from . import host

VERBS = ("create", "start", "kill", "delete")


class Worker:
    """Makes containers in a process of its own, which adopts and reaps their first processes."""

    def __init__(self, words: list[str], bundle: Path, name: str):
        self.words, self.bundle, self.name = words, str(bundle), name
        self.times: dict[str, list[float]] = {verb: [] for verb in (*VERBS, "cycle")}
        self.errors: list[str] = []
        self.complaints = tempfile.TemporaryFile(dir=bundle.parent)
        self.null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        descriptor = self.complaints.fileno()
        self.streams = [(os.POSIX_SPAWN_DUP2, self.null, 0), (os.POSIX_SPAWN_DUP2, self.null, 1),
                        (os.POSIX_SPAWN_DUP2, descriptor, 2)]

    def verb(self, name: str, *arguments: str) -> bool:
        started = time.perf_counter()
        self.complaints.truncate(0)
        self.complaints.seek(0)
        words = [*self.words, name, *arguments]
        pid = os.posix_spawn(words[0], words, os.environ, file_actions=self.streams)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.times[name].append((time.perf_counter() - started) * 1000)
        if code != 0:
            self.complaints.seek(0)
            text = self.complaints.read().decode(errors="replace").strip()
            self.errors.append(f"{name} {arguments[-1]}: exit code {code}: {text}")
        return code == 0

    def cycle(self, number: int) -> None:
        identity, pid_file = f"{self.name}-{number}", f"{self.bundle}/{self.name}.pid"
        started = time.perf_counter()
        if not self.verb("create", "--bundle", self.bundle, "--pid-file", pid_file, identity):
            return
        pid = int(Path(pid_file).read_text())
        self.verb("start", identity)
        self.verb("kill", identity, "KILL")
        status = os.waitpid(pid, 0)[1]
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            self.errors.append(f"{identity}: ended with {os.waitstatus_to_exitcode(status)}, not by the signal")
        if self.verb("delete", identity):
            self.times["cycle"].append((time.perf_counter() - started) * 1000)

    def loop(self, counter, limit: int) -> None:
        """Takes numbers until there are no more."""
        open_before = len(os.listdir("/proc/self/fd"))
        while True:
            with counter.get_lock():
                number = counter.value
                counter.value += 1
            if number >= limit or len(self.errors) > 20:
                break
            self.cycle(number)
        if len(os.listdir("/proc/self/fd")) != open_before:
            self.errors.append("the worker holds descriptors that it did not open")
        for pid in host.descendants():
            self.errors.append(f"a process is left: {pid}")


def _work(words: list[str], bundle: Path, name: str, counter, limit: int, pipe) -> None:
    ctypes.CDLL(None).prctl(host.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    worker = Worker(words, bundle, name)
    try:
        worker.loop(counter, limit)
    except Exception as error:  # the parent has to hear of whatever it is
        worker.errors.append(f"{name}: {type(error).__name__}: {error}")
    pipe.send_bytes(json.dumps([worker.times, worker.errors]).encode())
    pipe.close()
    sys.stdout.flush()
    os._exit(0)


def soak(words: list[str], bundle: Path, cycles: int, jobs: int, watch=None, every: float = 1.0):
    """`cycles` containers of `bundle`, `jobs` at a time; `words` are the runtime with its global options. Gives the
    milliseconds of each verb and of whole cycles, and what went wrong. `watch(done)` is called now and then."""
    context = multiprocessing.get_context("fork")
    counter = context.Value("l", 0)
    workers = []
    for number in range(jobs):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(words, bundle, f"{host.TOKEN}-soak{number}", counter, cycles, theirs))
        process.start()
        theirs.close()
        host.own(process.pid)
        workers.append((process, ours))
    times: dict[str, list[float]] = {verb: [] for verb in (*VERBS, "cycle")}
    errors: list[str] = []
    waiting = workers[:]
    while waiting:
        ready = multiprocessing.connection.wait([pipe for _, pipe in waiting], timeout=every)
        for process, pipe in [w for w in waiting if w[1] in ready]:
            try:
                found, wrong = json.loads(pipe.recv_bytes())
            except EOFError:
                found, wrong = {}, [f"a worker ended without a word (pid {process.pid})"]
            for verb, values in found.items():
                times[verb] += values
            errors += wrong
            waiting.remove((process, pipe))
        if watch:
            watch(min(counter.value, cycles))
    for process, _ in workers:
        process.join()
        host.disown(process.pid)
    return times, errors
