"""Namespaces, id mappings, time offsets (NS-*, MAP-*, TIME-1)."""

import ctypes
import os
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from skifftest import host
from skifftest.process import until

# The specification's names and those of /proc/PID/ns.
FILES = {"pid": "pid", "network": "net", "mount": "mnt", "ipc": "ipc", "uts": "uts", "cgroup": "cgroup"}
FLAGS = {"network": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000, "user": 0x10000000, "cgroup": 0x02000000,
         "mount": 0x00020000, "time": 0x80}


def here(kind: str) -> str:
    return os.readlink(f"/proc/self/ns/{FILES.get(kind, kind)}")


@contextmanager
def holder(*kinds: str):
    """A process in new namespaces of these types; gives its pid."""
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        libc = ctypes.CDLL(None)
        flags = 0
        for kind in kinds:
            flags |= FLAGS.get(kind, 0)
        failed = libc.unshare(flags) if flags else 0
        os.write(done, b"n" if failed else b"y")
        signal.pause()
        os._exit(0)
    host.own(pid)
    try:
        assert os.read(ready, 1) == b"y"
        yield pid
    finally:
        os.close(ready), os.close(done)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        host.disown(pid)


@pytest.mark.parametrize("kind", list(FILES))
def test_ns_4_a_listed_namespace_is_new(rt, bundle, kind):
    assert rt.report(bundle.namespace(kind))["ns"][FILES[kind]] != here(kind)


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup"])
def test_ns_4_an_unlisted_namespace_is_the_callers(rt, bundle, kind):
    bundle.without_namespace(kind)
    bundle.config.pop("hostname")
    if kind == "network":  # sysfs belongs to a network namespace; this one is new to the hosts's
        bundle.drop_mount("/sys").drop_mount("/sys/fs/cgroup")
    if kind == "ipc":
        bundle.drop_mount("/dev/mqueue")
    assert rt.report(bundle)["ns"][FILES[kind]] == here(kind)


@pytest.mark.parametrize("kind", ["network", "ipc", "uts"])
def test_ns_2_a_namespace_is_joined_by_path(rt, bundle, kind):
    with holder(kind) as pid:
        path = f"/proc/{pid}/ns/{FILES[kind]}"
        bundle.namespace(kind, path)
        assert rt.report(bundle)["ns"][FILES[kind]] == os.readlink(path) != here(kind)


def test_ns_2_a_pid_namespace_is_joined_by_path(rt, bundle, make_bundle):
    with rt.sleeping(bundle) as c:
        path = f"/proc/{c.pid}/ns/pid"
        report = rt.report(make_bundle().namespace("pid", path))
        assert report["ns"]["pid"] == os.readlink(path)
        assert report["pid"] != 1
        assert 1 in report["processes"]


def test_ns_2_a_namespace_is_joined_by_bind_mounted_file(rt, bundle, scratch):
    target = scratch / "netns"
    target.touch()
    with holder("network") as pid:
        subprocess.run(["mount", "--bind", f"/proc/{pid}/ns/net", target], check=True)
        expected = os.readlink(f"/proc/{pid}/ns/net")
    try:
        assert rt.report(bundle.namespace("network", target))["ns"]["net"] == expected
    finally:
        subprocess.run(["umount", target], check=True)


def test_ns_2_a_cgroup_namespace_is_joined(rt, bundle):
    with holder("cgroup") as pid:
        path = f"/proc/{pid}/ns/cgroup"
        if rt.name == "runc":
            rt.lacks("joined too late to mount cgroups")
        assert rt.report(bundle.namespace("cgroup", path))["ns"]["cgroup"] == os.readlink(path)


@pytest.mark.parametrize("kind, given", [("network", "ipc"), ("pid", "uts"), ("ipc", "net"), ("uts", "mnt"), ("cgroup", "pid")])
def test_ns_3_a_path_of_another_type_is_refused(rt, bundle, kind, given):
    rt.refuse(bundle.namespace(kind, f"/proc/self/ns/{given}"), verb="run")


def test_ns_3_a_path_of_no_namespace_is_refused(rt, bundle):
    rt.refuse(bundle.namespace("network", "/etc/passwd"), "/etc/passwd")


def test_ns_3_a_missing_path_is_refused(rt, bundle):
    rt.refuse(bundle.namespace("network", "/no/such/file"), "/no/such/file", "no such file or directory")


@pytest.mark.peer(crun="takes the path from its directory", runc="no check")
def test_ns_2_a_relative_path_is_refused(rt, bundle):
    rt.refuse(bundle.namespace("network", "proc/self/ns/net"), "namespaces", "absolute")


