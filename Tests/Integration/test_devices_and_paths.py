"""Device nodes and links, masked and read-only paths, sysctls (DEV-*, NDV-*, PATH-*, SYS-*)."""

import os
import subprocess
from pathlib import Path

import pytest

from skifftest import host

DEFAULT_DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}


def test_dev_5_default_devices_are_there_with_their_numbers_and_modes(rt, bundle):
    answers = rt.answers(bundle, *[("stat", f"/dev/{name}") for name in DEFAULT_DEVICES])
    for answer, (name, numbers) in zip(answers, DEFAULT_DEVICES.items()):
        assert (answer["kind"], (answer["major"], answer["minor"]), answer["mode"]) == ("char", numbers, 0o666), name
        assert (answer["uid"], answer["gid"]) == (0, 0)


def test_dev_5_default_devices_work(rt, bundle):
    answers = rt.answers(bundle, ("write", "/dev/null", "x", "w"), ("write", "/dev/full", "x", "w"), ("read", "/dev/null"))
    assert [a["errno"] for a in answers] == ["", "ENOSPC", ""] and answers[2]["result"] == 0


@pytest.mark.skipif(os.environ.get("RUNTIME") == "crun", reason="gives the host's /dev/null away")
def test_dev_5_default_devices_work_in_a_user_namespace_and_the_hosts_are_left_alone(rt, bundle):
    before = {name: os.stat(f"/dev/{name}")[:6] for name in DEFAULT_DEVICES}
    answers = rt.answers(bundle.user_namespace(), *[("stat", f"/dev/{n}") for n in DEFAULT_DEVICES], ("write", "/dev/null", "x", "w"))
    assert [(a["major"], a["minor"]) for a in answers[:-1]] == list(DEFAULT_DEVICES.values())
    assert answers[-1]["errno"] == ""
    after = {name: os.stat(f"/dev/{name}")[:6] for name in DEFAULT_DEVICES}
    for name in DEFAULT_DEVICES:
        os.chown(f"/dev/{name}", before[name][4], before[name][5])
    assert after == before


def test_dev_6_7_default_links(rt, bundle):
    names = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
             "core": "/proc/kcore", "ptmx": "pts/ptmx"}
    answers = rt.answers(bundle, *[("readlink", f"/dev/{n}") for n in names])
    for (name, target), answer in zip(names.items(), answers):
        if name == "core" and not Path("/proc/kcore").exists():
            continue
        assert answer.get("target", "").removeprefix("/dev/") == target, name


def test_dev_8_nothing_else_is_in_dev(rt, bundle):
    names = set(rt.answers(bundle, ("list", "/dev"))[0]["names"])
    assert names <= {*DEFAULT_DEVICES, "fd", "stdin", "stdout", "stderr", "core", "ptmx", "pts", "shm", "mqueue", "console"}


def test_dev_8_other_devices_cannot_be_used(rt, bundle):
    bundle.capabilities("CAP_MKNOD", "CAP_DAC_OVERRIDE").writable()
    answers = rt.answers(bundle, ("mknod", "/dev/kmsg", "c", "1", "11"), ("open", "/dev/kmsg", "r"), ("mknod", "/dev/disk", "b", "254", "0"),
                         ("open", "/dev/disk", "r"), ("open", "/dev/null", "rw"))
    if rt.name == "crun" and not Path("/sys/fs/cgroup/devices").exists():
        pytest.skip("no device controller in this view")
    assert answers[1]["errno"] in ("EPERM", "ENOENT") and answers[3]["errno"] in ("EPERM", "ENOENT")
    assert answers[4]["errno"] == ""


DEVICES = [
    {"path": "/dev/my-char", "type": "c", "major": 1, "minor": 3, "fileMode": 0o600, "uid": 5, "gid": 6},
    {"path": "/dev/deep/er/block", "type": "b", "major": 7, "minor": 0, "fileMode": 0o660},
    {"path": "/dev/pipe", "type": "p", "fileMode": 0o622, "uid": 1000},
    {"path": "/dev/unbuffered", "type": "u", "major": 1, "minor": 5, "fileMode": 0o444},
]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0])
def test_dev_1_3_listed_devices_exist_with_exact_modes_whatever_the_umask(rt, bundle, umask):
    bundle.linux["devices"] = DEVICES
    bundle.probe(*[("stat", d["path"]) for d in DEVICES]).write()
    answers = rt("run", "--bundle", bundle.path, rt.new_id(), preexec=lambda: os.umask(umask)).ok().lines
    for device, answer in zip(DEVICES, answers):
        assert answer["kind"] == {"c": "char", "u": "char", "b": "block", "p": "fifo"}[device["type"]], device
        assert answer["mode"] == device["fileMode"], device
        assert (answer["uid"], answer["gid"]) == (device.get("uid", 0), device.get("gid", 0)), device
        if "major" in device:
            assert (answer["major"], answer["minor"]) == (device["major"], device["minor"])


