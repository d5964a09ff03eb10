"""`ps`, `inspect`, `images`, `rmi`, `logs`, `top`, `stats` and `usage`: what is known of containers and images."""

import datetime
import json
import os
import re
import time

import pytest

from skifftest import process

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


def test_ps(engine):
    assert engine("ps").ok().out.splitlines() == ["CONTAINER ID   IMAGE   COMMAND   CREATED   STATUS   NAMES"]
    assert engine("ps", "-a", "--format", "json").ok().json == []
    ended = engine.detached("--name", "ended", "busybox", "sh", "-c", "exit 7")
    engine("wait", "ended").ok()
    running = engine.detached("--name", "going", "-l", "tier=front", "busybox", "sleep", "600")
    rows = {row["name"]: row for row in engine("ps", "-a", "--format", "json").ok().json}
    assert (rows["ended"]["status"], rows["ended"]["exitCode"], rows["ended"]["id"]) == ("exited", 7, ended)
    assert (rows["going"]["status"], rows["going"]["image"]) == ("running", "busybox")
    assert rows["going"]["command"] == ["sleep", "600"] and rows["going"]["labels"]["tier"] == "front"
    assert "exitCode" not in rows["going"]
    for row in rows.values():
        age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(row["created"])
        assert 0 <= age.total_seconds() < 120 and re.fullmatch(TIME, row["started"])
    assert [row["name"] for row in engine("ps", "--format", "json").ok().json] == ["going"]
    assert engine("ps", "-q").ok().out == running[:12] + "\n"
    assert engine("ps", "-aq").ok().out.split() == [running[:12], ended[:12]]
    engine("pause", "going").ok()
    table = engine("ps", "-a").ok().out
    assert re.search(rf'^{running[:12]} +busybox +"sleep 600" .*Paused +going$', table, re.M)
    assert re.search(rf"^{ended[:12]} .*Exited \(7\).* ended$", table, re.M)
    engine("rm", "-f", "going", "ended").ok()


def test_inspect(engine):
    id = engine.detached("--name", "box", "--memory", "32m", "-e", "A=b", "--stop-signal", "USR2", "--stop-timeout", "3",
                         "busybox", "sleep", "600")
    [found] = engine("inspect", "box").ok().json
    assert (found["id"], found["name"], found["image"], found["network"]) == (id, "box", "busybox", "none")
    assert (found["stopSignal"], found["stopTimeoutSeconds"]) == ("SIGUSR2", 3)
    assert found["state"]["status"] == "running" and found["state"]["pid"] == engine.pid(id)
    assert found["imageDigest"].startswith("sha256:")
    assert found["configuration"]["linux"]["resources"]["memory"]["limit"] == 32 << 20
    assert "A=b" in found["configuration"]["process"]["env"]
    engine("kill", "box").ok()
    engine("wait", "box").ok()
    state = engine("inspect", id[:12]).ok().json[0]["state"]
    assert (state["status"], state["exitCode"], state["signal"], state["pid"]) == ("exited", 137, 9, 0)
    assert re.fullmatch(TIME, state["finished"]) and state["finished"] > state["started"]
    engine("inspect", "box", "nobody").failed("nobody")
    engine("rm", "box").ok()


def test_an_image_is_kept_while_a_container_has_it(empty_engine, busybox_archive):
    engine = empty_engine
    assert engine("images", "--format", "json").ok().json == []
    engine("load", busybox_archive).ok()
    engine("load", "--name", "other:1.2", busybox_archive).ok()
    rows = engine("images", "--format", "json").ok().json
    assert sorted((row["name"], row["tag"]) for row in rows) == [("busybox", "latest"), ("other", "1.2")]
    assert len({row["id"] for row in rows}) == 1
    id = engine.detached("--name", "user", "other:1.2", "sleep", "600")
    engine("rmi", "busybox").ok()  # the image has another name still
    engine("rmi", "other:1.2").failed("used by container", id)
    assert [row["name"] for row in engine("images", "--format", "json").ok().json] == ["other"]
    engine("stop", "-t", "0", "user").ok()
    engine("rmi", "other:1.2").failed("used by container", id)
    engine("rmi", "--force", "other:1.2").ok()
    rows = engine("images", "--format", "json").ok().json
    assert len(rows) == 1 and "name" not in rows[0]  # without a name it stays as long as the container
    engine("start", "user").ok()  # its layers are there as long as it is
    engine("exec", "user", "true").ok()
    engine("run", "other:1.2", "true").failed("other:1.2", code=125)
    engine("rm", "-f", "user").ok()
    engine("rmi", "other:1.2").failed("other:1.2", code=1)
    engine("load", busybox_archive).ok()
    engine("rmi", "busybox").ok()
    assert list((engine.store / "layers").iterdir()) == [] == list((engine.store / "images").iterdir())


def test_logs_of_both_streams_by_number_and_with_times(engine):
    id = engine.detached("--name", "talker", "busybox", "sh", "-c",
                         "for i in 1 2 3 4 5; do echo out $i; done; echo error >&2; printf unfinished")
    engine("wait", id).ok()
    shown = engine("logs", "talker").ok()
    assert (shown.out, shown.err) == ("out 1\nout 2\nout 3\nout 4\nout 5\nunfinished", "error\n")
    for words in (["--tail", "0"], ["-n", "0"]):
        shown = engine("logs", *words, "talker").ok()
        assert (shown.out, shown.err) == ("", "")
    shown = engine("logs", "--tail", "3", "talker").ok()
    assert (shown.out, shown.err) == ("out 5\nunfinished", "error\n")
    shown = engine("logs", "--timestamps", "--tail", "all", "talker").ok()
    assert all(re.match(rf"{TIME} (out \d|unfinished)$", line) for line in shown.out.splitlines())
    assert len(shown.out.splitlines()) == 6 and re.fullmatch(rf"{TIME} error\n", shown.err)
    engine("logs", "--tail", "few", "talker").failed("--tail", code=2)
    engine("logs", "nobody").failed("nobody")
    engine("rm", "talker").ok()


