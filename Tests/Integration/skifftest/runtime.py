"""The OCI command line: the runtime under test, and containers made with it."""

import json
import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from . import host, process, verdicts
from .bundle import PROBE, Bundle, verb_words
from .process import Result, Running, until


WITHOUT = Path(__file__).resolve().parents[3] / ".build/tests/without"


class Runtime:
    """One state directory and the program that works on it."""

    def __init__(self, name: str, path: str, scratch: Path):
        self.name, self.path, self.scratch = name, path, scratch
        self.root = scratch / "state"
        self._count = 0
        self.globals: list[str] = []
        self.without = [str(WITHOUT), os.environ["WITHOUT"]] if os.environ.get("WITHOUT") else []
        self.wrapper: list[str] = []  # a program that runs the runtime, and its arguments
        if name == "crun" and Path("/sys/fs/cgroup/cgroup.controllers").exists():
            self.globals = ["--cgroup-manager=disabled"]  # Debian's wants to raise RLIMIT_MEMLOCK for its device program
        self.env = {"PATH": os.environ["PATH"], "HOME": "/root", "LANG": "C.UTF-8"}

    def needs_calls(self, *calls: str) -> None:
        """Skips the test where WITHOUT takes one of these calls away, for which nothing can stand in."""
        missing = set(os.environ.get("WITHOUT", "").split(",")) & {*calls, "all"}
        if missing:
            pytest.skip(f"nothing else does what {' and '.join(calls)} do")

    def lacks(self, reason: str) -> None:
        """Called where another runtime is known to fail: the test ends as skipped, but goes on when the conformance
        suite judges, which then shows the reason."""
        if not os.environ.get("VERDICTS"):
            pytest.skip(f"{self.name}: {reason}")
        verdicts.remark(reason)

    def new_id(self) -> str:
        self._count += 1
        return f"{host.TOKEN}-{self.scratch.name}-{self._count}"

    def words(self, *args) -> list[str]:
        return [*self.without, *self.wrapper, self.path, *self.globals, "--root", str(self.root), *map(str, args)]

    def __call__(self, *args, timeout: float = process.DEFAULT_TIMEOUT, **more) -> Result:
        """`RUNTIME --root … args` to its end."""
        return process.run(self.words(*args), scratch=self.scratch, timeout=timeout, **{"env": self.env, **more})

    def background(self, *args, **more) -> Running:
        return Running(self.words(*args), scratch=self.scratch, **{"env": self.env, **more})

    def run(self, bundle: Bundle, *options, id: str | None = None, **more) -> Result:
        """`run` in the foreground, to the container's end."""
        bundle.write()
        return self("run", "--bundle", bundle.path, *options, id or self.new_id(), **more)

    def report(self, bundle: Bundle, *options, **more) -> dict:
        """What the probe reports when it is the container's program; the run must succeed."""
        bundle.probe("report")
        return self.run(bundle, *options, **more).ok().first("report")

    def answers(self, bundle: Bundle, *verbs, options=(), **more) -> list[dict]:
        """The probe's answers to `verbs`, in order."""
        bundle.probe(*verbs)
        return self.run(bundle, *options, **more).ok().lines

    def create(self, bundle: Bundle, *options, id: str | None = None, **more) -> "Container":
        """`create`, which must succeed."""
        bundle.write()
        name = id or self.new_id()
        return Container(self, name, bundle, self("create", "--bundle", bundle.path, *options, name, **more).ok())

    def refuse(self, bundle: Bundle, *words: str, verb: str = "create", options=(), write: bool = True, **more) -> Result:
        """`create` must fail with a message that holds `words`, and leave nothing to ask about."""
        if write:
            bundle.write()
        name = self.new_id()
        result = self(verb, "--bundle", bundle.path, *options, name, **more)
        if result.code == 0:
            self("delete", "--force", name)
        result.failed(*words)
        assert self("state", name).code != 0, f"state knows a container after a failed {verb}: {result!r}"
        return result

    @contextmanager
    def container(self, bundle: Bundle, *options, **more):
        """Created and started; killed and deleted at the end, which must succeed too."""
        made = self.create(bundle, *options, **more)
        try:
            made.start()
            yield made
        except BaseException:
            self("delete", "--force", made.id)
            raise
        made.remove()

    @contextmanager
    def sleeping(self, bundle: Bundle, *options, **more):
        """A running container whose program says "ready" and sleeps."""
        bundle.probe(("echo", "ready"), "sleep")
        with self.container(bundle, *options, **more) as made:
            made.wait_text("ready")
            yield made


class Container:
    def __init__(self, runtime: Runtime, name: str, bundle: Bundle, created: Result):
        self.runtime, self.id, self.bundle, self.created = runtime, name, bundle, created

    def start(self) -> Result:
        return self.runtime("start", self.id).ok()

    def state(self) -> dict:
        return self.runtime("state", self.id).ok().json

    @property
    def pid(self) -> int:
        return self.state()["pid"]

    @property
    def status(self) -> str:
        return self.state()["status"]

    def kill(self, number: int | str = "TERM", *options) -> Result:
        return self.runtime("kill", *options, self.id, number)

    def wait_stopped(self, timeout: float = 10.0) -> None:
        until(lambda: self.status == "stopped", f"{self.id} stops", timeout)

    def delete(self, *options) -> Result:
        return self.runtime("delete", *options, self.id)

    def remove(self) -> None:
        """Ends it however it is and deletes it."""
        if self.status != "stopped":
            self.kill("KILL").ok()
            self.wait_stopped()
        self.delete().ok()

    def exec(self, *words, options=(), **more) -> Result:
        """`exec` of a command line inside."""
        return self.runtime("exec", *options, self.id, *words, **more)

    def probe(self, *verbs, options=(), **more) -> list[dict]:
        """The probe's answers when it is exec'd with `verbs`."""
        return self.exec(PROBE, *verb_words(*verbs), options=options, **more).ok().lines

    def exec_process(self, spec: dict, *options, **more) -> Result:
        """`exec --process FILE`; missing keys are filled in."""
        full = {"args": [PROBE, "report"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "env": ["PATH=/bin"], **spec}
        path = self.runtime.scratch / f"process-{time.monotonic_ns()}.json"
        path.write_text(json.dumps(full))
        return self.runtime("exec", "--process", path, *options, self.id, **more)

    @property
    def text(self) -> str:
        """What the container wrote to the standard output that it got from create."""
        return self.created.out

    @property
    def lines(self) -> list[dict]:
        return self.created.lines

    def wait_text(self, text: str, timeout: float = 10.0) -> None:
        until(lambda: text in self.text, f"{self.id} prints {text!r}; it has printed {self.text[-500:]!r}, "
              f"errors {self.created.err[-500:]!r}", timeout)


def signal_number(name: str) -> int:
    return int(getattr(signal, f"SIG{name}"))
