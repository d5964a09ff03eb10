"""`--on-pressure`: the kernel's pressure triggers run a command on the host."""

import json
import os
import time
from pathlib import Path

import pytest

from skifftest.process import until

pytestmark = pytest.mark.vm

WINDOW = "2s"  # the least that every user may ask for
# Three loops on one processor: two of them always wait.
CROWD = ("--cpuset-cpus", "0", "busybox", "sh", "-c", "for i in 1 2 3; do while :; do :; done & done; wait")


def has_pressure() -> bool:
    roots = (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup"))
    return Path("/proc/pressure/cpu").exists() and any((root / "cgroup.controllers").exists() for root in roots)


needs_pressure = pytest.mark.skipif(not has_pressure(), reason="this kernel keeps no pressure, or there is no cgroup2")


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@needs_pressure
def test_a_command_runs_under_pressure_once_a_window(engine, scratch):
    out = scratch / "calls"
    command = f'echo "$(date +%s.%N) $SKIFF_CONTAINER $SKIFF_NAME $SKIFF_PRESSURE $SKIFF_PRESSURE_KIND $(id -u)" >>{out}; echo told'
    begin = time.monotonic()
    id = engine.detached("--name", "crowd", "--on-pressure", f"cpu:some:200ms/{WINDOW}:{command}", *CROWD)
    until(lambda: len(lines(out)) >= 2, "two calls", 30)
    seconds = time.monotonic() - begin
    calls = lines(out)
    assert calls[0].split()[1:] == [id, "crowd", "cpu", "some", str(os.getuid())]
    times = [float(line.split()[0]) for line in calls]
    assert min(b - a for a, b in zip(times, times[1:])) > 1.5, "at most once a window"
    assert len(calls) <= seconds / 2 + 1
    log = (engine.folder(id) / "monitor.log").read_text()
    assert "cpu some 200000us/2000000us: echo" in log and "\ntold\n" in log
    assert "told" not in engine.log(id)
    engine("rm", "-f", id).ok()
    done = len(lines(out))
    time.sleep(2.5)
    assert len(lines(out)) == done, "nothing comes after the end"


@needs_pressure
def test_several_and_none_without_pressure(engine, scratch):
    out = scratch / "calls"
    id = engine.detached("--on-pressure", f"memory:full:1s/{WINDOW}:echo memory >>{out}", "--on-pressure",
                         f"io:some:1s/{WINDOW}:echo io >>{out}", "busybox", "sleep", "100")
    time.sleep(3)
    assert not lines(out)
    assert len(json.loads((engine.folder(id) / "record.json").read_text())["pressureTriggers"]) == 2
    engine("rm", "-f", id).ok()


@needs_pressure
def test_a_command_that_fails_or_hangs_does_no_harm(engine, scratch):
    out = scratch / "calls"
    id = engine.detached("--on-pressure", f"cpu:some:100ms/{WINDOW}:echo >>{out}; sleep 5; exit 9", *CROWD)
    until(lambda: "ended with 9" in (engine.folder(id) / "monitor.log").read_text(), "the end is told", 30)
    assert len(lines(out)) <= 2, "one at a time"
    engine("rm", "-f", id).ok()


@pytest.mark.skipif("SKIFF_VM" not in os.environ, reason="needs the memory controller in version 2")
def test_memory_that_is_held_back_by_memory_high(engine, scratch):
    """The real thing: reclaim at memory.high stalls the writer of a file cache and of anonymous memory."""
    out = scratch / "calls"
    id = engine.detached("--on-pressure", f"memory:some:100ms/1s:echo $SKIFF_PRESSURE $SKIFF_CGROUP >>{out}", "--tmpfs", "/t",
                         "busybox", "sh", "-c", "sleep 1; while :; do dd if=/dev/zero of=/t/x bs=1M count=40 2>/dev/null; done")
    group = Path("/sys/fs/cgroup/skiff") / id
    (group / "memory.high").write_text(str(12 << 20))
    until(lambda: lines(out), "a call", 60)
    assert lines(out)[0] == f"memory /skiff/{id}"
    total = int((group / "memory.pressure").read_text().splitlines()[0].split("total=")[1])
    assert total >= 100_000
    engine("rm", "-f", id).ok()


@pytest.mark.parametrize("text, word", [
    ("memory:some:150ms/1s", "COMMAND"), ("disk:some:1s/2s:true", "disk"), ("cpu:most:1s/2s:true", "most"),
    ("cpu:some:3s/2s:true", "within"), ("cpu:some:0ms/2s:true", "above 0"), ("cpu:some:1ms/100ms:true", "500ms"),
    ("cpu:some:1/2:true", "1/2"), ("io:full:1s/20s:true", "10s"), ("io:full:1s/2s:  ", "no command"), ("", "RESOURCE")])
def test_triggers_that_make_no_sense(engine, text, word):
    engine("run", "--on-pressure", text, "busybox", "true").failed("--on-pressure", word, code=2)


def test_without_cgroups(engine):
    engine("--cgroup-manager", "disabled", "run", "--on-pressure", "cpu:some:1s/2s:true", "busybox", "true").failed(
        "--on-pressure", "cgroup")
