"""Every type of namespace, new and joined, and what depends on them: time, devices, sysctls, annotations (NS-*, MAP-*, TIME-1,
DEV-*, SYS-*, ANN-*)."""

import os
import subprocess
from pathlib import Path

import pytest

from skifftest import host
from test_namespaces import FILES, here, holder

EVERY = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"]


def file(kind: str) -> str:
    return FILES.get(kind, kind)


# ---- types ----

@pytest.mark.skiff_only
def test_ns_1_all_eight_types_at_once(rt, bundle):
    bundle.user_namespace().namespace("time")
    with rt.sleeping(bundle) as container:
        [report] = container.probe("report")
        for kind in EVERY:
            assert report["ns"][file(kind)] == os.readlink(f"/proc/{container.pid}/ns/{file(kind)}") != here(kind), kind


@pytest.mark.skiff_only
def test_ns_1_an_unknown_type_is_refused(rt, bundle):
    bundle.linux["namespaces"].append({"type": "network2"})
    rt.refuse(bundle, "namespace type", "network2", "known")


@pytest.mark.skiff_only
def test_ns_2_a_time_namespace_is_joined_by_path(rt, bundle, make_bundle):
    bundle.namespace("time")
    bundle.linux["timeOffsets"] = {"boottime": {"secs": 5000}}
    with rt.sleeping(bundle) as first:
        path = f"/proc/{first.pid}/ns/time"
        report = rt.report(make_bundle().namespace("time", path))
        assert report["ns"]["time"] == os.readlink(path)
        assert float(report["uptime"].split()[0]) - float(Path("/proc/uptime").read_text().split()[0]) > 4900


@pytest.mark.skiff_only
def test_ns_2_a_mount_namespace_is_joined_by_path(rt, bundle, scratch):
    with holder("mount") as pid:
        path = f"/proc/{pid}/ns/mnt"
        before = host.mounts()
        assert rt.report(bundle.namespace("mount", path))["ns"]["mnt"] == os.readlink(path)
        assert host.mounts() == before


@pytest.mark.skiff_only
@pytest.mark.parametrize("kind, given, name", [("user", "net", "network"), ("time", "uts", "uts"), ("mount", "ipc", "ipc"),
                                               ("network", "user", "user"), ("ipc", "time", "time")])
def test_ns_3_the_message_names_both_types(rt, bundle, kind, given, name):
    rt.refuse(bundle.namespace(kind, f"/proc/self/ns/{given}"), f"{kind} namespace", f"another type: {name}")


@pytest.mark.skiff_only
def test_ns_6_pod_style_with_user_network_and_ipc_joined_and_the_rest_new(rt, bundle, make_bundle):
    with rt.sleeping(bundle.user_namespace()) as pod:
        member = make_bundle()
        for kind in ("user", "network", "ipc"):
            member.namespace(kind, f"/proc/{pod.pid}/ns/{file(kind)}")
        report = rt.report(member)
        for kind in ("user", "network", "ipc"):
            assert report["ns"][file(kind)] == os.readlink(f"/proc/{pod.pid}/ns/{file(kind)}")
        for kind in ("pid", "mount", "uts", "cgroup"):
            assert report["ns"][file(kind)] != os.readlink(f"/proc/{pod.pid}/ns/{file(kind)}")
        assert report["pid"] == 1


@pytest.mark.skiff_only
def test_ns_6_a_new_user_namespace_beside_joined_network_and_ipc(rt, bundle):
    with holder("network", "ipc") as pid:
        bundle.user_namespace()
        for kind in ("network", "ipc"):
            bundle.namespace(kind, f"/proc/{pid}/ns/{file(kind)}")
        report = rt.report(bundle.drop_mount("/sys").drop_mount("/sys/fs/cgroup").drop_mount("/dev/mqueue"))
        for kind in ("network", "ipc"):
            assert report["ns"][file(kind)] == os.readlink(f"/proc/{pid}/ns/{file(kind)}")
        assert report["uids"] == [0, 0, 0]


# ---- mappings and clocks ----

