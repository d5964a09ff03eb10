"""Limits hold, weights divide, a frozen container stands still; and the receipt says what happened. Each figure is compared
with a reading of the test's own: the files of a cgroup around the container's, which stay when the container is gone, those of
the container while it runs, or /proc and /sys of the machine."""

import os
import time
from pathlib import Path

import pytest

from skifftest import host
from skifftest.process import until

ROOT = Path("/sys/fs/cgroup")
DISK = "/dev/vda"
MIB = 1 << 20
BUSY = ["busybox", "sh", "-c", "while :; do :; done"]
SECOND = 1_000_000


class Around:
    """A cgroup of the test's around containers: what it counts includes those that are gone."""

    def __init__(self, name: str):
        self.path = ROOT / name
        self.path.mkdir()
        controllers = "+cpu +cpuset +memory +pids +io"
        (ROOT / "cgroup.subtree_control").write_text(controllers)
        (self.path / "cgroup.subtree_control").write_text(controllers)

    def option(self):
        return ["--cgroup-parent", self.path.name]

    def of(self, id: str) -> Path:
        return self.path / id

    def keyed(self, file: str) -> dict[str, int]:
        return keyed(self.path / file)


@pytest.fixture
def around(engine):
    made = Around(f"{host.TOKEN}around")
    yield made
    for path in [*made.path.glob("*/"), made.path]:
        path.rmdir()


def keyed(path: Path) -> dict[str, int]:
    return {key: int(value) for key, value in (line.split() for line in path.read_text().splitlines())}


def number(path: Path) -> int:
    return int(path.read_text())


def receipt(engine, id: str) -> dict:
    """The receipt as JSON; its figures as numbers, with `source` kept apart."""
    found = engine("usage", "--json", id).ok().json
    found["numbers"] = {name: figure.get("value") for name, figure in found["figures"].items()}
    return found


def end(engine, id: str) -> dict:
    engine("kill", "--signal", "KILL", id).ok()
    engine("wait", id).ok()
    found = receipt(engine, id)
    engine("rm", id).ok()
    return found


def sectors() -> tuple[int, int]:
    """Bytes that the machine has read from and written to the disk."""
    words = Path("/sys/block/vda/stat").read_text().split()
    return int(words[2]) * 512, int(words[6]) * 512


def device_line(path: Path) -> dict[str, int]:
    """What a cgroup's io.stat has of the disk."""
    prefix = Path("/sys/block/vda/dev").read_text().strip() + " "
    for line in path.read_text().splitlines():
        if line.startswith(prefix):
            return {key: int(value) for key, value in (word.split("=") for word in line.split()[1:] if "=" in word)}
    return {"rbytes": 0, "wbytes": 0}


def test_a_memory_hog_is_killed_at_its_own_limit(engine, around):
    result = engine("run", "--name", "hog", *around.option(), "--memory", "32m", "--memory-swap", "32m", "busybox", "tail", "/dev/zero",
                    timeout=120)
    assert result.code == 137
    found = receipt(engine, "hog")
    engine("rm", "hog").ok()
    numbers = found["numbers"]
    assert found["signal"] == 9 and found["outOfMemory"] == "own-limit"
    assert numbers["memory.oom_kills"] == around.keyed("memory.events")["oom_kill"] == 1
    assert numbers["memory.oom_events"] == around.keyed("memory.events")["oom"]
    assert numbers["memory.limit_hits"] == around.keyed("memory.events")["max"] > 0
    assert numbers["memory.limit"] == 32 * MIB
    # A group with children counts the descriptions of these too.
    assert 31 * MIB < numbers["memory.peak"] <= 32 * MIB and abs(number(around.path / "memory.peak") - numbers["memory.peak"]) < MIB
    assert numbers["memory.page_faults"] <= around.keyed("memory.stat")["pgfault"] < numbers["memory.page_faults"] + 200