def test_dev_1_a_device_outside_dev(rt, bundle):
    bundle.writable().linux["devices"] = [{"path": "/opt/node", "type": "c", "major": 1, "minor": 3, "fileMode": 0o666}]
    assert rt.answers(bundle, ("stat", "/opt/node"))[0]["kind"] == "char"


@pytest.mark.peer(runc="ignores it", crun="ignores it")
def test_dev_2_another_file_in_the_way_is_refused(rt, bundle):
    (bundle.rootfs / "opt").mkdir()
    (bundle.rootfs / "opt/node").write_text("x")
    bundle.writable().linux["devices"] = [{"path": "/opt/node", "type": "c", "major": 1, "minor": 3}]
    rt.refuse(bundle, "/opt/node")
    assert (bundle.rootfs / "opt/node").read_text() == "x"


def test_dev_2_the_same_device_is_accepted(rt, bundle):
    (bundle.rootfs / "opt").mkdir()
    os.mknod(bundle.rootfs / "opt/node", 0o020666, os.makedev(1, 3))
    bundle.writable().linux["devices"] = [{"path": "/opt/node", "type": "c", "major": 1, "minor": 3, "fileMode": 0o666}]
    assert rt.answers(bundle, ("stat", "/opt/node"))[0]["kind"] == "char"