@pytest.mark.peer(crun="no check")
def test_ns_5_a_duplicate_type_is_refused(rt, bundle):
    bundle.linux["namespaces"] += [{"type": "ipc"}]
    rt.refuse(bundle, "namespaces", "ipc")


def test_ns_6_a_pod_members_join_each_others_namespaces(rt, bundle, make_bundle):
    with rt.sleeping(bundle) as pod:
        member = make_bundle()
        for kind in ("network", "ipc", "uts"):
            member.namespace(kind, f"/proc/{pod.pid}/ns/{FILES[kind]}")
        member.config.pop("hostname")
        report = rt.report(member)
        for kind in ("network", "ipc", "uts"):
            assert report["ns"][FILES[kind]] == os.readlink(f"/proc/{pod.pid}/ns/{FILES[kind]}")
        assert report["ns"]["pid"] != os.readlink(f"/proc/{pod.pid}/ns/pid")
        assert report["hostname"] == "skifftest"


def test_ns_6_a_pod_with_a_user_namespace_is_joined(rt, bundle, make_bundle):
    with rt.sleeping(bundle.user_namespace()) as pod:
        member = make_bundle()
        for kind in ("user", "network", "ipc", "uts"):
            member.namespace(kind, f"/proc/{pod.pid}/ns/{FILES.get(kind, kind)}")
        member.config.pop("hostname")
        if rt.name == "runc":  # wants the mappings again
            rt.lacks("wants the mappings again")
        report = rt.report(member)
        assert report["ns"]["user"] == os.readlink(f"/proc/{pod.pid}/ns/user")
        assert report["ns"]["net"] == os.readlink(f"/proc/{pod.pid}/ns/net")
        assert report["uid_map"].split() == ["0", "100000", "65536"]
        assert report["uids"] == [0, 0, 0]


def test_ns_7_members_of_a_shared_pid_namespace_leave_nothing_behind(rt, bundle, make_bundle):
    with rt.sleeping(bundle) as pod:
        member = make_bundle().namespace("pid", f"/proc/{pod.pid}/ns/pid")
        member.probe(("orphans", "3"), ("echo", "ready"), "sleep")
        with rt.container(member) as c:
            c.wait_text("ready")
            inside = pod.probe("processes")[0]["processes"]
            assert len(inside) == 6  # pod, member, three orphans, this probe
        # The member's first process is a child of this test run, which takes it in.
        until(lambda: len(pod.probe("processes")[0]["processes"]) == 2, "only the pod's process and this probe are left")


def test_ns_8_a_container_in_the_hosts_pid_network_and_ipc(rt, bundle):
    for kind in ("pid", "network", "ipc"):
        bundle.without_namespace(kind)
    bundle.drop_mount("/dev/mqueue")
    bundle.config["mounts"] = [m for m in bundle.config["mounts"] if not m["destination"].startswith("/sys")]
    with rt.sleeping(bundle) as c:
        assert c.probe("report")[0]["ns"]["pid"] == here("pid")


def test_a_new_network_namespace_has_a_working_loopback(rt, bundle):
    assert rt.answers(bundle, "loopback")[0]["errno"] == ""


def test_map_1_mappings_are_written_as_given(rt, bundle):
    bundle.namespace("user")
    bundle.linux["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 10}, {"containerID": 10, "hostID": 200000, "size": 20},
                                   {"containerID": 1000, "hostID": 300000, "size": 1}]
    bundle.linux["gidMappings"] = [{"containerID": 0, "hostID": 110000, "size": 10}, {"containerID": 10, "hostID": 210000, "size": 5}]
    report = rt.report(bundle)
    assert [line.split() for line in report["uid_map"].splitlines()] == [
        ["0", "100000", "10"], ["10", "200000", "20"], ["1000", "300000", "1"]]
    assert [line.split() for line in report["gid_map"].splitlines()] == [["0", "110000", "10"], ["10", "210000", "5"]]
    assert report["uids"] == [0, 0, 0]


def test_map_1_the_program_runs_as_the_mapped_user_of_the_host(rt, bundle):
    with rt.sleeping(bundle.user_namespace(host_id=123456)) as c:
        assert os.stat(f"/proc/{c.pid}").st_uid == 123456


def test_map_1_exec_runs_under_the_same_mapping(rt, bundle):
    with rt.sleeping(bundle.user_namespace()) as c:
        report = c.probe("report")[0]
        assert report["uid_map"].split() == ["0", "100000", "65536"] and report["uids"] == [0, 0, 0]
        assert report["ns"]["user"] == os.readlink(f"/proc/{c.pid}/ns/user")


