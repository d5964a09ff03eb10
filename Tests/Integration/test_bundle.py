"""Bundles and configurations, good and bad; the root file system (BND-*, ROOT-*)."""

import json
import os
import resource
import shutil
import subprocess

import pytest

from skifftest import process


def test_bnd_1_a_bundle_without_configuration_is_refused(rt, bundle):
    bundle.write()
    (bundle.path / "config.json").unlink()
    rt.refuse(bundle, "config.json", "no such file or directory", write=False)


def test_bnd_1_a_missing_bundle_is_refused(rt, bundle):
    shutil.rmtree(bundle.path)
    rt.refuse(bundle, str(bundle.path), "no such file or directory", write=False)


def test_bnd_1_a_file_as_bundle_is_refused(rt, bundle):
    shutil.rmtree(bundle.path)
    bundle.path.write_text("x")
    rt.refuse(bundle, str(bundle.path), write=False)


@pytest.mark.skiff_only
def test_bnd_1_a_configuration_that_is_no_file_is_refused(rt, bundle):
    (bundle.path / "config.json").mkdir()
    rt.refuse(bundle, "config.json", write=False)
    (bundle.path / "config.json").rmdir()
    os.mkfifo(bundle.path / "config.json")
    rt.refuse(bundle, "config.json", write=False, timeout=5)


def test_bnd_2_a_missing_rootfs_is_refused(rt, bundle):
    bundle.config["root"]["path"] = "no-such-rootfs"
    rt.refuse(bundle, "no-such-rootfs")


def test_bnd_2_a_file_as_rootfs_is_refused(rt, bundle):
    (bundle.path / "file").write_text("x")
    bundle.config["root"]["path"] = "file"
    rt.refuse(bundle, "file")


@pytest.mark.parametrize("version", ["1.0.0", "1.0.1", "1.0.2", "1.0.2-dev", "1.1.0", "1.2.0", "1.3.0", "1.3.0+dev"])
@pytest.mark.peer(crun="knows 1.0 only")
def test_bnd_3_versions_of_the_specification_that_are_accepted(rt, bundle, version):
    bundle.config["ociVersion"] = version
    rt.run(bundle.probe(("echo", "x"))).ok()


@pytest.mark.parametrize("version", ["abc", "2.0.0", "", "1", "1.0", "0.1.0", None, 1])
@pytest.mark.peer(crun="no check", runc="no check of all")
def test_bnd_3_versions_that_are_refused(rt, bundle, version):
    bundle.config["ociVersion"] = version
    rt.refuse(bundle, "ociVersion")


@pytest.mark.peer(crun="no check", runc="no check")
def test_bnd_3_a_missing_version_is_refused(rt, bundle):
    del bundle.config["ociVersion"]
    rt.refuse(bundle, "ociVersion")


def test_bnd_4_unknown_properties_are_ignored(rt, bundle):
    bundle.config["x-foo"] = {"a": [1, {"b": None}]}
    for section in (bundle.process, bundle.linux, bundle.config["root"], bundle.process["user"], bundle.config["mounts"][0],
                    bundle.linux["resources"], bundle.process["capabilities"]):
        section["x-foo"] = {"deep": [[[]]]}
    assert rt.report(bundle)["pid"] == 1


def test_bnd_9_sections_of_other_systems_are_ignored(rt, bundle):
    bundle.config["windows"] = {"layerFolders": ["c:\\x"]}
    bundle.config["solaris"] = {"milestone": "x"}
    bundle.config["vm"] = {"kernel": {"path": "/x"}}
    bundle.config["zos"] = {}
    bundle.config["freebsd"] = {}
    rt.report(bundle)


