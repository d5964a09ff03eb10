"""What podman and docker have in common: a command line, and names of containers."""

import json
import time

from skifftest import host, process
from skifftest.terminal import TerminalProgram

from .home import PATIENCE, Home


class Client:
    """engine("run", "--rm", …) → Result."""

    name = ""
    environment: dict[str, str] = {}

    def __init__(self, home: Home):
        self.home = home
        self.count = 0

    @property
    def words(self) -> list:
        raise NotImplementedError

    def __call__(self, *args, timeout: float = 60.0, **more) -> process.Result:
        more.setdefault("env", self.environment)
        return process.run([*self.words, *args], scratch=self.home.make("output"), timeout=timeout * PATIENCE, **more)

    def start(self, *args, **more) -> process.Running:
        more.setdefault("env", self.environment)
        return process.Running([*self.words, *args], scratch=self.home.make("output"), **more)

    def terminal(self, *args, **more) -> TerminalProgram:
        return TerminalProgram([*self.words, *args], env=self.environment, **more)

    def new_name(self) -> str:
        self.count += 1
        return f"{host.TOKEN}-{self.name}-{self.count}"

    def sh(self, *args) -> process.Result:
        """A container of busybox that is removed at once: sh("--user", "7", "id -u")."""
        *options, script = args
        return self("run", "--rm", *self.plain, *options, "busybox", "sh", "-c", script)

    def detached(self, *args) -> str:
        """Starts a container of busybox: detached("--init", "sleep 100") → its name."""
        *options, script = args
        name = self.new_name()
        self("run", "-d", "--name", name, *self.plain, *options, "busybox", "sh", "-c", script).ok()
        return name

    # Options of a container that needs no network: much is faster without.
    plain = ["--network", "none"]

    def inspect(self, name: str) -> dict:
        return json.loads(self("inspect", name).ok().out)[0]

    def state(self, name: str) -> dict:
        return self.inspect(name)["State"]

    def until_state(self, name: str, status: str, timeout: float = 15.0) -> dict:
        deadline = time.monotonic() + timeout * PATIENCE
        while (state := self.state(name))["Status"] != status:
            assert time.monotonic() < deadline, f"{name} should be {status}: {state}"
            time.sleep(0.1)
        return state

    def until_log(self, name: str, text: str, timeout: float = 15.0) -> None:
        deadline = time.monotonic() + timeout * PATIENCE
        while text not in (logs := self("logs", name)).out + logs.err:
            assert time.monotonic() < deadline, f"{text!r} is not in the log of {name}: {logs!r}"
            time.sleep(0.1)

    def remove_all(self) -> None:
        if names := self("ps", "-aq").out.split():
            self("rm", "--force", "--volumes", *names)
