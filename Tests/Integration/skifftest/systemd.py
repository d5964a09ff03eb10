"""A real systemd for tests of --systemd-cgroup: the machine's in `scripts/vm --systemd`, where it is process 1 of all; elsewhere
one as pid 1 of namespaces of its own, over a cgroup2 subtree."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from . import host, process
from .process import Result, until
from .runtime import Runtime

SYSTEMD = Path("/usr/lib/systemd/systemd")

# Nothing of the machine's own units, which would set up its /tmp and /var: only a bus, and a mark that it is up.
UNITS = {
    "dbus.socket": "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n",
    "dbus.service": "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\nAfter=dbus.socket\n[Service]\nType=notify\n"
                    "ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation\n",
    "trial.service": "[Unit]\nDefaultDependencies=no\nRequires=dbus.service\nAfter=dbus.service\n"
                     "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/touch /run/trial-ready\n",
    "trial.target": "[Unit]\nDefaultDependencies=no\nRequires=trial.service trial-b.slice\nAfter=trial.service\n",
}

# In new mount, pid, network, IPC, UTS and cgroup namespaces. What would remove the files of /tmp is masked. /dev is a small one: systemd would change the machine's.
BOOT = r"""
set -e
mount --make-rprivate /
mount -t proc proc /proc
umount -R /sys/fs/cgroup 2>/dev/null || umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/dev /run/systemd/system
for name in null zero full random urandom tty; do touch /run/dev/$name; mount --bind /dev/$name /run/dev/$name; done
mkdir /run/dev/pts /run/dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts /run/dev/pts
ln -s pts/ptmx /run/dev/ptmx
ln -s /proc/self/fd /run/dev/fd
mount --rbind /run/dev /dev
cp "$1"/* /run/systemd/system/
for unit in sysinit.target systemd-tmpfiles-setup.service systemd-tmpfiles-clean.service; do ln -s /dev/null /run/systemd/system/$unit; done
cd /
exec env -i PATH="$PATH" container=trial "$2" --unit=trial.target --log-target=console --log-level=warning --show-status=0
"""


def reason_against() -> str | None:
    """Why no systemd can be started here; nil if it can."""
    if os.geteuid() != 0:
        return "needs root"
    if not SYSTEMD.exists() or not shutil.which("dbus-daemon") or not shutil.which("busctl"):
        return "this machine has no systemd or dbus-daemon installed"
    if unified_root() is None:
        return "no cgroup2 in this view"
    return None


def unified_root() -> Path | None:
    for path in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        if (path / "cgroup.controllers").exists():
            return path
    return None


def systemd(directory: Path):
    """The one that can be had here."""
    return BootedSystemd(directory) if "SKIFF_VM_SYSTEMD" in os.environ else Systemd(directory)


class Systemd:
    """Started by `start`, ended by `stop`."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.cgroup = unified_root() / f"{host.TOKEN}-systemd"
        self.log = directory / "log"

    def start(self) -> None:
        units = self.directory / "units"
        units.mkdir(parents=True)
        for name, text in UNITS.items():
            (units / name).write_text(text)
        self._pass_controllers()
        self.cgroup.mkdir()
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net", "--cgroup",
                 "sh", "-c", BOOT, "boot", units, SYSTEMD]
        # The cgroup is entered before its namespace is made.
        self.process = subprocess.Popen(
            ["sh", "-c", 'echo 0 >"$1/cgroup.procs"; shift; exec "$@"', "enter", self.cgroup, *words],
            stdin=subprocess.DEVNULL, stdout=self.log.open("w"), stderr=subprocess.STDOUT)
        host.own(self.process.pid)
        try:
            until(self._is_ready, f"systemd starts; log {self.log}", 60)
            (self.cgroup / "caller").mkdir()
            # A cgroup that passes controllers on must hold no process; unshare still waits in it.
            (self.cgroup / "caller/cgroup.procs").write_text(str(self.process.pid))
        except BaseException:
            print(self.log.read_text()[-3000:])
            self.stop()
            raise

    def _pass_controllers(self) -> None:
        names = (self.cgroup.parent / "cgroup.controllers").read_text().split()
        for name in names:
            try:
                (self.cgroup.parent / "cgroup.subtree_control").write_text(f"+{name}")
            except OSError:
                pass  # the tests that need it are skipped

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"systemd ended: {self.log.read_text()[-2000:]}")
        pid = self.pid
        # The service's cgroup goes a moment after its program: a test that starts in between would miss it.
        return (pid is not None and Path(f"/proc/{pid}/root/run/trial-ready").exists()
                and not (self.cgroup / "system.slice/trial.service").exists())

    @property
    def pid(self) -> int | None:
        """Of systemd, as this process sees it."""
        try:
            text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except FileNotFoundError:
            return None
        return int(text[0]) if text else None

    def stop(self) -> None:
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        host.disown(self.process.pid)
        for directory in sorted(self.cgroup.glob("**/"), key=lambda p: -len(str(p))):
            until(lambda: not (directory / "cgroup.procs").read_text(), "the cgroup gets empty")
            directory.rmdir()

    def words(self, *args) -> list[str]:
        """A command line in its namespaces and below its cgroup: a kernel that knows of delegation moves no process
        into the namespace from outside."""
        enter = 'echo 0 >"$1/cgroup.procs"; shift; exec "$@"'
        return ["sh", "-c", enter, "enter", str(self.cgroup / "caller"), "nsenter", f"--target={self.pid}", "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup",
                "--wd=/", *map(str, args)]

    def __call__(self, *args, **more) -> Result:
        return process.run(self.words(*args), scratch=self.directory, **more)

    def show(self, unit: str) -> dict[str, str]:
        """Every property of a unit."""
        text = self("systemctl", "show", unit).ok().out
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


class BootedSystemd(Systemd):
    """The one that runs the machine, with Debian's own units, journal and bus."""

    def start(self) -> None:
        # Slices that a scope brought would stay.
        self("systemctl", "start", "trial-b.slice").ok()

    def stop(self) -> None:
        self("systemctl", "stop", "trial-b.slice", "trial.slice").ok()

    def words(self, *args) -> list[str]:
        return list(map(str, args))


class SystemdRuntime(Runtime):
    """The runtime under test beside that systemd, with --systemd-cgroup."""

    def __init__(self, name: str, path: str, scratch: Path, systemd: Systemd):
        super().__init__(name, path, scratch)
        self.systemd = systemd
        self.globals = ["--systemd-cgroup"]

    def words(self, *args) -> list[str]:
        return self.systemd.words(*super().words(*args))