@pytest.mark.skiff_only
@pytest.mark.parametrize("uid, gid, words", [
    ([{"containerID": 0, "hostID": 100000, "size": 0}], None, ["uidMappings[0].size", "more than 0"]),
    ([{"containerID": 0, "hostID": 4294967295, "size": 2}], None, ["uidMappings[0].size", "last id"]),
    ([{"containerID": 1, "hostID": 100000, "size": 5}], None, ["uidMappings", "map id 0"]),
    (None, [], ["gidMappings", "required beside uidMappings"]),
    ([{"containerID": 0, "hostID": 1, "size": 5}, {"containerID": 9, "hostID": 3, "size": 5}], None, ["uidMappings[1]", "overlaps entry 0"]),
    ([{"containerID": -1, "hostID": 1, "size": 5}], None, ["containerID"]),
])
def test_map_3_wrong_ranges_are_refused(rt, bundle, uid, gid, words):
    bundle.user_namespace()
    if uid is not None:
        bundle.linux["uidMappings"] = uid
    if gid is not None:
        bundle.linux["gidMappings"] = gid
    rt.refuse(bundle, *words)


@pytest.mark.skiff_only
def test_map_5_other_mappings_than_those_of_the_joined_namespace_are_refused(rt, bundle, make_bundle):
    with rt.sleeping(bundle.user_namespace(host_id=300000)) as first:
        second = make_bundle().user_namespace(host_id=300000).namespace("user", f"/proc/{first.pid}/ns/user")
        assert rt.report(second)["uid_map"].split() == ["0", "300000", "65536"]
        third = make_bundle().user_namespace(host_id=400000).namespace("user", f"/proc/{first.pid}/ns/user")
        rt.refuse(third, "uid_map", "other mappings than the configuration")


@pytest.mark.skiff_only
@pytest.mark.parametrize("user", [False, True])
def test_time_1_monotonic_too_and_in_a_user_namespace(rt, bundle, user):
    if user:
        bundle.user_namespace()
    bundle.namespace("time").linux["timeOffsets"] = {"monotonic": {"secs": 7, "nanosecs": 5}, "boottime": {"secs": -3}}
    with rt.sleeping(bundle) as container:
        for report in (container.probe("report")[0], ):
            words = [line.split() for line in report["timens_offsets"].splitlines()]
            assert words == [["monotonic", "7", "5"], ["boottime", "-3", "0"]]


@pytest.mark.skiff_only
def test_time_1_nanoseconds_beyond_a_second_are_refused(rt, bundle):
    bundle.namespace("time").linux["timeOffsets"] = {"boottime": {"secs": 1, "nanosecs": 1000000000}}
    rt.refuse(bundle, "timeOffsets.boottime.nanosecs", "999999999")


# ---- devices ----

@pytest.mark.skiff_only
def test_dev_4_listed_devices_in_a_user_namespace_are_the_hosts_with_nosuid_and_noexec(rt, bundle):
    before = os.stat("/dev/loop0")[:6] if Path("/dev/loop0").exists() else None
    bundle.user_namespace().linux["devices"] = [
        {"path": "/dev/zero", "type": "c", "major": 1, "minor": 5, "fileMode": 0o600, "uid": 7},
        {"path": "/dev/pipe", "type": "p", "fileMode": 0o622}]
    report = rt.report(bundle)
    points = {line.split()[4]: line.split()[5].split(",") for line in report["mountinfo"].splitlines()}
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        assert {"nosuid", "noexec"} <= set(points[f"/dev/{name}"]), name
    zero, pipe = rt.answers(bundle, ("stat", "/dev/zero"), ("stat", "/dev/pipe"))
    assert (zero["kind"], zero["mode"]) == ("char", 0o666), "owner and mode of the host's node stay"
    assert (pipe["kind"], pipe["mode"]) == ("fifo", 0o622)
    assert before is None or os.stat("/dev/loop0")[:6] == before


@pytest.mark.skiff_only
def test_dev_4_a_device_that_the_host_has_not_is_refused(rt, bundle):
    bundle.user_namespace().linux["devices"] = [{"path": "/dev/not-there", "type": "c", "major": 1, "minor": 5}]
    rt.refuse(bundle, "/dev/not-there")


@pytest.mark.skiff_only
def test_dev_4_a_device_that_is_another_on_the_host_is_refused(rt, bundle):
    bundle.user_namespace().linux["devices"] = [{"path": "/dev/zero", "type": "c", "major": 1, "minor": 3}]
    rt.refuse(bundle, "/dev/zero", "another device")


