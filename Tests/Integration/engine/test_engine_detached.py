"""Detached containers: monitor, log, stop, start again, attach, receipts."""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from skifftest import process

# What conmon needs.
MONITOR_LIMIT_KB = 340


def private_dirty(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"Private_Dirty:\s+(\d+) kB", text).group(1))


def test_log_exit_code_and_receipt(engine):
    id = engine.detached("--name", "talker", "busybox", "sh", "-c", "echo one; echo two >&2; exit 4")
    assert engine("wait", "talker").ok().out == "4\n"
    text = (engine.folder(id) / "log").read_text()
    assert re.search(r"^\S+Z stdout F one$", text, re.M) and re.search(r"^\S+Z stderr F two$", text, re.M)
    exit = json.loads((engine.folder(id) / "exit.json").read_text())
    assert exit["exitCode"] == 4 and exit["signal"] == 0 and not exit["wasOutOfMemory"]
    receipt = json.loads((engine.folder(id) / "receipt.json").read_text())
    assert receipt["name"] == "talker"
    engine("rm", "talker").ok()


def test_the_monitor_is_small_and_survives_the_terminal(engine):
    id = engine.detached("busybox", "sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; sleep 60")
    engine.wait_log(id, "line 1999")
    monitor = engine.monitor(id)
    os.sync()  # pages of a program that has just been built count as dirty until they are on the disk
    assert Path(f"/proc/{monitor}/comm").read_text().strip() == "skiff:[monitor]"
    # The program as it is released; without optimisation it needs half as much again.
    assert private_dirty(monitor) <= MONITOR_LIMIT_KB * (1.5 if "/debug/" in engine.program else 1)
    assert os.getsid(monitor) != os.getsid(0)
    os.kill(monitor, signal.SIGHUP)
    assert sorted(int(n) for n in os.listdir(f"/proc/{monitor}/fd"))[:3] == [0, 1, 2]
    assert {os.readlink(f"/proc/{monitor}/fd/{n}") for n in range(3)} == {"/dev/null"}
    assert engine("exec", id, "true").code == 0
    engine("rm", "-f", id).ok()


def test_stop_asks_first_and_start_keeps_the_files(engine):
    script = "echo x >> /count; trap 'echo bye; exit 3' TERM; echo ready $(wc -l < /count); while :; do sleep 0.05; done"
    id = engine.detached("--name", "keeper", "busybox", "sh", "-c", script)
    engine.wait_log(id, "ready 1")
    assert engine("stop", "keeper").ok().out == "keeper\n"
    assert engine("wait", "keeper").out == "3\n"
    assert engine("stop", "keeper").ok()
    engine("start", "keeper").ok()
    engine.wait_log(id, "ready 2")
    assert engine("start", "keeper").ok()
    engine("restart", "keeper").ok()
    engine.wait_log(id, "ready 3")
    engine("rm", "-f", "keeper").ok()
    assert engine.ids


