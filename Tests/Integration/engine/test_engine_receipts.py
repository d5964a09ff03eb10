"""Receipts of containers from images that survive them: `run --receipt FILE`."""

import json
import os
import signal

from skifftest.process import until


def receipts(file) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_receipt_outlives_its_container(engine, scratch):
    file = scratch / "bills.jsonl"
    result = engine.run("--receipt", file, "--name", "worker", "--label", "team=blue", "busybox", "sh", "-c", "exit 3")
    assert result.code == 3
    [receipt] = receipts(file)
    assert (receipt["name"], receipt["image"], receipt["exitCode"]) == ("worker", "busybox", 3)
    assert receipt["labels"]["team"] == "blue" and receipt["cgroup"].endswith(receipt["id"])
    assert receipt["figures"]["init.peak_resident"]["value"] > 0 and receipt["wallMicroseconds"] > 0


def test_each_run_adds_a_line(engine, scratch):
    file = scratch / "bills.jsonl"
    id = engine.detached("--annotation", f"org.skiff.receipt={file}", "busybox", "true")
    engine("wait", id).ok()
    engine("start", id).ok()
    engine("wait", id).ok()
    first, second = receipts(file)
    assert first["id"] == second["id"] == id and first["finishedNanoseconds"] <= second["startedNanoseconds"]
    engine("rm", id).ok()
    assert len(receipts(file)) == 2


def test_a_killed_monitor_does_not_lose_the_receipt(engine, scratch):
    """Whoever clears up adds it, without what only the monitor knew."""
    file = scratch / "bills.jsonl"
    id = engine.detached("--receipt", file, "busybox", "sleep", "100")
    os.kill(engine.monitor(id), signal.SIGKILL)
    engine("rm", "-f", id).ok()
    until(lambda: file.exists() and receipts(file), "the receipt")
    [receipt] = receipts(file)
    assert receipt["id"] == id and "exitCode" in receipt["unavailable"]


def test_bad_files_are_refused_before_anything_is_made(engine, scratch):
    engine("run", "--receipt", scratch, "busybox", "true").failed("receipt", "EISDIR")
    engine("run", "--receipt", scratch / "no/file", "busybox", "true").failed("receipt", "ENOENT", "folder")
    engine("run", "--receipt", "", "busybox", "true").failed("--receipt")
    engine("run", "--annotation", "org.skiff.receipt=here", "busybox", "true").failed("absolute", "here")
