"""What verbs print: state, features; when start returns."""

import re

import pytest


@pytest.mark.peer(runc="poststart runs too early")
def test_cli_2_start_returns_when_the_poststart_hooks_are_over(rt, bundle, scratch):
    hook = scratch / "hook"
    hook.write_text(f"#!/bin/sh\nsleep 0.3\ntouch {scratch}/done\n")
    hook.chmod(0o755)
    c = rt.create(bundle.probe("sleep").hook("poststart", hook))
    assert not (scratch / "done").exists()
    c.start()
    assert (scratch / "done").exists()
    c.remove()


@pytest.mark.peer(crun="the root as in the configuration")
def test_cli_7_fields_of_the_state_and_their_types(rt, bundle):
    bundle.config["annotations"] = {"org.example.key": "value"}
    with rt.sleeping(bundle) as c:
        state = c.state()
        assert state["id"] == c.id and state["status"] == "running"
        assert re.fullmatch(r"1\.\d+\.\d+\S*", state["ociVersion"])
        assert isinstance(state["pid"], int) and state["pid"] > 0
        assert state["bundle"] == str(bundle.path) and state["rootfs"] == str(bundle.rootfs)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", state["created"])
        assert state["annotations"]["org.example.key"] == "value"
        assert isinstance(state["owner"], str)
        c.kill("KILL").ok()
        c.wait_stopped()
        assert c.state().get("pid", 0) == 0
        assert c.state()["created"] == state["created"]


def features(rt, *wrapper) -> dict:
    if rt.name == "crun":
        rt.lacks("no features")
    rt.wrapper = [*wrapper]
    return rt("features").ok().json


def test_cli_16_features_is_one_object_on_standard_output(rt):
    assert features(rt)["ociVersionMin"] == "1.0.0"
    assert rt("features").err == ""


def test_feat_2_other_namespaces_users_and_kernels_make_no_difference(rt, scratch, programs):
    there = features(rt)
    assert features(rt, "unshare", "--mount", "--net", "--pid", "--fork") == there
    assert features(rt, "setpriv", "--bounding-set=-all", "--no-new-privs") == there
    hidden = "umount -R /sys/fs/cgroup; mount -t tmpfs none /sys/module; exec \"$@\""
    assert features(rt, "unshare", "--mount", "sh", "-c", hidden, "sh") == there


@pytest.mark.peer(runc="1.1 has some of it only")
def test_feat_4_what_is_said_of_the_host(rt):
    linux = features(rt)["linux"]
    for key in ("v1", "v2", "systemd", "systemdUser"):
        assert isinstance(linux["cgroup"][key], bool), key
    for key in ("apparmor", "selinux", "intelRdt", "netDevices"):
        assert isinstance(linux[key]["enabled"], bool), key
    assert isinstance(linux["mountExtensions"]["idmap"]["enabled"], bool)
    assert "MPOL_BIND" in linux["memoryPolicy"]["modes"]


@pytest.mark.peer(runc="1.1 does not tell")
def test_feat_5_supported_flags_are_known_ones_that_the_kernel_takes(rt, programs):
    seccomp = features(rt)["linux"]["seccomp"]
    assert set(seccomp["supportedFlags"]) <= set(seccomp["knownFlags"])
    assert {"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"} <= set(seccomp["supportedFlags"])


@pytest.mark.peer(runc="1.1 does not tell")
def test_feat_7_annotations_that_change_behaviour_are_listed(rt):
    listed = features(rt)["potentiallyUnsafeConfigAnnotations"]
    assert "org.systemd.property." in listed
    assert all(isinstance(key, str) and key for key in listed)
