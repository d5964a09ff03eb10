"""Options of limits: `run` and `update` set what the kernel then says, and refuse by name what cannot be had."""

from pathlib import Path

import pytest

from skifftest import host
from test_cgroups import MIB, directory, tree

pytestmark = pytest.mark.vm
DISK = Path("/sys/block/vda/dev")
NUMBER = DISK.read_text().strip() if DISK.exists() else None

# name: options, controller, file and text of v1, file and text of v2; a list instead of a file and text has the words of a refusal
OPTIONS = {
    "memory": (["--memory", "48m"], "memory", ("memory.limit_in_bytes", 48 * MIB), ("memory.max", 48 * MIB)),
    "memory-swap": (["--memory", "48m", "--memory-swap", "64m"], "memory",
                    ("memory.memsw.limit_in_bytes", 64 * MIB), ("memory.swap.max", 16 * MIB)),
    "no-swap": (["--memory", "48m", "--memory-swap", "48m"], "memory",
                ("memory.memsw.limit_in_bytes", 48 * MIB), ("memory.swap.max", 0)),
    "reservation": (["--memory-reservation", "24m"], "memory", ("memory.soft_limit_in_bytes", 24 * MIB), ("memory.low", 24 * MIB)),
    "high": (["--memory-high", "40m"], "memory", ["memory.high", "cgroup v1"], ("memory.high", 40 * MIB)),
    "min": (["--memory-min", "8m"], "memory", ["memory.min", "cgroup v1"], ("memory.min", 8 * MIB)),
    "swappiness": (["--memory-swappiness", "10"], "memory", ("memory.swappiness", 10), ["swappiness", "cgroup v2"]),
    "oom-group": (["--memory-oom-group"], "memory", ["memory.oom.group", "cgroup v1"], ("memory.oom.group", 1)),
    "oom-kill-disable": (["--oom-kill-disable"], "memory", ("memory.oom_control", "oom_kill_disable 1"), ["disableOOMKiller", "cgroup v2"]),
    "cpus": (["--cpus", "0.5"], "cpu", ("cpu.cfs_quota_us", 50000), ("cpu.max", "50000 100000")),
    "quota": (["--cpu-period", "50000", "--cpu-quota", "20000"], "cpu", ("cpu.cfs_period_us", 50000), ("cpu.max", "20000 50000")),
    "burst": (["--cpu-quota", "20000", "--cpu-burst", "5000"], "cpu", ("cpu.cfs_burst_us", 5000), ("cpu.max.burst", 5000)),
    "weight": (["--cpu-weight", "300"], "cpu", ("cpu.shares", 3072), ("cpu.weight", 300)),
    "shares": (["--cpu-shares", "2048"], "cpu", ("cpu.shares", 2048), ("cpu.weight", 174)),
    "idle": (["--cpu-idle", "1"], "cpu", ("cpu.idle", 1), ("cpu.idle", 1)),
    "uclamp": (["--cpu-uclamp-max", "50.5"], "cpu", ["cpu.uclamp.max", "cgroup v1"], ("cpu.uclamp.max", "50.50")),
    "cpuset": (["--cpuset-cpus", "0"], "cpuset", ("cpuset.cpus", 0), ("cpuset.cpus", 0)),
    "mems": (["--cpuset-mems", "0"], "cpuset", ("cpuset.mems", 0), ("cpuset.mems", 0)),
    "pids": (["--pids-limit", "33"], "pids", ("pids.max", 33), ("pids.max", 33)),
    "no-pids": (["--pids-limit", "-1"], "pids", ("pids.max", "max"), ("pids.max", "max")),
    "blkio-weight": (["--blkio-weight", "500"], "io", ("blkio.bfq.weight", 500), ("io.weight", "default 4950")),
    "weight-device": (["--blkio-weight-device", "/dev/vda:500"], "io", ("blkio.bfq.weight_device", f"{NUMBER} 500"), ("io.weight", f"{NUMBER} 4950")),
    "read-bps": (["--device-read-bps", "/dev/vda:1m"], "io", ("blkio.throttle.read_bps_device", f"{NUMBER} {MIB}"), ("io.max", f"{NUMBER} rbps={MIB} ")),
    "write-bps": (["--device-write-bps", "/dev/vda:2m"], "io", ("blkio.throttle.write_bps_device", f"{NUMBER} {2 * MIB}"), ("io.max", f" wbps={2 * MIB} ")),
    "read-iops": (["--device-read-iops", "/dev/vda:30"], "io", ("blkio.throttle.read_iops_device", f"{NUMBER} 30"), ("io.max", " riops=30 ")),
    "write-iops": (["--device-write-iops", "/dev/vda:40"], "io", ("blkio.throttle.write_iops_device", f"{NUMBER} 40"), ("io.max", " wiops=40")),
    "latency": (["--device-latency", "/dev/vda:10ms"], "io", ["io.latency", "cgroup v1"], ("io.latency", f"{NUMBER} target=10000")),
    "conf": (["--cgroup-conf", "memory.high=30000000", "--cgroup-conf", "pids.max=9"], "memory", ["memory.high", "cgroup v1"],
             ("memory.high", 30000000 // 4096 * 4096)),
    "hugetlb-conf": (["--cgroup-conf", "hugetlb.2MB.max=4194304", "--cgroup-conf", "hugetlb.2MB.rsvd.max=2097152"], "hugetlb",
                     ("hugetlb.2MB.rsvd.max", 2 * MIB), ("hugetlb.2MB.rsvd.max", 2 * MIB)),
    "misc-conf": (["--cgroup-conf", "misc.max=nothing 5"], "misc", ["misc.max"], ["misc.max", "EINVAL"]),
}


def shows(pid, place, text) -> None:
    found = (directory(pid, place[0]) / place[1]).read_text().strip()
    assert text in found and (found == text or len(text.split()) > 1 or "=" in text or ":" in text), found


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_of_run_is_what_the_kernel_has(engine, name):
    options, place, text = plain(name)
    if place is None:
        refused(engine, options, text)
        return
    result = engine("run", "-d", *options, "busybox", "sleep", "300")
    if result.code != 0:
        absent(result, place)
        return
    id = result.out.strip()
    shows(engine.pid(id), place, text)
    engine("rm", "-f", id).ok()


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_of_update_is_what_the_kernel_has(engine, name):
    options, place, text = plain(name)
    # Limits of every controller that is here, so that all of v1's groups exist.
    limits = {"memory": ["--memory", "100m"], "cpu": ["--cpus", "1"], "pids": ["--pids-limit", "40"], "cpuset": ["--cpuset-cpus", "0"]}
    given = [word for name, words in limits.items() if tree(name) for word in words]
    id = engine.detached("--name", "changed", *given, "busybox", "sleep", "300")
    before = everything(engine.pid(id))
    result = engine("update", *options, "changed")
    if place is None or result.code != 0:
        if place is None:
            for word in text:
                assert word in result.err
        else:
            absent(result, place)
        assert result.code != 0 and everything(engine.pid(id)) == before
    else:
        shows(engine.pid(id), place, text)
    engine("rm", "-f", id).ok()


def test_an_update_that_fails_at_its_last_file_restores_all_before(engine):
    """The kernel itself refuses the last write; by then memory, processor, processes, disk and devices have new limits."""
    if tree("hugetlb") is None or not (tree("hugetlb") / "cgroup.controllers").exists():
        pytest.skip("no hugetlb controller of version 2 in this view")
    wanted = {"memory": ["--memory", "70m", "--memory-reservation", "20m"], "cpu": ["--cpus", "0.7", "--cpu-shares", "77"], "pids": ["--pids-limit", "44"],
              "cpuset": ["--cpuset-cpus", "0"], "blkio" if tree("blkio") else "io": ["--device-read-bps", "/dev/vda:9m"] if NUMBER else []}
    words = [word for name, list in wanted.items() if tree(name) for word in list]
    id = engine.detached("--name", "kept", *[word for word in words if not word.startswith(("--memory-res", "20m"))], "busybox", "sleep", "300")
    before = everything(engine.pid(id))
    changed = [{"70m": "80m", "20m": "30m", "0.7": "0.9", "77": "99", "44": "55", "/dev/vda:9m": "/dev/vda:3m"}.get(word, word) for word in words]
    result = engine("update", *changed, "--cgroup-conf", "hugetlb.2MB.max=lots", "kept").failed("hugetlb.2MB.max", "EINVAL", "does not take this value")
    assert "not restored" not in result.err
    assert everything(engine.pid(id)) == before
    engine("update", *changed, "kept").ok()
    after = everything(engine.pid(id))
    assert len([name for name in before if before[name] != after[name]]) >= len(wanted) - 2 or not words
    engine("rm", "-f", id).ok()


def test_new_limits_hold_for_the_next_start_too(engine):
    if tree("memory") is None:
        pytest.skip("no memory controller in this view")
    limit = ("memory", "memory.max" if (tree("memory") / "cgroup.controllers").exists() else "memory.limit_in_bytes")
    processes = ("pids", "pids.max")
    id = engine.detached("--name", "again", "--memory", "64m", "--memory-swap", "80m", "--cpu-shares", "500", "busybox", "sleep", "300")
    engine("update", "--memory", "70m", "--pids-limit", "44", "--cpu-weight", "300", "again").ok()
    engine("restart", "-t", "0", "again").ok()
    shows(engine.pid(id), limit, str(70 * MIB))
    shows(engine.pid(id), processes, "44")
    shows(engine.pid(id), ("cpu", "cpu.weight" if limit[1] == "memory.max" else "cpu.shares"), "300" if limit[1] == "memory.max" else "3072")
    # Refused: neither the container nor its next start has it.
    engine("update", "--memory", "60m", "--cpuset-cpus", "4000", "again").failed("cpus")
    shows(engine.pid(id), limit, str(70 * MIB))
    engine("stop", "-t", "0", "again").ok()
    engine("update", "--memory", "nothing", "again").failed("--memory")
    engine("update", "--memory", "5m", "--memory-swap", "3m", "again").failed("swap")
    engine("update", "--memory", "75m", "again").ok()
    engine("start", "again").ok()
    shows(engine.pid(id), limit, str(75 * MIB))
    engine("rm", "-f", id).ok()


def test_a_limit_that_only_killing_could_reach_is_refused(engine):
    """cgroup v1 refuses it by itself, v2 would kill: then skiff refuses it."""
    if tree("memory") is None:
        pytest.skip("no memory controller in this view")
    # Held in memory by the shell: 30 million letters.
    id = engine.detached("--name", "held", "--memory", "200m", "busybox", "sh", "-c",
                         "x=$(head -c 30000000 /dev/zero | tr '\\0' x); echo ready; while :; do sleep 1; done")
    engine.wait_log(id, "ready")
    before = everything(engine.pid(id))
    engine("update", "--memory", "16m", "--memory-swap", "16m", "held").failed("memory")
    assert everything(engine.pid(id)) == before
    # What is only cached is no reason: a limit above what is held is taken.
    engine("update", "--memory", "150m", "--memory-swap", "150m", "held").ok()
    assert engine("exec", "held", "echo", "alive").ok().out == "alive\n"
    engine("rm", "-f", id).ok()


CONTRADICTIONS = [
    (["--memory", "10m", "--memory-swap", "5m"], ["--memory-swap", "not below --memory"]),
    (["--memory-swap", "5m"], ["--memory-swap"]),
    (["--memory", "10m", "--memory-reservation", "20m"], ["--memory-reservation", "above --memory"]),
    (["--cpus", "1", "--cpu-quota", "5000"], ["--cpus", "--cpu-quota"]),
    (["--cpu-weight", "5", "--cpu-shares", "5"], ["--cpu-weight", "--cpu-shares"]),
    (["--cpu-weight", "5", "--cpu-idle", "1"], ["--cpu-idle", "no weight"]),
    (["--cpu-weight", "0"], ["--cpu-weight", "1 to 10000"]),
    (["--cpu-weight", "10001"], ["--cpu-weight", "1 to 10000"]),
    (["--cpu-shares", "1"], ["--cpu-shares", "2 to 262144"]),
    (["--cpu-quota", "999"], ["--cpu-quota", "1000"]),
    (["--cpu-period", "2000000"], ["--cpu-period", "1000 to 1000000"]),
    (["--cpu-idle", "2"], ["--cpu-idle", "0 to 1"]),
    (["--cpu-uclamp-max", "100.1"], ["--cpu-uclamp-max", "0 to 100"]),
    (["--memory-swappiness", "101"], ["--memory-swappiness", "0 to 100"]),
    (["--pids-limit", "4194305"], ["--pids-limit", "4194304"]),
    (["--blkio-weight", "9"], ["--blkio-weight", "10 to 1000"]),
    (["--blkio-weight-device", "/dev/vda"], ["--blkio-weight-device", "DEVICE:VALUE"]),
    (["--device-read-bps", "/dev/null:1m"], ["--device-read-bps", "/dev/null is no block device"]),
    (["--device-read-bps", "/dev/nosuch:1m"], ["--device-read-bps", "/dev/nosuch", "ENOENT"]),
    (["--device-write-iops", "/dev/vda:-1"], ["--device-write-iops"]),
    (["--device-latency", "/dev/vda:10"], ["--device-latency", "10ms"]),
    (["--device-cgroup-rule", "c 1:3 rx"], ["--device-cgroup-rule", "c 1:3 rx"]),
    (["--device-cgroup-rule", "c 4096:3 r"], ["--device-cgroup-rule", "4096"]),
    (["--device-cgroup-rule", "d 1:3 r"], ["--device-cgroup-rule"]),
    (["--cgroup-conf", "pids.max"], ["--cgroup-conf", "NAME=VALUE"]),
    (["--cgroupns", "guest"], ["--cgroupns", "private or host"]),
    (["--cgroup-conf", "cgroup.procs=1"], ["cgroup.procs", "not a limit"]),
    (["--cgroup-conf", "../pids.max=1"], ["../pids.max", "file of the cgroup"]),
    (["--cgroup-conf", "nosuch.max=1"], ["nosuch.max", "no controller nosuch"]),
    (["--cgroup-parent", "../x"], ["cgroupsPath", ".."]),
]


@pytest.mark.parametrize("options, words", CONTRADICTIONS, ids=lambda v: " ".join(v)[:40])
def test_limits_that_make_no_sense_are_refused_before_anything_starts(engine, options, words):
    if "/dev/vda" in options[-1] and NUMBER is None:
        pytest.skip("no /dev/vda")
    result = engine("run", "-d", *options, "busybox", "sleep", "300").failed(*words)
    assert result.out == "" and len(result.err.strip().splitlines()) == 1
    # That no container, name, file or cgroup is left is what the fixture looks at.
    assert engine("ps", "-aq").ok().out == ""


def plain(name):
    options, controller, v1, v2 = OPTIONS[name]
    root = tree(controller) or (tree("blkio") if controller == "io" else None)
    if root is None:
        pytest.skip(f"no {controller} controller in this view")
    if "/dev/vda" in options[-1] and NUMBER is None:
        pytest.skip("no /dev/vda")
    is_unified = (root / "cgroup.controllers").exists()
    expected = v2 if is_unified else v1
    if isinstance(expected, list):
        return options, None, expected
    return options, (controller if is_unified or controller != "io" else "blkio", expected[0]), str(expected[1])


def refused(engine, options, words):
    result = engine("run", "-d", *options, "busybox", "sleep", "300").failed(*words)
    assert result.out == "" and len(result.err.strip().splitlines()) == 1


def absent(result, place):
    """The kernel, or the disk's scheduler, has no such limit: that is what the refusal says."""
    if "this kernel has no" in result.err:
        assert not any(path.exists() for root in host.cgroup_roots() for path in root.glob(f"*/{place[1]}"))
    else:
        assert "weight" in place[1] and "the disk's I/O scheduler has no weights" in result.err


def everything(pid) -> dict[str, str]:
    """All limits of a process' groups."""
    found = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        number, names, path = line.split(":", 2)
        for root in host.cgroup_roots():
            if (root / "cgroup.controllers").exists() != (number == "0") or number != "0" and not set(root.name.split(",")) & set(names.split(",")):
                continue
            for file in (root / path.lstrip("/")).iterdir():
                if file.is_file() and file.name.endswith((".max", ".high", ".low", ".min", ".weight", ".burst", ".idle", ".group", "limit_in_bytes", "_us",
                                                          ".shares", ".cpus", ".mems", "swappiness", "_device")) and "usage" not in file.name:
                    found[f"{root.name}/{file.name}"] = file.read_text()
    return found
