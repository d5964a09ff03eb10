"""Control groups in a view with version 2 only, whatever the machine mounts: who owns a group, what is refused (CG-*, RES-*)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from skifftest import host
from skifftest.program import skiff_path

pytestmark = pytest.mark.skiff_only

WRAPPER = """#!/bin/sh
[ -d /sys/fs/cgroup/memory ] || [ -d /sys/fs/cgroup/unified ] || exec {program} "$@"
exec unshare -m sh -c 'umount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec {program} "$@"' sh "$@"
"""
# What every group has, whatever the controllers.
DELEGATED = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"}


@pytest.fixture
def v2(rt, scratch):
    """The runtime sees one tree of version 2; gives where that tree is mounted here."""
    script = scratch / "in-v2"
    script.write_text(WRAPPER.format(program=rt.path))
    script.chmod(0o755)
    rt.path = str(script)
    unified = Path("/sys/fs/cgroup/unified")
    return unified if unified.is_dir() else Path("/sys/fs/cgroup")


def group(root: Path, pid: int) -> Path:
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return root / line[3:].lstrip("/")
    raise AssertionError("no version 2 group")


def owners(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_uid for path in directory.iterdir() if path.is_file()}


def writable_cgroup(bundle):
    for mount in bundle.config["mounts"]:
        if mount["destination"] == "/sys/fs/cgroup":
            mount["options"] = [o for o in mount["options"] if o != "ro"]
    return bundle


# ---- ownership ----

@pytest.mark.parametrize("user, owner", [(0, 100000), (5, 100005)])
def test_cg_7_8_the_group_belongs_to_the_programs_user_and_limits_to_the_host(rt, v2, bundle, user, owner):
    writable_cgroup(bundle).user_namespace().process["user"] = {"uid": user, "gid": user}
    with rt.sleeping(bundle) as container:
        directory = group(v2, container.pid)
        listed = set(Path("/sys/kernel/cgroup/delegate").read_text().split()) | DELEGATED
        assert directory.stat().st_uid == owner
        for name, uid in owners(directory).items():
            assert uid == (owner if name in listed else 0), name
        assert directory.stat().st_gid == 0
        [made] = container.probe(("mkdir", "/sys/fs/cgroup/own"))
        assert made["errno"] == ""


def test_cg_7_without_a_user_namespace_the_user_of_the_program_gets_it(rt, v2, bundle):
    writable_cgroup(bundle).process["user"] = {"uid": 1000, "gid": 1000}
    with rt.sleeping(bundle) as container:
        assert group(v2, container.pid).stat().st_uid == 1000


@pytest.mark.parametrize("why", ["read-only", "no namespace"])
def test_cg_7_otherwise_it_stays_with_the_host(rt, v2, bundle, why):
    bundle.user_namespace()
    if why == "no namespace":
        writable_cgroup(bundle).without_namespace("cgroup")
    with rt.sleeping(bundle) as container:
        directory = group(v2, container.pid)
        assert directory.stat().st_uid == 0 and set(owners(directory).values()) == {0}


# ---- groups that are in use ----

@pytest.fixture
def used(v2):
    """A group with a process in it."""
    path = v2 / f"{host.TOKEN}used"
    path.mkdir()
    process = subprocess.Popen(["sleep", "100"])
    (path / "cgroup.procs").write_text(str(process.pid))
    yield path
    (path / "cgroup.freeze").write_text("0")
    process.kill(), process.wait()
    path.rmdir()


def test_cg_5_a_group_with_processes_is_refused(rt, used, bundle):
    bundle.linux["cgroupsPath"] = f"/{used.name}"
    rt.refuse(bundle, used.name, "not empty")
    assert (used / "cgroup.procs").read_text().strip()


def test_cg_5_a_frozen_group_is_refused(rt, v2, bundle):
    path = v2 / f"{host.TOKEN}frozen"
    path.mkdir()
    (path / "cgroup.freeze").write_text("1")
    try:
        bundle.linux["cgroupsPath"] = f"/{path.name}"
        rt.refuse(bundle, path.name, "unexpectedly frozen")
    finally:
        path.rmdir()


def test_cg_5_exec_into_a_frozen_container_is_refused(rt, v2, bundle):
    with rt.sleeping(bundle) as container:
        rt("pause", container.id).ok()
        container.exec("/bin/true").failed("paused")
        rt("resume", container.id).ok()
        container.exec("/bin/true").ok()


def test_res_23_a_parent_with_processes_is_named(rt, v2, used, bundle):
    (v2 / "cgroup.subtree_control").write_text("+hugetlb")  # to be handed down by the parent
    bundle.linux["cgroupsPath"] = f"/{used.name}/below"
    bundle.linux["resources"]["hugepageLimits"] = [{"pageSize": "2MB", "limit": 0}]
    rt.refuse(bundle, used.name, "EBUSY", "processes")


# ---- devices ----

def test_cg_9_10_devices_by_kind_number_and_access(rt, v2, bundle):
    bundle.capabilities("CAP_MKNOD", "CAP_DAC_OVERRIDE").writable()
    bundle.linux["resources"]["devices"] = [
        {"allow": False, "access": "rwm"}, {"allow": True, "type": "b", "major": 7, "minor": 0, "access": "rw"},
        {"allow": False, "type": "b", "major": 7, "access": "w"}, {"allow": True, "type": "b", "major": 7, "minor": 2, "access": "r"},
    ]
    nodes = {"loop": ("b", 7, 0), "loop1": ("b", 7, 1), "loop2": ("b", 7, 2), "char": ("c", 7, 0)}
    answers = rt.answers(bundle, *[("mknod", f"/tmp/{n}", k, str(a), str(b)) for n, (k, a, b) in nodes.items()],
                         *[("open", f"/tmp/{name}", mode) for name in nodes for mode in ("r", "rw")])
    assert [a["errno"] for a in answers[:4]] == [""] * 4, "nodes may be made, as with every runtime"
    allowed = [a["errno"] != "EPERM" for a in answers[4:]]
    assert allowed == [True, False, False, False, True, False, False, False]


def test_cg_11_devices_stay_closed_while_rules_are_replaced(rt, v2, bundle, scratch):
    bundle.capabilities("CAP_MKNOD", "CAP_DAC_OVERRIDE").writable()
    # The loop inside ends with 1 as soon as the device opens once.
    bundle.shell("/bin/probe mknod /tmp/mem c 1 1 >/dev/null; echo ready; "
                 "while : ; do (: </tmp/mem) 2>/dev/null && exit 1; done")
    bundle.linux["resources"]["devices"] += [{"allow": True, "type": "c", "major": 1, "minor": 1, "access": "m"}]
    rules = scratch / "rules.json"
    rules.write_text('{"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 1, "minor": 1, "access": "m"}]}')
    with rt.container(bundle) as container:
        container.wait_text("ready")
        for _ in range(20):
            rt("update", "--resources", rules, container.id).ok()
        assert container.status == "running"


@pytest.fixture
def delegated(rt, v2, scratch):
    """The runtime belongs to user 1000 and sits in a group that was given to that user."""
    top = v2 / f"{host.TOKEN}user"
    (top / "session").mkdir(parents=True)
    for directory in (top, top / "session"):
        for path in (directory, *(directory / name for name in DELEGATED)):
            os.chown(path, 1000, 1000)
    program = scratch / "skiff"
    shutil.copy2(skiff_path(), program)
    enter = scratch / "as-user"
    enter.write_text(f"#!/bin/sh\necho $$ >/sys/fs/cgroup/{top.name}/session/cgroup.procs\n"
                     f'exec setpriv --reuid 1000 --regid 1000 --clear-groups {program} "$@"\n')
    enter.chmod(0o755)
    Path(rt.path).write_text(WRAPPER.format(program=enter))
    rt.root.mkdir()
    os.chown(rt.root, 1000, 1000)
    yield top
    (top / "session").rmdir()
    top.rmdir()


def test_cg_12_without_the_right_to_load_programs_a_user_namespace_does(rt, delegated, bundle):
    os.chown(bundle.path, 1000, 1000)
    bundle.user_namespace(host_id=1000, size=1).linux["cgroupsPath"] = f"/{delegated.name}/c1"
    bundle.drop_mount("/sys/fs/cgroup").drop_mount("/dev/pts").config["process"].pop("rlimits")
    bundle.probe(("write", "/dev/null", "x", "w"), ("mknod", "/dev/x", "c", "1", "1"))
    rt.globals.append("--debug")
    result = rt.run(bundle).ok()
    assert [line["errno"] for line in result.lines] == ["", "EPERM"]
    assert "device rules are left out" in result.err and "BPF_PROG_LOAD" in result.err


# ---- values that version 2 cannot have ----

@pytest.mark.parametrize("part, value, words", [
    ("memory", {"swappiness": 10}, ["memory.swappiness"]),
    ("memory", {"disableOOMKiller": True}, ["memory.disableOOMKiller"]),
    ("memory", {"limit": 1 << 26, "swap": 1 << 25}, ["memory.swap", "below the limit"]),
    ("memory", {"swap": 1 << 25}, ["memory.swap", "needs a memory limit"]),
    ("memory", {"limit": -2}, ["memory.limit", "-1 or more"]),
    ("memory", {"swappiness": 101}, ["memory.swappiness", "0 and 100"]),
    ("cpu", {"realtimeRuntime": 1000}, ["cpu.realtimeRuntime", "cgroup v2"]),
    ("cpu", {"realtimePeriod": 1000}, ["cpu.realtime", "cgroup v2"]),
    ("cpu", {"quota": 1000, "burst": 2000}, ["cpu.burst", "above the quota"]),
    ("cpu", {"idle": 2}, ["cpu.idle", "0 and 1"]),
    ("cpu", {"cpus": "1-"}, ["cpu.cpus", "0-3,7"]),
    ("cpu", {"mems": "x"}, ["cpu.mems", "0-3,7"]),
    ("cpu", {"quota": -2}, ["cpu.quota", "-1 or more"]),
    ("pids", {"limit": -2}, ["pids.limit", "-1 or more"]),
    ("blockIO", {"weight": 9}, ["blockIO.weight", "10"]),
    ("blockIO", {"weight": 1001}, ["blockIO.weight", "1000"]),
    ("blockIO", {"leafWeight": 100}, ["blockIO.leafWeight"]),
    ("blockIO", {"weightDevice": [{"major": 7, "minor": 0}]}, ["blockIO.weightDevice[0]", "weight"]),
    ("blockIO", {"weightDevice": [{"major": 7, "minor": 0, "leafWeight": 5}]}, ["blockIO.weightDevice[0].leafWeight"]),
    ("hugepageLimits", [{"pageSize": "2M", "limit": 0}], ["hugepageLimits[0].pageSize"]),
    ("hugepageLimits", [{"pageSize": "3MB", "limit": 0}], ["hugetlb.3MB"]),
    ("network", {"classID": 1}, ["network.classID", "net_cls"]),
    ("network", {"priorities": [{"name": "lo", "priority": 1}]}, ["network.priorities", "net_prio"]),
    ("rdma", {"mlx5_1": {}}, ["rdma", "hcaHandles or hcaObjects"]),
    ("unified", {"foo.bar": "1"}, ["unified", "foo"]),
    ("unified", {"hugetlb.no_such_file": "1"}, ["hugetlb.no_such_file"]),
    ("unified", {"cgroup.procs": "1"}, ["unified", "cgroup.procs", "not a limit"]),
    ("unified", {"a/b": "1"}, ["unified", "a/b"]),
    ("unified", {"plain": "1"}, ["unified", "controller.file"]),
], ids=lambda value: value if isinstance(value, str) else None)
def test_res_2_to_21_what_cannot_be_had_is_refused_by_name(rt, v2, bundle, part, value, words):
    bundle.linux["resources"][part] = value
    rt.refuse(bundle, *words)


@pytest.mark.parametrize("part, value", [
    ("memory", {"swappiness": 18446744073709551615, "disableOOMKiller": False, "kernel": 0, "kernelTCP": 0, "useHierarchy": False}),
    ("memory", {"limit": 0, "swap": 0, "reservation": 0}), ("cpu", {"shares": 0, "quota": 0, "period": 0, "realtimeRuntime": 0}),
    ("network", {}), ("blockIO", {"weight": 0, "leafWeight": 0}), ("rdma", {}), ("unified", {}), ("pids", {}),
    ("hugepageLimits", []), ("memory", {"kernel": 1 << 26, "kernelTCP": 1 << 26}),
])
def test_res_4_5_18_values_that_ask_for_nothing_are_accepted(rt, v2, bundle, part, value):
    bundle.linux["resources"][part] = value
    rt.report(bundle)


def test_res_17_20_21_huge_pages_and_unified_which_wins(rt, v2, bundle):
    if "hugetlb" not in (v2 / "cgroup.controllers").read_text().split():
        pytest.skip("no controller to try it with")
    bundle.linux["resources"]["hugepageLimits"] = [{"pageSize": "2MB", "limit": 4 << 20}]
    bundle.linux["resources"]["unified"] = {"hugetlb.2MB.max": str(8 << 20)}
    with rt.sleeping(bundle) as container:
        directory = group(v2, container.pid)
        assert (directory / "hugetlb.2MB.max").read_text().strip() == str(8 << 20)
        assert (directory / "hugetlb.2MB.rsvd.max").read_text().strip() == str(4 << 20)


def test_mnt_25_26_a_cgroup2_mount_shows_the_containers_own_and_changes_nothing_outside(rt, v2, bundle):
    def options() -> str:
        return next(line for line in host.mounts() if " - cgroup2" in line or line.split()[-2] == "cgroup2" or "cgroup2" in line)

    before = options()
    bundle.drop_mount("/sys/fs/cgroup").mount("/sys/fs/cgroup", "cgroup2", "cgroup", "nosuid", "nsdelegate", "memory_recursiveprot")
    answers = rt.answers(bundle, ("read", "/proc/self/cgroup"), ("list", "/sys/fs/cgroup"), ("mkdir", "/sys/fs/cgroup/x"))
    assert "0::/\n" in answers[0]["text"] and answers[2]["errno"] == ""
    assert "cgroup.events" in answers[1]["names"], "the root of the host's tree has no such file"
    assert options() == before
