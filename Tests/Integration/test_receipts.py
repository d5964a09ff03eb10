"""`--receipt FILE` and the annotation org.skiff.receipt: what a bundle's container used, as a line of JSON."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skifftest.bundle import PROBE
from skifftest.process import until
from test_cgroups import MIB, directory, has, needs, tree, unique

pytestmark = [pytest.mark.vm, pytest.mark.skiff_only]


@pytest.fixture
def file(scratch):
    return scratch / "receipts.jsonl"


def receipts(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def is_v2(controller: str) -> bool:
    return (tree(controller) / "cgroup.controllers").exists()


def test_run_adds_a_line_at_the_end(rt, bundle, file):
    bundle.config["annotations"] = {"batch": "42"}
    bundle.shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 7")
    id = rt.new_id()
    assert rt.run(bundle, "--receipt", file, id=id).code == 7
    [receipt] = receipts(file)
    assert receipt["id"] == id and receipt["exitCode"] == 7 and receipt["labels"] == {"batch": "42"}
    assert receipt["bundle"] == str(bundle.path) and receipt["outOfMemory"] in ("none", "unknown")
    assert receipt["startedNanoseconds"] < receipt["finishedNanoseconds"]
    seconds = (receipt["finishedNanoseconds"] - receipt["startedNanoseconds"]) / 1e9
    assert abs(receipt["wallMicroseconds"] / 1e6 - seconds) < 0.1 and "unavailable" not in receipt
    figures = receipt["figures"]
    for figure in figures.values():
        assert set(figure) in ({"value", "source"}, {"unavailable"}), figure
    assert figures["cpu.usage"]["value"] > 0 and figures["cpu.usage"]["source"].startswith("cpu")
    assert figures["init.user"]["value"] + figures["init.system"]["value"] > 0
    assert oct(file.stat().st_mode & 0o777) == "0o600"


def test_delete_adds_it_for_create_and_start(rt, bundle, file):
    """The figures are those that the files hold after the last process has gone and before the directory goes."""
    bundle.config["annotations"] = {"org.skiff.receipt": str(file)}
    bundle.shell("echo ready; read x </dev/zero & sleep 0.3")
    c = rt.create(bundle)
    assert not file.exists(), "nothing is written before the end"
    c.start()
    c.wait_stopped()
    expected = {}
    if has("memory"):
        id = json.loads((rt.root / c.id / "state.json").read_text().splitlines()[-1])
        place = next(d["path"] for d in id["cgroup"]["directories"] if "memory" in d["controllers"])
        until(lambda: not (Path(place) / "cgroup.procs").read_text(), "the last process has gone")
        name = "memory.peak" if is_v2("memory") else "memory.max_usage_in_bytes"
        if (Path(place) / name).exists():
            expected["memory.peak"] = int((Path(place) / name).read_text())
    c.delete().ok()
    [receipt] = receipts(file)
    assert {name: receipt["figures"][name]["value"] for name in expected} == expected
    assert receipt["unavailable"] == {"exitCode": "the main process was not waited for by skiff"}
    assert "not waited for" in receipt["figures"]["init.user"]["unavailable"]
    assert 250_000 < receipt["wallMicroseconds"] and receipt["started"] < receipt["finished"]
    assert receipt["cgroup"].endswith(c.id)
    if has("memory"):
        assert receipt["memoryStatistics"]["anon" if is_v2("memory") else "total_rss"] >= 0
    if has("memory") and is_v2("memory"):
        assert receipt["memoryEvents"][0]["cgroup"] == receipt["cgroup"]
        assert receipt["memoryEvents"][0]["events"]["oom_kill"] == 0


def test_a_container_that_was_never_started_leaves_none(rt, bundle, file):
    c = rt.create(bundle.probe("report"), "--receipt", file)
    c.delete("--force").ok()
    bundle.process["args"] = ["/bin/nothing"]
    assert rt.run(bundle, "--receipt", file).code == 127
    assert not file.exists()


def test_a_detached_one_and_force(rt, bundle, file):
    id = rt.new_id()
    rt.run(bundle.probe("sleep"), "--detach", "--receipt", file, id=id).ok()
    rt("delete", "--force", id).ok()
    [receipt] = receipts(file)
    assert receipt["id"] == id and receipt["wallMicroseconds"] > 0


def test_relative_names_are_of_the_callers_directory(rt, bundle, scratch):
    (scratch / "here").mkdir()
    rt.run(bundle.probe("report"), "--receipt", "mine.jsonl", cwd=scratch / "here").ok()
    assert len(receipts(scratch / "here/mine.jsonl")) == 1


def test_many_containers_share_one_file(rt, bundle, file):
    bundle.probe("report").write()
    ids = [rt.new_id() for _ in range(9)]
    with ThreadPoolExecutor(3) as pool:
        for result in pool.map(lambda id: rt("run", "--bundle", bundle.path, "--receipt", file, id, timeout=90), ids):
            result.ok()
    assert {r["id"] for r in receipts(file)} == set(ids) and len(receipts(file)) == 9


@pytest.mark.parametrize("verb", ["create", "run"])
def test_bad_files_are_refused_before_anything_starts(rt, bundle, scratch, verb):
    bundle.probe("report")
    (scratch / "fifo").unlink(missing_ok=True)
    os.mkfifo(scratch / "fifo")
    for name, word in ((scratch, "EISDIR"), (scratch / "missing/file", "ENOENT"), (scratch / "fifo", "ENXIO"),
                       ("/proc/receipt", "/proc"), ("", "--receipt")):
        rt.refuse(bundle, word, "receipt", verb=verb, options=("--receipt", name))
    bundle.config["annotations"] = {"org.skiff.receipt": "relative.jsonl"}
    rt.refuse(bundle, "absolute", "relative.jsonl", verb=verb)
    assert not (scratch / "missing").exists()


def test_a_file_that_became_bad_is_a_warning(rt, bundle, scratch):
    """The container goes all the same."""
    (scratch / "folder").mkdir()
    c = rt.create(bundle.probe("report"), "--receipt", scratch / "folder/file")
    c.start()
    c.wait_stopped()
    (scratch / "folder").rmdir()
    result = c.delete().ok()
    assert "receipt" in result.err and "ENOENT" in result.err
    assert rt("state", c.id).code != 0


@needs("memory")
def test_a_kill_at_the_own_limit(rt, bundle, file):
    bundle.linux["resources"]["memory"] = {"limit": 24 * MIB, "swap": 24 * MIB}
    assert rt.run(bundle.probe(("hog", "60")), "--receipt", file).code == 137
    [receipt] = receipts(file)
    assert receipt["outOfMemory"] == "own-limit" and receipt["signal"] == 9 and "outOfMemoryCgroup" not in receipt
    assert receipt["figures"]["memory.oom_kills"]["value"] == 1
    if is_v2("memory"):
        assert receipt["memoryEvents"][0]["local"]["oom"] >= 1 and receipt["memoryEvents"][0]["limit"]["value"] == 24 * MIB


def parent(limit: int) -> tuple[Path, str]:
    """A cgroup of ours with a limit, above the container's."""
    name = unique("-parent")
    folder = tree("memory") / name.lstrip("/")
    folder.mkdir()
    if is_v2("memory"):
        (folder / "memory.max").write_text(str(limit))
        (folder / "memory.swap.max").write_text("0") if (folder / "memory.swap.max").exists() else None
    else:
        (folder / "memory.limit_in_bytes").write_text(str(limit))
    return folder, name