@pytest.mark.peer(runc="its device rules then shut the device out")
def test_dev_5_repeating_a_default_device_is_no_error(rt, bundle):
    bundle.linux["devices"] = [{"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o666, "uid": 0, "gid": 0}]
    assert rt.answers(bundle, ("write", "/dev/null", "x", "w"))[0]["errno"] == ""


# ---- masked and read-only paths ----

def test_path_1_masked_files_and_directories_show_nothing(rt, bundle):
    (bundle.rootfs / "etc/secret").write_text("secret")
    (bundle.rootfs / "etc/secrets").mkdir()
    (bundle.rootfs / "etc/secrets/one").write_text("secret")
    bundle.writable().linux["maskedPaths"] += ["/etc/secret", "/etc/secrets", "/etc/no-such-thing"]
    bundle.capabilities("CAP_DAC_OVERRIDE")
    read, write, listed, made = rt.answers(bundle, ("read", "/etc/secret"), ("write", "/etc/secret", "x", "w"), ("list", "/etc/secrets"),
                                           ("write", "/etc/secrets/two", "x"))
    assert read.get("text", "") == "" and listed["names"] == []
    assert made["errno"] in ("EROFS", "EACCES")
    assert (bundle.rootfs / "etc/secret").read_text() == "secret"


@pytest.mark.parametrize("path", ["/proc/keys", "/proc/timer_list", "/proc/kcore", "/proc/sched_debug"])
def test_path_1_default_masks_hide_what_the_kernel_would_show(rt, bundle, path):
    bundle.capabilities("CAP_DAC_OVERRIDE")
    answer = rt.answers(bundle, ("read", path))[0]
    assert answer["errno"] in ("ENOENT", "EACCES", "EPERM") or answer["text"] == ""


def test_path_1_default_masks_hide_sys_firmware(rt, bundle):
    assert rt.answers(bundle, ("list", "/sys/firmware"))[0]["names"] == []


@pytest.mark.skiff_only
def test_path_2_masked_directories_share_one_superblock(rt, bundle):
    for n in range(5):
        (bundle.rootfs / f"etc/d{n}").mkdir()
    bundle.linux["maskedPaths"] = [f"/etc/d{n}" for n in range(5)]
    lines = rt.report(bundle)["mountinfo"].splitlines()
    devices = {line.split()[2] for line in lines if line.split()[4].startswith("/etc/d")}
    assert len([line for line in lines if line.split()[4].startswith("/etc/d")]) == 5 and len(devices) == 1


@pytest.mark.parametrize("path", ["/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward"])
def test_path_3_read_only_paths_refuse_writing(rt, bundle, path):
    bundle.capabilities("CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_DAC_OVERRIDE")
    assert rt.answers(bundle, ("write", path, "1", "w"))[0]["errno"] == "EROFS"


@pytest.mark.peer(crun="drops them")
def test_path_3_read_only_paths_keep_other_flags_and_cover_submounts(rt, bundle, scratch):
    (scratch / "source/sub").mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", scratch / "source/sub"], check=True)
    try:
        bundle.bind(scratch / "source", "/mnt", "rbind", "nosuid", "noexec")
        bundle.linux["readonlyPaths"] += ["/mnt", "/no/such/path"]
        bundle.probe("report", ("write", "/mnt/x", "1"), ("write", "/mnt/sub/x", "1"))
        report, first, second = rt.run(bundle).ok().lines
    finally:
        subprocess.run(["umount", scratch / "source/sub"], check=True)
    options = [line.split()[5] for line in report["mountinfo"].splitlines() if line.split()[4] == "/mnt"][-1].split(",")
    assert {"ro", "nosuid", "noexec"} <= set(options)
    assert first["errno"] == "EROFS"
    if rt.name == "skiff":
        assert second["errno"] == "EROFS"


@pytest.mark.parametrize("kind", ["maskedPaths", "readonlyPaths"])
def test_path_4_a_symlink_never_leads_out_of_the_rootfs(rt, bundle, scratch, kind):
    canary = scratch / "canary"
    canary.mkdir()
    (canary / "file").write_text("x")
    (bundle.rootfs / "etc/out").symlink_to(canary)
    (bundle.rootfs / "etc/up").symlink_to("../../../../../../.." + str(canary))
    bundle.linux[kind] += ["/etc/out", "/etc/up", "/etc/out/file"]
    before = host.mounts()
    rt.run(bundle.probe(("echo", "x")))
    assert host.mounts() == before and (canary / "file").read_text() == "x"


# ---- sysctl ----

@pytest.mark.parametrize("key, value, path", [
    ("net.ipv4.ip_forward", "1", "/proc/sys/net/ipv4/ip_forward"),
    ("kernel.shmmax", "65536", "/proc/sys/kernel/shmmax"),
    ("kernel.msgmax", "16384", "/proc/sys/kernel/msgmax"),
    ("fs.mqueue.msg_max", "20", "/proc/sys/fs/mqueue/msg_max"),
    ("net.ipv4.ping_group_range", "0 1000", "/proc/sys/net/ipv4/ping_group_range"),
    ("kernel.sem", "250 32000 100 200", "/proc/sys/kernel/sem"),
])
def test_sys_1_sysctls_of_own_namespaces_are_written(rt, bundle, key, value, path):
    before = Path(path).read_text()
    bundle.linux["sysctl"] = {key: value}
    assert rt.answers(bundle, ("read", path))[0]["text"].split() == value.split()
    assert Path(path).read_text() == before


@pytest.mark.peer(crun="knows dots only")
def test_sys_2_keys_with_slashes(rt, bundle):
    bundle.linux["sysctl"] = {"net/ipv4/ip_forward": "1"}
    assert rt.answers(bundle, ("read", "/proc/sys/net/ipv4/ip_forward"))[0]["text"] == "1\n"


@pytest.mark.parametrize("key", ["kernel.core_pattern", "vm.swappiness", "kernel.pid_max", "net", "", "kernel.hostname2", "fs.file-max",
                                 "net.ipv4.no_such_key", "net.ipv4/../../kernel/core_pattern", "net/../kernel/core_pattern", "../x"])
def test_sys_2_keys_outside_own_namespaces_are_refused(rt, bundle, key):
    before = Path("/proc/sys/kernel/core_pattern").read_text(), Path("/proc/sys/vm/swappiness").read_text()
    bundle.linux["sysctl"] = {key: "7"}
    rt.refuse(bundle, "kernel parameter" if key.endswith("no_such_key") else "sysctl")
    assert (Path("/proc/sys/kernel/core_pattern").read_text(), Path("/proc/sys/vm/swappiness").read_text()) == before


@pytest.mark.parametrize("value", ["1\nx", "1+kernel.core_pattern=|/bin/evil"])
@pytest.mark.peer(crun="no check", runc="no check")
def test_sys_2_values_that_smuggle_are_refused(rt, bundle, value):
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": value}
    rt.refuse(bundle, "sysctl")


@pytest.mark.parametrize("key, kind", [("net.ipv4.ip_forward", "network"), ("kernel.shmmax", "ipc"), ("fs.mqueue.msg_max", "ipc")])
def test_sys_2_keys_of_a_shared_namespace_are_refused(rt, bundle, key, kind):
    bundle.without_namespace(kind).drop_mount("/dev/mqueue")
    if kind == "network":
        bundle.config["mounts"] = [m for m in bundle.config["mounts"] if not m["destination"].startswith("/sys")]
    before = Path("/proc/sys/" + key.replace(".", "/")).read_text()
    bundle.linux["sysctl"] = {key: "5555"}
    rt.refuse(bundle, "sysctl")
    assert Path("/proc/sys/" + key.replace(".", "/")).read_text() == before


@pytest.mark.peer(crun="compares the text", runc="compares in other ways")
def test_sys_3_keys_of_the_hosts_network_joined_by_path_are_refused(rt, bundle):
    bundle.namespace("network", "/proc/self/ns/net")
    before = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    try:
        rt.refuse(bundle, "sysctl")
        assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == before
    finally:
        Path("/proc/sys/net/ipv4/ip_forward").write_text(before)


def test_sys_1_kernel_domainname(rt, bundle):
    bundle.linux["sysctl"] = {"kernel.domainname": "example.net"}
    assert rt.report(bundle)["domainname"] == "example.net"


@pytest.mark.peer(runc="sets one after the other")
def test_sys_2_names_that_their_fields_set_otherwise(rt, bundle):
    bundle.config["domainname"] = "example.org"
    bundle.linux["sysctl"] = {"kernel.domainname": "example.org"}
    assert rt.report(bundle)["domainname"] == "example.org"
    bundle.linux["sysctl"] = {"kernel.domainname": "example.net"}
    rt.refuse(bundle, "kernel.domainname", "conflicts", "domainname")
    bundle.linux["sysctl"] = {"kernel.hostname": "box"}
    rt.refuse(bundle, "kernel.hostname", "conflicts", "hostname")