def test_a_long_line_counts_as_one(engine):
    id = engine.detached("busybox", "sh", "-c", "echo first; head -c 100000 /dev/zero | tr '\\0' x; echo; echo last")
    engine("wait", id).ok()
    assert engine("logs", id).ok().out == "first\n" + "x" * 100_000 + "\nlast\n"
    assert engine("logs", "--tail", "2", id).ok().out == "x" * 100_000 + "\nlast\n"
    timed = engine("logs", "-t", id).ok().out.splitlines()
    assert len(timed) == 3 and re.fullmatch(rf"{TIME} x{{100000}}", timed[1])
    engine("rm", id).ok()


def test_logs_that_follow_end_with_the_container(engine):
    id = engine.detached("-i", "busybox", "sh", "-c", "echo before; while read line; do echo got $line; done; exit 3")
    engine.wait_log(id, "before")
    reader = engine.background("logs", "-f", id)
    late = engine.background("logs", "--follow", "--tail", "0", id)
    reader.wait_text("before")
    read, write = os.pipe()
    client = engine.background("attach", id, stdin=read)
    os.close(read)
    for number in range(200):
        os.write(write, b"line %d\n" % number)
    reader.wait_text("got line 199\n")
    os.close(write)
    client.stop()
    engine("kill", id).ok()
    expected = "".join(f"got line {n}\n" for n in range(200))
    assert reader.wait().ok().out == "before\n" + expected
    assert late.wait().ok().out == expected
    engine("rm", id).ok()


def test_top_shows_the_processes_of_the_container_only(engine):
    engine.detached("--name", "box", "busybox", "sh", "-c", "sleep 601 & sleep 602 & wait")
    process.until(lambda: engine("top", "box").ok().out.count("sleep 60") >= 3, "three processes")
    lines = engine("top", "box").ok().out.splitlines()
    assert lines[0].split() == ["PID", "PPID", "STATE", "COMMAND"] and len(lines) == 4
    assert {line.split(None, 3)[3] for line in lines[1:]} >= {"sleep 601", "sleep 602"}
    assert all(os.path.exists(f"/proc/{line.split()[0]}") for line in lines[1:])
    engine("stop", "-t", "0", "box").ok()
    engine("top", "box").failed("does not run")
    engine("rm", "box").ok()


def test_stats_are_of_this_moment(engine):
    engine.detached("--name", "busy", "--memory", "64m", "--pids-limit", "50", "busybox", "sh", "-c",
                    "while :; do :; done")
    engine.detached("--name", "idle", "busybox", "sleep", "600")
    time.sleep(1)  # the share is that since the start
    rows = [json.loads(line) for line in engine("stats", "--no-stream", "--format", "json").ok().out.splitlines()]
    found = {row["name"]: row for row in rows}
    assert set(found) == {"busy", "idle"}
    assert found["busy"]["cpu_percent"] > 3 * found["idle"]["cpu_percent"] >= 0
    figures = found["busy"]["figures"]
    assert (figures["memory.limit"], figures["processes.limit"], figures["processes.current"]) == (64 << 20, 50, 1)
    assert 4096 < figures["memory.current"] <= figures["memory.peak"] < 64 << 20
    assert 0 < found["busy"]["memory_percent"] < 100 and found["idle"].get("memory_percent") is None
    assert found["idle"]["figures"]["memory.limit"] == "unlimited"
    table = engine("stats", "--no-stream", "busy").ok().out.splitlines()
    assert len(table) == 2 and "/ 64.0 MiB" in table[1] and table[1].split()[1] == "busy"
    engine("stats", "--no-stream", "nobody").failed("nobody")
    engine("rm", "-f", "busy", "idle").ok()


def test_the_receipt_is_of_the_latest_run(engine):
    engine.detached("--name", "worker", "busybox", "sh", "-c",
                    "test -e /second && exit 0; touch /second; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; "
                    "head -c 20000000 /dev/zero > /dev/shm/fill; exit 9")
    engine("wait", "worker", timeout=60).ok()
    first = engine("usage", "--json", "worker").ok().json
    assert (first["exitCode"], first["name"]) == (9, "worker")
    assert first["figures"]["memory.peak"]["value"] > 20_000_000 and first["figures"]["cpu.usage"]["value"] > 20_000
    text = engine("usage", "worker").ok().out
    assert re.search(r"^ended by +exit code 9$", text, re.M) and "memory.max_usage" in text or "memory.peak" in text
    engine("start", "worker").ok()
    engine("wait", "worker").ok()
    second = engine("usage", "--json", "worker").ok().json
    assert second["exitCode"] == 0 and second["started"] > first["finished"]
    assert second["figures"]["memory.peak"]["value"] < 20_000_000
    engine("rm", "worker").ok()


def test_there_is_no_receipt_before_the_end(engine):
    engine.detached("--name", "going", "busybox", "sleep", "600")
    engine("usage", "going").failed("no run has ended yet", "skiff stats")
    engine("rm", "-f", "going").ok()


@pytest.mark.parametrize("verb", ["logs", "top", "usage", "diff", "inspect", "stop", "start", "rename", "exec", "attach"])
def test_names_that_lead_elsewhere_are_not_found(engine, verb):
    more = {"rename": ["new"], "exec": ["true"]}.get(verb, [])
    for name in ("../x", "a/b", "..", "/etc", "x\ny"):
        engine(verb, name, *more).failed()