# Each changes one place to a value that is known to be wrong; the message must name the place.
WRONG = {
    "process.args": lambda c: c["process"].update(args="sh"),
    "process.args[0]": lambda c: c["process"].update(args=[1]),
    "process.env": lambda c: c["process"].update(env={"A": "1"}),
    "process.terminal": lambda c: c["process"].update(terminal="no"),
    "process.user": lambda c: c["process"].update(user="root"),
    "process": lambda c: c.update(process=[]),
    "process.capabilities.bounding": lambda c: c["process"]["capabilities"].update(bounding="CAP_KILL"),
    "process.rlimits[0].soft": lambda c: c["process"].update(rlimits=[{"type": "RLIMIT_CORE", "soft": -1, "hard": 0}]),
    "mounts": lambda c: c.update(mounts={}),
    "mounts[0].destination": lambda c: c["mounts"][0].update(destination=7),
    "mounts[7].destination": lambda c: c["mounts"].append({"type": "tmpfs", "source": "tmpfs"}),
    "mounts[0].options": lambda c: c["mounts"][0].update(options="ro"),
    "root.readonly": lambda c: c["root"].update(readonly="yes"),
    "root": lambda c: c.pop("root"),
    "hostname": lambda c: c.update(hostname=5),
    "linux": lambda c: c.update(linux=[]),
    "linux.namespaces[6].type": lambda c: c["linux"]["namespaces"].append({"type": "nosuch"}),
    "linux.devices[0].type": lambda c: c["linux"].update(devices=[{"path": "/dev/x", "type": "z", "major": 1, "minor": 3}]),
    "linux.devices[0].path": lambda c: c["linux"].update(devices=[{"type": "c", "major": 1, "minor": 3}]),
    "linux.maskedPaths[0]": lambda c: c["linux"].update(maskedPaths=["relative"]),
    "linux.readonlyPaths[0]": lambda c: c["linux"].update(readonlyPaths=["relative"]),
    "linux.rootfsPropagation": lambda c: c["linux"].update(rootfsPropagation="sometimes"),
    "linux.seccomp.defaultAction": lambda c: c["linux"].update(seccomp={"defaultAction": "SCMP_ACT_FOO"}),
    "linux.sysctl": lambda c: c["linux"].update(sysctl=["net.x=1"]),
    "linux.resources": lambda c: c["linux"].update(resources="none"),
    "linux.resources.memory.limit": lambda c: c["linux"]["resources"].update(memory={"limit": "64m"}),
    "linux.uidMappings": lambda c: c["linux"].update(uidMappings=[{"containerID": 0, "hostID": -5, "size": 1}]),
    "hooks.prestart[0].path": lambda c: c.update(hooks={"prestart": [{"path": "relative"}]}),
    "hooks.poststop[0].timeout": lambda c: c.update(hooks={"poststop": [{"path": "/bin/true", "timeout": 0}]}),
}
NO_CHECK = pytest.mark.peer(crun="no check", runc="no check")


@NO_CHECK
@pytest.mark.parametrize("place", list(WRONG))
def test_bnd_5_a_wrong_value_is_refused_and_its_place_named(rt, bundle, place):
    WRONG[place](bundle.config)
    rt.refuse(bundle, place)


@pytest.mark.skiff_only
@pytest.mark.parametrize("place", list(WRONG))
def test_bnd_7_nothing_is_done_before_the_configuration_is_checked(rt, bundle, scratch, place):
    if rt.without:
        pytest.skip("the launcher makes such calls itself")
    WRONG[place](bundle.config)
    bundle.write()
    log = scratch / "strace"
    result = process.run(["strace", "-f", "-o", log, "-e", "trace=clone,clone3,vfork,mount,fsmount,move_mount,open_tree,mkdir,mkdirat,unshare",
                          *rt.words("create", "--bundle", bundle.path, rt.new_id())], scratch=scratch, env=rt.env)
    result.failed(place)
    calls = [line for line in log.read_text().splitlines() if "(" in line and str(rt.root) not in line
             and "EEXIST" not in line]
    sealing = [line for line in calls if "open_tree" in line or "fsmount" in line]  # a sealed copy of the program
    ahead = [line for line in calls if "CLONE_VM|CLONE_FILES|CLONE_PIDFD" in line or "unshare(CLONE_NEWNET)" in line]  # a network nobody sees
    assert [line for line in calls if line not in sealing + ahead] == []


BROKEN = {
    "nothing": b"",
    "no JSON": b"hello",
    "cut off": b'{"ociVersion": "1.0.2", "process": {"args": ["/bin/pro',
    "something after the end": None,
    "duplicate name": b'{"ociVersion":"1.0.2","ociVersion":"1.0.2"}',
    "array at top": b"[]",
    "bad UTF-8": b'{"ociVersion":"1.0.2","hostname":"\xff\xfe"}',
    "raw control character": b'{"ociVersion":"1.0\n.2"}',
    "huge number": b'{"ociVersion":"1.0.2","process":{"user":{"uid":1e999}}}',
    "lone surrogate": b'{"ociVersion":"1.0.2","hostname":"\\ud800"}',
}


@pytest.mark.peer(crun="takes several", runc="takes several")
@pytest.mark.parametrize("kind", list(BROKEN))
def test_bnd_8_broken_json_is_refused(rt, bundle, kind):
    data = BROKEN[kind]
    if data is None:
        data = json.dumps(bundle.config).encode() + b" x"
    (bundle.path / "config.json").write_bytes(data)
    rt.refuse(bundle, "config.json", write=False)