def test_stop_ends_what_does_not_listen(engine):
    id = engine.detached("busybox", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    engine.wait_log(id, "ready")
    begin = time.monotonic()
    engine("stop", "-t", "1", id).ok()
    assert 0.9 < time.monotonic() - begin < 5
    assert engine("wait", id).out == "137\n"
    engine("rm", id).ok()


def test_stop_sends_the_stop_signal(engine):
    id = engine.detached("--stop-signal", "USR1", "busybox", "sh", "-c",
                         "trap 'exit 11' USR1; echo ready; while :; do sleep 0.05; done")
    engine.wait_log(id, "ready")
    engine("stop", id).ok()
    assert engine("wait", id).out == "11\n"
    engine("rm", id).ok()


def test_kill_pause_and_rename(engine):
    id = engine.detached("--name", "before", "busybox", "sh", "-c",
                         "trap 'exit 5' HUP; echo ready; while :; do sleep 0.05; done")
    engine.wait_log(id, "ready")
    engine("pause", "before").ok()
    engine("exec", "before", "true").failed("paused", code=125)
    engine("unpause", "before").ok()
    engine("rename", "before", "after").ok()
    engine("stop", "before").failed("no such container")
    engine("kill", "-s", "HUP", "after").ok()
    assert engine("wait", "after").out == "5\n"
    engine("rm", id[:12]).ok()


def test_a_paused_container_can_be_stopped_and_removed(engine):
    for verb in (["stop", "-t", "1"], ["rm", "-f"]):
        id = engine.detached("busybox", "sleep", "60")
        engine("pause", id).ok()
        engine(*verb, id).ok()
        engine("rm", "-f", id).ok()


def test_several_wait_and_one_that_removes_itself_is_still_answered(engine):
    id = engine.detached("--rm", "busybox", "sh", "-c", "trap 'exit 6' TERM; while :; do sleep 0.05; done")
    waiters = [engine.background("wait", id) for _ in range(3)]
    time.sleep(0.5)
    engine("stop", id).ok()
    assert [w.wait().out for w in waiters] == ["6\n"] * 3
    assert not engine.folder(id).exists()


def test_attach_shows_output_and_sends_input(engine):
    id = engine.detached("-i", "busybox", "sh", "-c", "while read line; do echo got $line; done")
    read, write = os.pipe()
    client = engine.background("attach", id, stdin=read)
    os.close(read)
    os.write(write, b"first\n")
    client.wait_text("got first")
    other = engine.background("attach", "--no-stdin", id)
    time.sleep(0.2)
    os.write(write, b"second\n")
    client.wait_text("got second")
    other.wait_text("got second")
    os.close(write)
    engine("kill", id).ok()
    assert client.wait().code == 137 and other.wait().code == 137
    engine("rm", id).ok()


def test_a_client_that_does_not_read_never_blocks_the_container(engine):
    id = engine.detached("busybox", "sh", "-c",
                         "read x < /dev/zero & i=0; while [ $i -lt 60000 ]; do echo 0123456789012345678901234567890123456789; "
                         "i=$((i+1)); done; echo finished; sleep 60")
    read, write = os.pipe()
    client = engine.background("attach", id, stdout=write)
    process.until(lambda: "finished" in (engine.folder(id) / "log").read_text()[-200:], "all is printed", 20)
    assert private_dirty(engine.monitor(id)) < 2048
    os.close(write)
    client.stop()
    os.close(read)
    engine("rm", "-f", id).ok()


def test_a_container_outlives_its_monitor_and_can_be_removed(engine):
    id = engine.detached("--name", "orphan", "busybox", "sleep", "60")
    os.kill(engine.monitor(id), signal.SIGKILL)
    time.sleep(0.2)
    engine("exec", "orphan", "true").ok()
    engine("stop", "-t", "0", "orphan").ok()
    engine("start", "orphan").ok()
    engine("rm", "-f", "orphan").ok()


def test_start_attached(engine):
    id = engine.detached("--name", "again", "busybox", "sh", "-c", "echo run; exit 8")
    engine("wait", id).ok()
    result = engine("start", "-a", "again")
    assert (result.code, result.out) == (8, "run\n")
    engine("rm", "again").ok()


def test_exec(engine):
    id = engine.detached("-e", "A=1", "busybox", "sleep", "60")
    assert engine("exec", "-e", "B=2", "-w", "/tmp", id, "sh", "-c", "echo $A $B $(pwd); exit 9").code == 9
    assert engine("exec", "-u", "1000:7", id, "sh", "-c", "echo $(id -u):$(id -g)").out == "1000:7\n"
    assert "CapEff:\t0000000000000000" in engine("exec", "-u", "1000", id, "cat", "/proc/self/status").out
    assert engine("exec", "-i", id, "cat", stdin=b"in\n").out == "in\n"
    assert engine("exec", id, "cat", stdin=b"in\n").out == ""
    engine("exec", id, "nosuch").failed("nosuch", code=127)
    engine("exec", id, "/etc/passwd").failed("passwd", code=126)
    engine("exec", "-d", id, "sh", "-c", "echo x > /made").ok()
    process.until(lambda: engine("exec", id, "cat", "/made").code == 0, "the detached program has run")
    engine("rm", "-f", id).ok()


def test_checkpoint_of_an_images_container_is_refused(engine):
    """Monitor, log and layers would be missing; the container goes on."""
    engine.detached("--name", "going", "busybox", "sleep", "600")
    engine("checkpoint", "going").failed("made from images", code=1)
    assert "going" in engine("ps").ok().out
    engine("rm", "--force", "going").ok()
