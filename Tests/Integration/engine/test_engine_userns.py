"""--userns: containers in user namespaces of their own, whose images are not touched."""

import os
from pathlib import Path

import pytest

from skifftest import archives, process


@pytest.fixture
def store(empty_engine, busybox_archive):
    empty_engine("load", "--quiet", busybox_archive).ok()
    return empty_engine


def uid_map(engine, *words) -> list[list[int]]:
    text = engine.run(*words, "busybox", "cat", "/proc/self/uid_map").ok().out
    return [[int(word) for word in line.split()] for line in text.splitlines()]


def test_the_mappings_are_those_asked_for(store):
    assert uid_map(store, "--userns", "host") == [[0, 0, 4294967295]]
    assert uid_map(store, "--userns", "300000:400000:5000") == [[0, 300000, 5000]]
    assert uid_map(store, "--uidmap", "0:300000:10", "--uidmap", "10:500000:20") == [[0, 300000, 10], [10, 500000, 20]]
    (inside, outside, size), = uid_map(store, "--userns", "auto")
    assert (inside, size) == (0, 65536) and outside >= 65536
    assert uid_map(store, "--userns", "auto:size=1000")[0][2] == 1000


def test_files_belong_to_root_inside_and_to_the_range_outside(store):
    layer, = (store.store / "layers").iterdir()
    before = {str(p): (p.lstat().st_uid, p.lstat().st_ctime_ns) for p in (layer / "fs").rglob("*")}
    store("run", "--name", "box", "--userns", "300000:400000:5000", "busybox", "sh", "-ec",
          "stat -c '%u %g' / /bin/busybox /etc/hosts; id -u; echo 1 >/new; chown 7:8 /new; chmod 4755 /new; "
          "mkdir /dir; chown 3 /bin; rm /bin/vi; stat -c '%u %g' /new /dir; echo 1 >>/etc/hosts").ok()
    assert store("logs", "box").ok().out == "0 0\n" * 3 + "0\n7 8\n0 0\n"
    upper = next((store.store / "snapshots").iterdir()) / "upper"
    assert [(p.stat().st_uid, p.stat().st_gid) for p in (upper / "new", upper / "dir", upper)] == [
        (300007, 400008), (300000, 400000), (300000, 400000)]
    after = {str(p): (p.lstat().st_uid, p.lstat().st_ctime_ns) for p in (layer / "fs").rglob("*")}
    assert before == after, "the image has changed"
    # Started again, it is the same; a commit has the ids that the container sees.
    store("start", "box").ok()
    store("wait", "box").ok()
    store("commit", "box", "made").ok()
    store("rm", "box").ok()
    assert store.run("made", "stat", "-c", "%u %g %a", "/new", "/dir", "/bin", "/bin/sh").ok().out == (
        "7 8 4755\n0 0 755\n3 0 755\n0 0 755\n")


def test_auto_gives_each_container_its_own_ids_until_it_is_removed(store):
    ids = [store.detached("--userns", "auto", "busybox", "sleep", "100") for _ in range(3)]
    starts = [int(Path(f"/proc/{store.pid(id)}/uid_map").read_text().split()[1]) for id in ids]
    assert len({start // 65536 for start in starts}) == 3 and max(starts) - min(starts) >= 2 * 65536
    store("rm", "--force", ids[1]).ok()
    ids[1] = store.detached("--userns", "auto", "busybox", "sleep", "100")
    assert int(Path(f"/proc/{store.pid(ids[1])}/uid_map").read_text().split()[1]) == starts[1]
    for id in ids:
        store("rm", "--force", id).ok()


def test_exec_cp_logs_and_volumes(store):
    id = store.detached("--name", "box", "--userns", "auto", "-v", "data:/data", "busybox", "sh", "-c",
                        "echo started; touch /data/mine; sleep 100")
    store.wait_log(id, "started")
    assert store("exec", "box", "sh", "-c", "id -u; stat -c %u /data /data/mine").ok().out == "0\n0\n0\n"
    source = store.scratch / "source"
    source.write_text("text")
    store("cp", source, "box:/copied").ok()
    assert store("exec", "box", "stat", "-c", "%u %g", "/copied").ok().out == "0 0\n"
    store("cp", "box:/copied", store.scratch / "back").ok()
    assert (store.scratch / "back").stat().st_uid == 0
    assert "started" in store("logs", "box").ok().out and "A /copied" in store("diff", "box").ok().out
    store("export", "-o", store.scratch / "x.tar", "box").ok()
    found = {e["name"]: e for e in archives.entries((store.scratch / "x.tar").read_bytes())}
    assert found["copied"]["uid"] == 0 and found["bin/busybox"]["uid"] == 0
    store("stop", "-t", "0", "box").ok()
    store("cp", source, "box:/again").ok()
    store("cp", "box:/again", store.scratch / "back2").ok()
    store("rm", "box").ok()
    process.run(["rm", "-r", store.store / "volumes/data"], scratch=store.scratch, env=store.env).ok()


def test_with_terminal_init_limits_and_host_network(store):
    assert store.run("--userns", "auto", "--init", "--memory", "64m", "busybox", "id", "-u").ok().out == "0\n"
    assert store.run("--userns", "auto", "--network", "host", "busybox", "sh", "-c", "id -u; ls /sys").ok().out.startswith("0\n")
    assert store.run("--userns", "auto", "--user", "5:6", "busybox", "id").ok().out.startswith("uid=5 gid=6")
    assert store.run("--userns", "auto", "--read-only", "--tmpfs", "/scratch", "busybox", "touch", "/scratch/x").ok()
    # It has no rights over what is the host's.
    store.run("--userns", "auto", "--privileged", "busybox", "sh", "-c", "echo 1 >/proc/sys/kernel/printk").failed()


@pytest.mark.parametrize("words, message", [
    (("--userns", "mine"), "host, auto, auto:size=N or UID:GID:SIZE"),
    (("--userns", "auto:size=0"), "is not known"),
    (("--userns", "1:2"), "is not known"),
    (("--userns", "4294967295:0:2"), "there are no such ids"),
    (("--uidmap", "5:6:7"), "none of them maps 0"),
    (("--uidmap", "0:x:7"), "is not INSIDE:OUTSIDE:SIZE"),
    (("--userns", "auto", "--uidmap", "0:1:2"), "give one"),
])
def test_bad_input(store, words, message):
    result = store.run(*words, "busybox", "true")
    assert result.code in (2, 125) and message in result.err, result