def forget(folder: Path) -> None:
    for name in (folder.name, ):
        for root in Path("/sys/fs/cgroup").glob("*/"):
            if (root / name).is_dir():
                (root / name).rmdir()
    if folder.is_dir():
        folder.rmdir()


@needs("memory")
def test_a_kill_at_the_parents_limit_is_called_the_parents(rt, bundle, file):
    """Must show 3: the container has a limit of its own, which is not reached."""
    folder, name = parent(32 * MIB)
    try:
        bundle.linux["cgroupsPath"] = f"{name}/{rt.new_id()}"
        bundle.linux["resources"]["memory"] = {"limit": 512 * MIB}
        assert rt.run(bundle.probe(("hog", "90")), "--receipt", file).code == 137
        [receipt] = receipts(file)
        assert receipt["outOfMemory"] == "outer-limit" and receipt["outOfMemoryCgroup"] == name
        assert receipt["figures"]["memory.oom_kills"]["value"] == 1
        if is_v2("memory"):
            own, above = receipt["memoryEvents"][:2]
            assert own["cgroup"].startswith(f"{name}/") and own["local"]["oom"] == 0 and own["local"]["oom_kill"] == 1
            assert above["cgroup"] == name and above["local"]["oom"] >= 1 and above["limit"]["value"] == 32 * MIB
            # An independent reading.
            local = dict(line.split() for line in (folder / "memory.events.local").read_text().splitlines())
            assert int(local["oom"]) == above["local"]["oom"]
        # The next container has nothing to do with it.
        bundle.linux["cgroupsPath"] = f"{name}/{rt.new_id()}"
        rt.run(bundle.probe("report"), "--receipt", file).ok()
        assert receipts(file)[1]["outOfMemory"] == "none"
        if is_v2("memory"):
            assert receipts(file)[1]["memoryEvents"][1]["local"]["oom"] == 0, "only what came since its start"
            # And one killed at its own limit below that parent is told apart.
            bundle.linux["cgroupsPath"] = f"{name}/{rt.new_id()}"
            bundle.linux["resources"]["memory"] = {"limit": 16 * MIB, "swap": 16 * MIB}
            assert rt.run(bundle.probe(("hog", "90")), "--receipt", file).code == 137
            assert receipts(file)[2]["outOfMemory"] == "own-limit"
    finally:
        forget(folder)


@needs("memory")
def test_a_hog_in_an_exec_is_reported(rt, bundle, file):
    """Must show 3: by the exit code of exec, by events as it happens, and in the receipt."""
    bundle.linux["resources"]["memory"] = {"limit": 32 * MIB, "swap": 32 * MIB}
    with rt.sleeping(bundle, "--receipt", file) as c:
        watcher = rt.background("events", "--interval", "1h", c.id)
        try:
            time.sleep(0.5)
            assert c.exec(PROBE, "hog", "90").code == 137
            until(lambda: '"oom"' in Path(watcher.out.name).read_text(), "events tells of it")
        finally:
            watcher.stop()
        assert c.status == "running"
    [receipt] = receipts(file)
    assert receipt["outOfMemory"] == "own-limit" and receipt["figures"]["memory.oom_kills"]["value"] == 1


@needs("io")
def test_disks_have_names(rt, bundle, file):
    if not is_v2("io") or not Path("/dev/vda").exists():
        pytest.skip("v1 counts only disks with a throttle" if not is_v2("io") else "no disk")
    bundle.linux["devices"] = [{"path": "/dev/disk", "type": "b", "major": 254, "minor": 0}]
    number = os.stat("/dev/vda").st_rdev
    bundle.linux["devices"][0].update(major=os.major(number), minor=os.minor(number))
    bundle.linux["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
    bundle.shell("dd if=/dev/disk of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null || dd if=/dev/disk of=/dev/null bs=64k count=16 2>/dev/null")
    rt.run(bundle, "--receipt", file).ok()
    [device] = receipts(file)[0]["devices"]
    assert device["name"] == "vda" and device["readBytes"] >= MIB
