"""Where one run of the tests keeps everything, and the runtime that it gives to engines."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(PROJECT / "Tests/Integration"))

from skifftest import host  # noqa: E402
from skifftest.process import Running, until  # noqa: E402
from skifftest.program import RUNTIME, skiff_path  # noqa: E402

# The virtual machine of scripts/vm is ten times slower.
PATIENCE = 5 if "SKIFF_VM" in os.environ else 1
IMAGES = Path(os.environ.get("IMAGES", PROJECT / "out/images"))


class Home:
    """A directory in memory that goes away with the mount namespace of the run."""

    def __init__(self, directory: Path):
        self.directory = directory
        (directory / "bin").mkdir()
        program = skiff_path() if RUNTIME == "skiff" else shutil.which(RUNTIME)
        # Where it can be written, as on an ordinary machine: the root file system is read-only here.
        self.daemons: list[Daemon] = []
        self.runtime = Path(shutil.copy2(program, directory / "bin" / RUNTIME))

    def make(self, name: str) -> Path:
        path = self.directory / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def limits_processes(self) -> bool:
        """Whether there is a pids controller."""
        controllers = Path("/sys/fs/cgroup/cgroup.controllers")
        return Path("/sys/fs/cgroup/pids").is_dir() or (controllers.exists() and "pids" in controllers.read_text().split())


class Daemon:
    """A program in the background; `stop()` ends it by its pid. What it prints is in `log`."""

    def __init__(self, home: Home, args: list, *, env: dict | None = None, name: str | None = None):
        self.home, self.args, self.env = home, args, env
        self.name = name or Path(str(args[0])).name
        home.daemons.append(self)
        self.start()

    def start(self) -> None:
        self.running = Running(self.args, scratch=self.home.make("daemons"), env=self.env, cwd=str(self.home.directory))

    @property
    def pid(self) -> int:
        return self.running.pid

    def wait_for(self, condition, timeout: float = 30.0) -> None:
        def check():
            if self.running.poll():
                raise AssertionError(f"{self.name} ended: {self.running.result!r}")
            return condition()
        try:
            until(check, f"{self.name} is ready", timeout * PATIENCE, interval=0.05)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{Path(self.running.err.name).read_text()[-1500:]}") from error

    def kill(self) -> None:
        self.running.signal(signal.SIGKILL)
        self.running.wait(10)

    def stop(self) -> None:
        if self.running.poll():
            return
        self.running.signal(signal.SIGTERM)
        deadline = time.monotonic() + 20
        while not self.running.poll() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.running.stop()


def end_everything() -> None:
    """Kills what engines have left: this process is the parent of orphans."""
    for _ in range(100):
        left = host.descendants()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        host.reap()
        if not left:
            return
        time.sleep(0.05)


def remove_cgroups() -> None:
    """Empty directories that engines and these tests leave at the top of the hierarchies."""
    for root in host.cgroup_roots():
        own = [name for name in os.listdir(root) if host.TOKEN in name]
        for name in [*own, "docker", "libpod_parent", "buildah_parent", "default", "k8s.io", "kubepods"]:
            for directory, _, _ in os.walk(root / name, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass  # in use by another run of these tests


def mount_own_directories() -> None:
    """An empty /run and /var: engines have fixed places there, which another run of these tests may use as well."""
    for path in ("/run", "/var"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "engines", path], check=True)
    for name in ("/run/lock", "/run/netns", "/var/tmp", "/var/lib", "/var/cache", "/var/log", "/var/spool"):
        Path(name).mkdir()
    Path("/var/tmp").chmod(0o1777)
    Path("/var/run").symlink_to("/run")


def make_network() -> None:
    """A network card that leads nowhere: some daemons want an address besides the loopback's."""
    for words in (["link", "add", "card0", "type", "veth", "peer", "name", "card1"], ["address", "add", "192.0.2.1/24", "dev", "card0"],
                  ["link", "set", "card0", "up"], ["link", "set", "card1", "up"]):
        subprocess.run(["ip", *words], check=True)