@pytest.mark.skiff_only
@pytest.mark.parametrize("size_mib", [1, 64])
def test_bnd_8_deep_nesting_and_great_size_use_bounded_memory(rt, bundle, size_mib):
    (bundle.path / "config.json").write_bytes(b'{"x":' + b"[" * (size_mib << 20))
    def bound():  # address space of 256 MiB is far above what a configuration needs
        resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))

    rt.refuse(bundle, "config.json", write=False, preexec=bound)


def test_bnd_8_a_large_valid_configuration_works(rt, bundle):
    bundle.process["env"] += [f"VARIABLE_{n}={'x' * 1000}" for n in range(300)]
    bundle.config["annotations"] = {f"org.example.{n}": "y" * 100 for n in range(1000)}
    assert len(rt.report(bundle)["env"]) >= 302


@pytest.mark.parametrize("absolute", [True, False])
def test_root_1_root_path_absolute_or_relative_to_the_bundle(rt, bundle, absolute):
    (bundle.path / "rootfs").rename(bundle.path / "other")
    bundle.config["root"]["path"] = str(bundle.path / "other") if absolute else "other"
    bundle.write()
    rt("run", "--bundle", bundle.path, rt.new_id(), cwd="/").ok()


@pytest.mark.peer(runc="refuses any symlink")
def test_root_1_a_root_that_is_a_symlink_is_followed(rt, bundle):
    (bundle.path / "link").symlink_to("rootfs")
    bundle.config["root"]["path"] = "link"
    rt.report(bundle)


def test_root_2_a_read_only_root_refuses_writing(rt, bundle):
    answers = rt.answers(bundle, ("write", "/x", "1"), ("mkdir", "/d"), ("unlink", "/etc/passwd"))
    assert [a["errno"] for a in answers] == ["EROFS"] * 3


def test_root_2_a_writable_root_takes_writing(rt, bundle):
    assert rt.answers(bundle.writable(), ("write", "/x", "1"))[0]["errno"] == ""
    assert (bundle.rootfs / "x").read_text() == "1"


def test_root_2_the_hosts_view_of_a_read_only_root_stays_writable(rt, bundle):
    with rt.sleeping(bundle):
        (bundle.rootfs / "tmp/new").write_text("x")


@pytest.mark.parametrize("user_namespace", [False, True])
@pytest.mark.peer(crun="drops them", runc="drops them")
def test_root_3_flags_of_the_mount_below_the_root_survive(rt, bundle, programs, user_namespace):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nosuid,nodev,mode=755", "tmpfs", bundle.rootfs], check=True)
    try:
        for name in ("bin", "proc", "dev", "sys", "etc", "tmp"):
            (bundle.rootfs / name).mkdir()
        shutil.copy2(programs["probe"], bundle.rootfs / "bin/probe")
        if user_namespace:
            bundle.user_namespace()
        lines = rt.report(bundle)["mountinfo"].splitlines()
        options = next(line.split()[5] for line in lines if line.split()[4] == "/").split(",")
        assert {"ro", "nosuid", "nodev"} <= set(options)
    finally:
        subprocess.run(["umount", "-l", bundle.rootfs], check=True)


@pytest.mark.peer(crun="is read-only already")
def test_root_4_a_create_container_hook_may_write_a_root_that_becomes_read_only(rt, bundle):
    script = bundle.path / "hook"
    script.write_text(f"#!/bin/sh\ncat >/dev/null\ntouch {bundle.rootfs}/etc/touched\n")
    script.chmod(0o755)
    bundle.hook("createContainer", script)
    bundle.probe(("stat", "/etc/touched"), ("write", "/etc/touched", "x"))
    touched, written = rt.run(bundle).ok().lines
    assert touched["errno"] == "" and written["errno"] == "EROFS"


@pytest.mark.skiff_only
def test_a_read_only_bundle_is_no_obstacle(rt, bundle):
    bundle.probe(("echo", "x")).write()
    subprocess.run(["mount", "--bind", bundle.path, bundle.path], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", bundle.path], check=True)
    try:
        rt("run", "--bundle", bundle.path, rt.new_id()).ok()
    finally:
        subprocess.run(["umount", bundle.path], check=True)


@pytest.mark.skiff_only
def test_life_3_a_full_state_directory_is_reported(rt, bundle):
    rt.root.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=1", "tmpfs", rt.root], check=True)
    try:
        rt.refuse(bundle, "no space left on device")
    finally:
        subprocess.run(["umount", rt.root], check=True)


@pytest.mark.skiff_only
def test_life_3_a_state_directory_that_is_a_file_is_reported(rt, bundle):
    rt.root.write_text("x")
    bundle.write()
    rt("create", "--bundle", bundle.path, rt.new_id()).failed("not a directory")
    rt.root.unlink()
