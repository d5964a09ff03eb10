"""Limits as control groups show them, in the files of either version."""

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
FILES = {
    "memory": ("memory/memory.limit_in_bytes", "memory.max"),
    "quota": ("cpu/cpu.cfs_quota_us", "cpu.max"),
    "shares": ("cpu/cpu.shares", "cpu.weight"),
    "pids": ("pids/pids.max", "pids.max"),
    "cpus": ("cpuset/cpuset.cpus", "cpuset.cpus"),
}


def version() -> int:
    """1 or 2: where the memory controller is; 0 when there is none."""
    if (ROOT / "memory").is_dir():
        return 1
    controllers = ROOT / "cgroup.controllers"
    return 2 if controllers.exists() and "memory" in controllers.read_text().split() else 0


def paths(*names: str, group: str = "") -> list[str]:
    """The files of these limits: as a container sees its own, or those of `group` seen from outside."""
    found = []
    for name in names:
        first, _, rest = FILES[name][0].partition("/")
        found.append(f"{ROOT}/{first}{group}/{rest}" if version() == 1 else f"{ROOT}{group}/{FILES[name][1]}")
    return found


def check(text: str, **wanted: int | str) -> None:
    """The lines of `text` are the files' contents, in the order of `wanted`. Version 2 has weights for shares, by a formula
    that has changed over time: anything but the default of 100 will do."""
    lines = text.strip().splitlines()
    assert len(lines) == len(wanted), text
    for (name, value), line in zip(wanted.items(), lines, strict=True):
        if version() == 2 and name == "shares":
            assert line not in ("100", ""), f"{name}: {line}"
        elif version() == 2 and name == "quota":
            assert line == f"{value} 100000", f"{name}: {line}"
        else:
            assert line == str(value), f"{name}: {line}"