def test_a_fork_bomb_is_held(engine, around):
    id = engine.detached("--name", "bomb", *around.option(), "--pids-limit", "32", "busybox", "sh", "-c", "b() { b | b & }; b; exec sleep 1000")
    group = around.of(id)
    until(lambda: keyed(group / "pids.events")["max"] > 0, "the limit is hit", timeout=60)
    # The machine goes on: another container can be started meanwhile.
    assert engine.run("busybox", "echo", "alive", timeout=60).ok().out == "alive\n"
    hits = keyed(group / "pids.events")["max"]
    assert number(group / "pids.current") <= 32
    numbers = end(engine, id)["numbers"]
    assert numbers["processes.peak"] == 32 == numbers["processes.limit"]
    assert numbers["processes.limit_hits"] >= hits > 0
    # What is above has at most the bomb and the other container's two processes.
    assert 32 <= number(around.path / "pids.peak") <= 34


def test_a_quota_of_processor_time(engine, around):
    id = engine.detached("--name", "fifth", *around.option(), "--cpus", "0.2", *BUSY)
    group = around.of(id)
    time.sleep(1)
    begin, first = time.monotonic(), keyed(group / "cpu.stat")
    time.sleep(6)
    wall, last = time.monotonic() - begin, keyed(group / "cpu.stat")
    share = (last["usage_usec"] - first["usage_usec"]) / SECOND / wall
    assert 0.18 <= share <= 0.22
    assert last["nr_throttled"] > first["nr_throttled"] and last["throttled_usec"] > first["throttled_usec"]
    found = end(engine, id)
    numbers = found["numbers"]
    total = around.keyed("cpu.stat")
    # What is above goes on counting while the group is taken away.
    assert numbers["cpu.usage"] <= total["usage_usec"] <= numbers["cpu.usage"] + SECOND // 5
    assert last["throttled_usec"] <= numbers["cpu.throttled_time"] <= last["throttled_usec"] + 3 * SECOND
    assert last["nr_throttled"] <= numbers["cpu.throttled_periods"] <= numbers["cpu.periods"]
    # The shell was the only process: rusage of the wait tells the same time.
    rusage = numbers["init.user"] + numbers["init.system"]
    assert abs(rusage - numbers["cpu.usage"]) < 0.15 * numbers["cpu.usage"] + SECOND // 20


def test_weights_of_1_to_3_divide_a_processor(engine, around):
    ids = [engine.detached("--name", f"weight{weight}", *around.option(), "--cpuset-cpus", "0", "--cpu-weight", str(weight), *BUSY) for weight in (100, 300)]
    groups = [around.of(id) for id in ids]
    assert [number(group / "cpu.weight") for group in groups] == [100, 300]
    time.sleep(1)
    first = [keyed(group / "cpu.stat")["usage_usec"] for group in groups]
    time.sleep(10)
    last = [keyed(group / "cpu.stat")["usage_usec"] for group in groups]
    light, heavy = (b - a for a, b in zip(first, last))
    assert 2.7 <= heavy / light <= 3.3
    # Nobody else was busy, so both together had the processor.
    assert light + heavy > 8 * SECOND
    for id, before in zip(ids, last):
        numbers = end(engine, id)["numbers"]
        assert before <= numbers["cpu.usage"] <= before + 10 * SECOND
        assert numbers["cpu.throttled_time"] == 0


