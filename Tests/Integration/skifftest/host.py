"""The host as tests see it: isolate the test run from it, snapshot it, compare, clean up."""

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET = 0x20000, 0x4000000, 0x8000000, 0x40000000
PR_SET_CHILD_SUBREAPER = 36

TOKEN = f"st{os.getpid()}"  # part of every container id and cgroup that this test run makes
# The virtual machine takes ten times as long for everything.
PATIENCE = 6 if "SKIFF_VM" in os.environ else 1
# What escapes have written to; put back after a test that changed it.
GUARDED = ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/swappiness", "/proc/sys/net/ipv4/ip_forward")
_libc = ctypes.CDLL(None, use_errno=True)
_owned: set[int] = set()  # children that somebody waits for


def _check(result: int, what: str) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def isolate(cgroups: str, writable: list[Path]) -> None:
    """Moves this process into mount, network, IPC and UTS namespaces of its own, so that no test can harm the host
    and no other program disturbs a comparison, and makes it the parent of every orphan of a test.

    `cgroups` is the view of control groups that tests get: "host" as it is, "v2" one cgroup2 at /sys/fs/cgroup,
    "v1" the version 1 trees only. The root file system is read-only there but for the directories of `writable`:
    tests give runtimes paths that a wrong one deletes or overwrites, and some of those runtimes are wrong.
    """
    _check(_libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl(PR_SET_CHILD_SUBREAPER)")
    if os.geteuid() != 0:
        return
    _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    for directory in writable:
        if directory.is_dir():
            subprocess.run(["mount", "--rbind", directory, directory], check=True)
    # Not recursive: /proc, /sys and /dev stay as they are.
    subprocess.run(["mount", "-o", "remount,bind,ro", "/"], check=True)
    # As on most machines: mounts are shared, so a runtime that forgets about propagation is seen.
    subprocess.run(["mount", "--make-rshared", "/"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if cgroups == "v2" and Path("/sys/fs/cgroup/memory").is_dir():
        subprocess.run(["umount", "-R", "/sys/fs/cgroup"], check=True)
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup"], check=True)
    elif cgroups == "v1" and Path("/sys/fs/cgroup/unified").is_dir():
        subprocess.run(["umount", "/sys/fs/cgroup/unified"], check=True)


def own(pid: int) -> None:
    """Declares a child that its starter waits for."""
    _owned.add(pid)


def disown(pid: int) -> None:
    _owned.discard(pid)


def mounts(pid: int | str = "self") -> list[str]:
    """mountinfo without the ids, which differ from mount to mount: root, mount point, options, propagation, type,
    source, superblock options."""
    found = []
    for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines():
        fields = line.split()
        propagation = "shared" if any(f.startswith("shared:") for f in fields[6 : fields.index("-")]) else "private"
        found.append(" ".join([*fields[3:6], propagation, *fields[fields.index("-") + 1 :]]))
    return found


def cgroup_roots() -> list[Path]:
    """The top of every cgroup hierarchy that is mounted."""
    roots = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[fields.index("-") + 1] in ("cgroup", "cgroup2"):
            roots.append(Path(fields[4]))
    return roots


def cgroups() -> set[str]:
    """Directories of this test run in every hierarchy."""
    found = set()
    pending = [str(root) for root in cgroup_roots()]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                directories = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
            found.update(entry.path for entry in directories if TOKEN in entry.path)
            # A directory has two links and one for each below it: most have none, and many files.
            pending += [entry.path for entry in directories if os.lstat(entry.path).st_nlink > 2]
        except FileNotFoundError:
            continue  # somebody else's, just removed
    return found


def children(pid: int) -> list[int]:
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def descendants(ancestor: int | None = None) -> dict[int, str]:
    """pid → "comm state" of everything below this process but children that are waited for and what is below those."""
    found = {}
    pending = children(ancestor or os.getpid())
    while pending:
        pid = pending.pop()
        if pid in _owned:
            continue
        try:
            text = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        comm, state = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2]
        found[pid] = f"{comm} {state}"
        pending += children(pid)
    return found


def reap() -> None:
    """Waits for orphans that have ended; as a machine's pid 1 does."""
    for pid, name in descendants().items():
        if name.endswith(" Z") and pid not in _owned:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass  # not ours: its own parent has to wait for it


def snapshot() -> dict[str, set[str]]:
    """Everything that a test must leave as it was."""
    reap()
    state = {f"{d}/{name}" for d in ("/run/skiff", "/run/crun", "/run/runc") if os.path.isdir(d)
             for name in os.listdir(d) if TOKEN in name}
    return {
        # The launcher of WITHOUT ends when the kernel has forgotten the last process under its filter.
        "process": {f"{pid} {name}" for pid, name in descendants().items() if not name.startswith("without ")},
        "mount": {f"{line} #{n}" for n, line in _numbered(mounts())},
        "cgroup": cgroups(),
        "network link": _links(),
        "named namespace": set(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else set(),
        "state entry": state,
        "host name": {os.uname().nodename},
        "shared memory": set(Path("/proc/sysvipc/shm").read_text().splitlines()[1:]),
        "setting of the host": {f"{path}={Path(path).read_text().strip()}" for path in GUARDED},
        "device of the host": {f"/dev/{name} {os.stat(f'/dev/{name}')[:6]}" for name in ("null", "zero", "full", "random", "urandom", "tty")},
    }


def _numbered(lines: list[str]) -> list[tuple[int, str]]:
    counts: dict[str, int] = {}
    numbered = []
    for line in lines:
        counts[line] = counts.get(line, 0) + 1
        numbered.append((counts[line], line))
    return numbered


def _links() -> set[str]:
    return {line.split(":")[0].strip() for line in Path("/proc/self/net/dev").read_text().splitlines()[2:]}


def has_capability(number: int) -> bool:
    """Whether this process may still get a capability; 24 is CAP_SYS_RESOURCE, which some machines' root lacks."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("CapBnd:")[1].split()[0], 16) >> number & 1 == 1


def changes(before: dict[str, set[str]], patience: float = 2.0) -> list[str]:
    """What differs from `before`; things that are on their way out get `patience` seconds."""
    deadline = time.monotonic() + patience * PATIENCE
    while True:
        now = snapshot()
        found = [f"{kind} left behind: {item}" for kind in before for item in sorted(now[kind] - before[kind])]
        found += [f"{kind} gone: {item}" for kind in before if kind != "process"
                  for item in sorted(before[kind] - now[kind])]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.02)


def clean(before: dict[str, set[str]]) -> None:
    """After a failed test: ends its processes and removes its mounts and cgroups, so that the next one is judged on
    its own."""
    for pid in descendants():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    deadline = time.monotonic() + 3 * PATIENCE
    while descendants() and time.monotonic() < deadline:
        reap()
        time.sleep(0.01)
    for path, _, value in (item.partition("=") for item in before["setting of the host"]):
        if Path(path).read_text().strip() != value:
            Path(path).write_text(value)
    for item in before["device of the host"]:
        os.chown(item.split()[0], 0, 0)
    after = [line.split()[1] for line in mounts()]
    known = [item.split()[1] for item in before["mount"]]
    for point in reversed(after):
        if point in known:
            known.remove(point)
        else:
            subprocess.run(["umount", "-l", point.encode().decode("unicode_escape")], stderr=subprocess.DEVNULL)
    for directory in sorted(cgroups() - before["cgroup"], key=len, reverse=True):
        try:
            for pid in Path(directory, "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
            os.rmdir(directory)
        except OSError:
            pass  # busy or gone; the comparison has already named it