@pytest.mark.skiff_only
@pytest.mark.parametrize("device, words", [
    ({"path": "dev/x", "type": "c", "major": 1, "minor": 3}, ["devices[0].path", "absolute"]),
    ({"path": "/dev/x", "type": "c"}, ["devices[0]", "major and minor"]),
    ({"path": "/dev/x", "type": "q", "major": 1, "minor": 3}, ["device type", "q"]),
    ({"path": "/dev/x", "type": "c", "major": 4096, "minor": 3}, ["devices[0].major", "4095"]),
    ({"path": "/dev/x", "type": "c", "major": 1, "minor": 1 << 20}, ["devices[0].minor"]),
    ({"path": "/dev/../x", "type": "c", "major": 1, "minor": 3}, ["devices[0].path"]),
    ({"path": "/dev/x", "type": "p", "fileMode": 0o200000}, ["devices[0].fileMode"]),
])
def test_dev_1_wrong_devices_are_refused(rt, bundle, device, words):
    bundle.linux["devices"] = [device]
    rt.refuse(bundle, *words)


def test_dev_6_no_links_without_proc(rt, bundle):
    bundle.drop_mount("/proc").linux["maskedPaths"] = []
    bundle.linux["readonlyPaths"] = []
    if rt.name != "skiff":
        pytest.skip("peers make them")
    answers = rt.answers(bundle, *[("readlink", f"/dev/{name}") for name in ("fd", "stdin", "stdout", "stderr")])
    assert [a["errno"] for a in answers] == ["ENOENT"] * 4


# ---- sysctls ----

@pytest.mark.skiff_only
@pytest.mark.parametrize("key, value", [("user.max_net_namespaces", "3"), ("user/max_ipc_namespaces", "4")])
def test_sys_1_keys_of_an_own_user_namespace(rt, bundle, key, value):
    path = "/proc/sys/" + key.replace(".", "/")
    before = Path(path).read_text()
    bundle.user_namespace().linux["sysctl"] = {key: value}
    assert rt.answers(bundle, ("read", path))[0]["text"].strip() == value
    assert Path(path).read_text() == before


@pytest.mark.skiff_only
def test_sys_2_keys_of_user_without_a_user_namespace_are_refused(rt, bundle):
    bundle.linux["sysctl"] = {"user.max_net_namespaces": "3"}
    rt.refuse(bundle, "sysctl", "user namespace", "user.max_net_namespaces")


@pytest.mark.skiff_only
@pytest.mark.parametrize("key", ["net.ipv4.conf.a/b.forwarding", "net/ipv4/conf/a.b/forwarding"])
def test_sys_2_names_with_a_dot_in_them(rt, bundle, key, scratch):
    script = scratch / "hook"
    script.write_text("#!/bin/sh\npid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')\n"
                      "nsenter --net=/proc/$pid/ns/net ip link add a.b type veth peer name b.a\n")
    script.chmod(0o755)
    bundle.hook("createRuntime", script, env=[f"PATH={os.environ['PATH']}"]).linux["sysctl"] = {key: "1"}
    [answer] = rt.answers(bundle, ("read", "/proc/sys/net/ipv4/conf/a.b/forwarding"))
    assert answer["text"].strip() == "1"


def test_sys_1_a_joined_network_namespace_that_is_not_the_hosts(rt, bundle):
    with holder("network") as pid:
        bundle.namespace("network", f"/proc/{pid}/ns/net").linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
        assert rt.answers(bundle, ("read", "/proc/sys/net/ipv4/ip_forward"))[0]["text"].strip() == "1"


@pytest.mark.skiff_only
@pytest.mark.parametrize("key, words", [
    ("net.ipv4..x", ["must be a name"]), ("net", ["must be a name"]), ("net/../kernel/core_pattern", ["must be a name"]),
    ("net.no.such.key", ["sys/net/no/such/key", "no such file"]), ("kernel.core_pattern", ["not a parameter of a namespace"]),
    ("kernel.hostname", ["conflicts with the field hostname"]),
])
def test_sys_2_wrong_keys_are_refused(rt, bundle, key, words):
    bundle.linux["sysctl"] = {key: "1"}
    rt.refuse(bundle, "sysctl" if "such" not in key else "net.no.such.key", *words)


# ---- annotations ----

@pytest.mark.skiff_only
def test_ann_3_annotations_of_other_runtimes_change_nothing_and_ours_are_listed(rt, bundle):
    listed = rt("features").ok().json["potentiallyUnsafeConfigAnnotations"]
    bundle.config["annotations"] = {
        "run.oci.hooks.stdout": "/tmp/x", "run.oci.mount_context_type": "context",
        "io.kubernetes.cri-o.userns-mode": "auto"}
    assert sorted(listed) == ["org.criu.config", "org.systemd.property.", "run.oci.keep_original_groups"]
    assert not any(key == name or name.endswith(".") and key.startswith(name) for key in bundle.config["annotations"] for name in listed)
    report = rt.report(bundle, preexec=lambda: os.setgroups([4, 5]))
    assert report["groups"] == []