def test_map_2_owners_in_the_rootfs_are_left_alone(rt, bundle):
    def owners():
        return {str(p): (p.lstat().st_uid, p.lstat().st_gid) for p in bundle.rootfs.rglob("*")}
    before = owners()
    rt.report(bundle.user_namespace())
    after = owners()
    assert {k: v for k, v in after.items() if k in before} == before


def test_map_3_more_extents_than_the_kernel_takes_are_refused(rt, bundle):
    bundle.namespace("user")
    bundle.linux["uidMappings"] = [{"containerID": n, "hostID": 100000 + n * 2, "size": 1} for n in range(341)]
    bundle.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    rt.refuse(bundle, "uidMappings", "340")


@pytest.mark.parametrize("count", [6, 340])
def test_map_3_as_many_extents_as_the_kernel_takes(rt, bundle, count):
    bundle.namespace("user")
    bundle.linux["uidMappings"] = [{"containerID": n, "hostID": 1000 + n * 2, "size": 1} for n in range(count)]
    bundle.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    bundle.process["user"] = {"uid": 5, "gid": 5}
    bundle.capabilities()
    with rt.sleeping(bundle) as c:
        assert os.stat(f"/proc/{c.pid}").st_uid == 1010  # 2018-18955: ids of many extents are right


def test_map_3_overlapping_mappings_are_refused(rt, bundle):
    bundle.namespace("user")
    bundle.linux["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 10}, {"containerID": 5, "hostID": 200000, "size": 10}]
    bundle.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 10}]
    rt.refuse(bundle, "uidMappings")


@pytest.mark.peer(crun="no check", runc="no check")
def test_map_1_mappings_without_a_user_namespace_are_refused(rt, bundle):
    bundle.linux["uidMappings"] = bundle.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 10}]
    rt.refuse(bundle, "uidMappings")


@pytest.mark.peer(crun="uses a mapping of its own")
def test_map_1_a_user_namespace_without_mappings_is_refused(rt, bundle):
    rt.refuse(bundle.namespace("user"), "uidMappings")


def test_map_5_a_user_namespace_by_path(rt, bundle, make_bundle):
    if rt.name == "runc":
        rt.lacks("wants the mappings again")
    with rt.sleeping(bundle.user_namespace(host_id=300000)) as first:
        second = make_bundle().namespace("user", f"/proc/{first.pid}/ns/user")
        # New namespaces of the other types are then owned by the joined one.
        report = rt.report(second)
        assert report["ns"]["user"] == os.readlink(f"/proc/{first.pid}/ns/user")
        assert report["uid_map"].split() == ["0", "300000", "65536"]


def test_time_1_offsets_shift_the_clocks(rt, bundle):
    bundle.namespace("time")
    bundle.linux["timeOffsets"] = {"boottime": {"secs": 86400, "nanosecs": 0}, "monotonic": {"secs": 3600, "nanosecs": 500}}
    if rt.name != "skiff":
        rt.lacks("no time namespaces")
    outside = float(Path("/proc/uptime").read_text().split()[0])
    with rt.sleeping(bundle) as c:
        for report in (c.probe("report")[0],):
            assert 86395 < float(report["uptime"].split()[0]) - outside < 86410
            assert report["ns"]["time"] == os.readlink(f"/proc/{c.pid}/ns/time") != here("time")


@pytest.mark.skiff_only
@pytest.mark.parametrize("offsets, own", [({"realtime": {"secs": 1}}, True), ({"boottime": {"secs": 1}}, False)])
def test_time_1_wrong_offsets_are_refused(rt, bundle, offsets, own):
    if own:
        bundle.namespace("time")
    bundle.linux["timeOffsets"] = offsets
    rt.refuse(bundle, "timeOffsets")


@pytest.mark.parametrize("user", [False, True])
@pytest.mark.parametrize("network", [False, True])
@pytest.mark.parametrize("pid", [False, True])
def test_mnt_24_default_mounts_in_every_combination_of_namespaces(rt, bundle, user, network, pid):
    if user:
        bundle.user_namespace()
    if not network:
        bundle.without_namespace("network")
    if not pid:
        bundle.without_namespace("pid")
    if user and not (network and pid) and rt.name != "skiff":
        rt.lacks("no sysfs without an own network namespace")
    if user and not pid:
        pytest.skip("the kernel refuses a new proc of somebody else's pid namespace")
    mounted = {line.split()[4] for line in rt.report(bundle)["mountinfo"].splitlines()}
    assert {"/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys"} <= mounted