@pytest.mark.parametrize("direction", ["read", "write"])
def test_a_limit_of_bytes_per_second_on_a_disk(engine, around, direction):
    rate, total = 4 * MIB, 24 * MIB
    copy = {"read": f"if={DISK} of=/dev/null iflag=direct", "write": f"if=/dev/zero of={DISK} oflag=direct"}[direction]
    before = sectors()
    # One small request first: the time of the rest is that of a copy under way.
    id = engine.detached("--name", "disk", *around.option(), "--device", DISK, f"--device-{direction}-bps", f"{DISK}:{rate}", "busybox", "sh", "-c",
                         f"dd {copy} bs=64k count={total // 65536} 2>/dev/null; echo done; exec sleep 1000")
    group = around.of(id)
    key = {"read": "rbytes", "write": "wbytes"}[direction]
    until(lambda: device_line(group / "io.stat").get(key, 0) > MIB, "the copy begins", timeout=60)
    begin, first = time.monotonic(), device_line(group / "io.stat")[key]
    time.sleep(4)
    wall, last = time.monotonic() - begin, device_line(group / "io.stat")[key]
    assert 0.9 * rate <= (last - first) / wall <= 1.1 * rate
    engine.wait_log(id, "done")
    found = end(engine, id)
    device = next(device for device in found["devices"] if f"{device['major']}:{device['minor']}" == Path("/sys/block/vda/dev").read_text().strip())
    moved = [now - then for now, then in zip(sectors(), before)]
    read, written = device["readBytes"] or 0, device["writeBytes"] or 0
    assert [read, written] == moved and (read, written)[direction == "write"] == total
    assert found["numbers"][f"io.{direction}_bytes"] == total == device_line(around.path / "io.stat")[key]


def test_processors_and_memory_nodes(engine, around):
    last = str((os.cpu_count() or 1) - 1)
    id = engine.detached("--name", "placed", *around.option(), "--cpuset-cpus", last, "--cpuset-mems", "0", *BUSY)
    status = dict(line.split(":", 1) for line in Path(f"/proc/{engine.pid(id)}/status").read_text().splitlines())
    assert (status["Cpus_allowed_list"].strip(), status["Mems_allowed_list"].strip()) == (last, "0")
    group = around.of(id)
    assert ((group / "cpuset.cpus.effective").read_text().strip(), (group / "cpuset.mems").read_text().strip()) == (last, "0")
    # A process of exec is placed, too.
    assert engine("exec", id, "grep", "Cpus_allowed_list", "/proc/self/status").ok().out.split()[1] == last
    engine("run", "--rm", "--cpuset-cpus", str(os.cpu_count()), "busybox", "true").failed("cpuset")
    numbers = end(engine, id)["numbers"]
    assert numbers["cpu.usage"] <= around.keyed("cpu.stat")["usage_usec"]


def test_a_frozen_container_uses_no_time(engine, around):
    id = engine.detached("--name", "frozen", *around.option(), *BUSY)
    group, pid = around.of(id), engine.pid(id)
    until(lambda: keyed(group / "cpu.stat")["usage_usec"] > SECOND // 2, "it works", timeout=60)
    engine("pause", id).ok()
    assert keyed(group / "cgroup.events")["frozen"] == 1
    first = keyed(group / "cpu.stat")["usage_usec"], ticks(pid)
    time.sleep(3)
    assert (keyed(group / "cpu.stat")["usage_usec"], ticks(pid)) == first
    engine("exec", id, "true").failed("paused")
    engine("unpause", id).ok()
    until(lambda: keyed(group / "cpu.stat")["usage_usec"] > first[0] + SECOND // 2, "it works again", timeout=60)
    found = end(engine, id)
    # Wall time goes on in the freezer, processor time does not.
    assert found["wallMicroseconds"] > found["numbers"]["cpu.usage"] + 2_500_000
    total = around.keyed("cpu.stat")["usage_usec"]
    assert found["numbers"]["cpu.usage"] <= total <= found["numbers"]["cpu.usage"] + SECOND // 5


def ticks(pid: int) -> list[str]:
    """User and system time of a process, by /proc."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]


def test_a_receipt_in_words(engine, around):
    """The text has the figures of the JSON."""
    result = engine("run", "--rm", "--usage", *around.option(), "--memory", "32m", "--cpus", "0.5", "busybox", "true").ok()
    assert "memory limit 32.0 MiB memory.max".split() in [line.split() for line in result.err.splitlines()]
    assert str(number(around.path / "pids.peak")) in next(line for line in result.err.splitlines() if line.startswith("processes peak"))
