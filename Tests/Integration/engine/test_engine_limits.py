"""Limits hold and the receipt tells of them."""

import json
import time
from pathlib import Path

from skifftest.process import until

import pytest

pytestmark = pytest.mark.vm


def test_a_memory_hog_is_killed_at_64m(engine):
    id = engine.detached("--memory", "64m", "busybox", "tail", "/dev/zero")
    assert engine("wait", id).ok().out == "137\n"
    exit = json.loads((engine.folder(id) / "exit.json").read_text())
    assert exit["wasOutOfMemory"] and exit["signal"] == 9
    text = engine("run", "--rm", "--usage", "--memory", "64m", "busybox", "tail", "/dev/zero").err
    assert "out-of-memory kills         1" in text and "own limit" in text
    peak = float(text.split("memory peak")[1].split()[0])
    assert 60 <= peak <= 64.1
    engine("rm", id).ok()


def test_a_fork_bomb_is_held(engine):
    id = engine.detached("--pids-limit", "64", "busybox", "sh", "-c",
                         "i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done; wait")
    engine.wait_log(id, "can't fork")
    engine("rm", "-f", id).ok()
    text = engine("run", "--rm", "--usage", "--pids-limit", "64", "busybox", "sh", "-c",
                  "i=0; while [ $i -lt 200 ]; do sleep 1 & i=$((i+1)); done", timeout=20).err
    assert "can't fork" in text and int(text.split("processes peak")[1].split()[0]) <= 64


def test_a_fifth_of_a_processor(engine):
    begin = time.monotonic()
    text = engine("run", "--rm", "--usage", "--cpus", "0.2", "--init", "busybox", "timeout", "3",
                  "sh", "-c", "while :; do :; done",
                  timeout=20).err
    wall = time.monotonic() - begin
    words = text.split("cpu time")[1].split()
    used = float(words[0]) * {"s": 1, "ms": 0.001}[words[1]]
    # The lower bounds are for a machine that others use, too.
    assert 0.1 <= used <= 0.3 * wall
    assert int(text.split("throttled periods")[1].split()[0]) > 2


def test_weights_divide_a_processor(engine):
    """Whatever else the machine does: both get their part of what is left. The virtual machine shows it closer."""
    busy = ["busybox", "sh", "-c", "while :; do :; done"]
    ids = [engine.detached("--cpuset-cpus", "0", "--cpu-weight", str(weight), *busy) for weight in (100, 300)]

    def used(id):
        words = Path(f"/proc/{engine.pid(id)}/stat").read_text().rsplit(")", 1)[1].split()
        return int(words[11]) + int(words[12])

    time.sleep(0.5)
    first = [used(id) for id in ids]
    until(lambda: used(ids[0]) - first[0] > 100, "a second of work", timeout=60)
    light, heavy = (used(id) - then for id, then in zip(ids, first))
    for id in ids:
        engine("rm", "-f", id).ok()
    assert 2.2 <= heavy / light <= 4


def test_limits_are_seen_inside(engine):
    out = engine("run", "--rm", "--ulimit", "nofile=100:200", "--shm-size", "1m", "--oom-score-adj", "500", "busybox",
                 "sh", "-c", "ulimit -n; ulimit -Hn; df -k /dev/shm | tail -1; cat /proc/self/oom_score_adj").ok().out
    lines = out.splitlines()
    assert lines[:2] == ["100", "200"] and "1024" in lines[2] and lines[3] == "500"
