"""Errors as an interface: codes and parts in the JSON log (docs/errors.md).

`ways` provokes every code that docs/errors.md lists; a code without a way fails the test.
"""

import json
import os
import re
from pathlib import Path

import pytest

from skifftest.errors import create, elf, run_file, told, without_call
from skifftest.process import until
from test_cgroups import has, unique

pytestmark = pytest.mark.skiff_only
PROJECT = Path(__file__).resolve().parents[2]

# Not provoked from outside, with the test that covers the code.
ELSEWHERE = {
    "internal": "Tests/LinuxSystemTests/ErrorCodeTests.swift",
    "checkpoint-failed": "the tests of checkpoint and restore",
}
ways = {}


def way(code: str):
    def register(function):
        assert code not in ways
        ways[code] = function
        return function
    return register


def documented() -> list[str]:
    text = (PROJECT / "docs/errors.md").read_text()
    table = text.split("## Codes")[1].split("## ")[0]
    return re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)


@pytest.fixture
def rt(rt, scratch):
    rt.globals += ["--log-format", "json", "--store", str(scratch / "store")]
    return rt


@way("usage")
def _(rt, bundle):
    return told(rt("nonsense"))


@way("unsupported")
def _(rt, bundle):
    bundle.linux["resources"]["blockIO"] = {"leafWeight": 20}
    return create(rt, bundle)


@way("permission")
def _(rt, bundle):
    rt.root.mkdir(mode=0o700)
    rt.wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    return told(rt("list"))


@way("not-found")
def _(rt, bundle):
    return create(rt, bundle, "--pid-file", "/nowhere/pid")


@way("in-use")
def _(rt, bundle):
    bundle.linux["cgroupsPath"] = unique("/twice")
    with rt.sleeping(bundle):
        return create(rt, bundle)


@way("host-exhausted")
def _(rt, bundle):
    rt.wrapper = ["prlimit", "--nofile=3:3"]
    return told(rt("list"))


@way("kernel-lacks")
def _(rt, bundle):
    bundle.write()
    return told(rt("create", "--bundle", bundle.path, rt.new_id(), preexec=without_call(53)))  # socketpair


@way("call-failed")
def _(rt, bundle):
    rt.root.write_text("a file")
    return told(rt("list"))


@way("container-exists")
def _(rt, bundle):
    with rt.sleeping(bundle) as c:
        return told(rt("create", "--bundle", bundle.path, c.id))


@way("container-not-found")
def _(rt, bundle):
    return told(rt("state", "nobody"))


@way("container-not-running")
def _(rt, bundle):
    bundle.process["args"] = ["/bin/true"]
    with rt.container(bundle) as c:
        c.wait_stopped()
        return told(c.kill())


@way("container-state")
def _(rt, bundle):
    with rt.sleeping(bundle) as c:
        return told(rt("start", c.id))


@way("container-busy")
def _(rt, bundle):
    hook = bundle.path / "hook"
    hook.write_text("#!/bin/sh\ncat >/dev/null\nuntil [ -e go ]; do sleep 0.05; done\n")
    hook.chmod(0o755)
    bundle.hook("createRuntime", hook)
    bundle.write()
    name = rt.new_id()
    creating = rt.background("create", "--bundle", bundle.path, name)
    until(lambda: (rt.root / name / "state.json").exists(), "create is under way")
    found = rt("delete", name)
    (bundle.path / "go").touch()
    assert creating.wait().code == 0
    rt("delete", "--force", name).ok()
    return told(found)


@way("state-damaged")
def _(rt, bundle):
    with rt.sleeping(bundle) as c:
        state = rt.root / c.id / "state.json"
        kept = state.read_text()
        state.write_text("{")
        found = rt("state", c.id)
        state.write_text(kept)
        return told(found)


@way("id-invalid")
def _(rt, bundle):
    bundle.write()
    return told(rt("create", "--bundle", bundle.path, "a b"))


@way("bundle-unreadable")
def _(rt, bundle):
    return told(rt("create", "--bundle", "/nowhere", rt.new_id()))


@way("config-invalid")
def _(rt, bundle):
    bundle.process["cwd"] = "relative"
    return create(rt, bundle)


@way("namespace-failed")
def _(rt, bundle):
    bundle.namespace("uts", "/proc/self/ns/net")
    return create(rt, bundle)


@way("network-failed")
def _(rt, bundle):
    bundle.linux["netDevices"] = {"nosuch0": {}}
    return create(rt, bundle)


@way("controller-missing")
def _(rt, bundle):
    assert not has("net_cls"), "a tree of version 1 that no kernel here has"
    bundle.linux["resources"]["network"] = {"classID": 5}
    return create(rt, bundle)


@way("cgroup-failed")
def _(rt, bundle):
    rt.globals += ["--cgroup-manager", "disabled"]
    with rt.sleeping(bundle) as c:
        return told(rt("pause", c.id))


@way("memory-too-low")
def _(rt, bundle):
    if not has("memory"):
        pytest.skip("no memory controller in this view")
    bundle.linux["resources"]["memory"] = {"limit": 65536}
    return create(rt, bundle)


@way("mount-failed")
def _(rt, bundle):
    bundle.bind("/nowhere", "/mnt")
    return create(rt, bundle)


@way("path-refused")
def _(rt, bundle):
    (bundle.rootfs / "proc").rmdir()
    (bundle.rootfs / "proc").symlink_to("tmp")
    return create(rt, bundle)


@way("sysctl-failed")
def _(rt, bundle):
    bundle.linux["sysctl"] = {"net.ipv4.no_such_parameter": "1"}
    return create(rt, bundle)


@way("hook-failed")
def _(rt, bundle):
    bundle.hook("createRuntime", "/bin/false")
    return create(rt, bundle)


@way("seccomp-failed")
def _(rt, bundle):
    bundle.linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/nowhere/agent",
        "syscalls": [{"names": ["getppid"], "action": "SCMP_ACT_NOTIFY"}]}
    return create(rt, bundle)


@way("security-failed")
def _(rt, bundle):
    bundle.process["apparmorProfile"] = "skifftest-no-such-profile"
    return create(rt, bundle)


@way("terminal-failed")
def _(rt, bundle):
    bundle.process["terminal"] = True
    return create(rt, bundle, "--console-socket", "/nowhere/console")


@way("init-died")
def _(rt, bundle):
    hook = bundle.path / "hook"
    hook.write_text("#!/bin/sh\nkill -9 $(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/')\n")
    hook.chmod(0o755)
    bundle.hook("createRuntime", hook)
    return create(rt, bundle)


@way("working-directory")
def _(rt, bundle):
    (bundle.rootfs / "private").mkdir(mode=0o700)
    bundle.process.update({"cwd": "/private", "user": {"uid": 1000, "gid": 1000}})
    bundle.capabilities()
    return create(rt, bundle)


@way("program-not-found")
def _(rt, bundle):
    bundle.process["args"] = ["nosuch"]
    return create(rt, bundle)


@way("program-not-executable")
def _(rt, bundle):
    bundle.process["args"] = ["/etc/passwd"]
    return create(rt, bundle)


@way("program-format")
def _(rt, bundle):
    return run_file(rt, bundle, "/bin/foreign", elf(machine=183 if os.uname().machine == "x86_64" else 62))


@way("interpreter-missing")
def _(rt, bundle):
    return run_file(rt, bundle, "/bin/script", b"#!/usr/bin/nosuch -x\n")


@way("loader-missing")
def _(rt, bundle):
    return run_file(rt, bundle, "/bin/dynamic", elf(loader="/lib64/nosuch.so.2"))


@way("image-not-found")
def _(rt, bundle):
    return told(rt("run", "nosuch:latest"))


@way("image-damaged")
def _(rt, bundle):
    if not Path(rt.path).with_name("skiff-image").exists():
        pytest.skip("there is no skiff-image beside skiff")
    archive = rt.scratch / "archive.tar"
    archive.write_bytes(b"no archive" * 1000)
    result = rt("run", f"oci-archive:{archive}")
    return json.loads(result.err.splitlines()[-1])


@pytest.mark.parametrize("code", [code for code in documented() if code not in ELSEWHERE])
@pytest.mark.allows_leftovers
def test_each_documented_code_can_be_met(rt, bundle, code):
    error = ways[code](rt, bundle)
    assert error["code"] == code, error


def test_ways_are_for_documented_codes_only():
    assert set(ways) | set(ELSEWHERE) == set(documented())


def test_json_log_tells_the_parts_of_a_refused_call(rt, bundle, scratch):
    bundle.bind("/nowhere/here", "/mnt")
    log = scratch / "log"
    rt.globals += ["--log", str(log)]
    bundle.write()
    result = rt("create", "--bundle", bundle.path, rt.new_id())
    lines = log.read_text().splitlines()
    assert len(lines) == 1
    entry = json.loads(lines[0])
    assert list(entry)[:3] == ["level", "msg", "time"]
    assert entry["msg"] == result.err.strip()
    number = len(bundle.config["mounts"]) - 1
    assert f"mounts[{number}]" in entry["step"] and "/mnt" in entry["step"]
    assert (entry["operand"], entry["call"], entry["errno"]) == ("/nowhere/here", "open_tree(2)", "ENOENT")
    assert entry["hint"] == "/nowhere: no such file or directory" and entry["code"] == "mount-failed"


def test_json_log_tells_the_field_of_a_refused_configuration(rt, bundle):
    bundle.config["mounts"][0]["options"] = "rw"
    entry = create(rt, bundle)
    assert entry["operand"].startswith("mounts[0].options") and "errno" not in entry and "call" not in entry


def test_text_log_and_standard_error_do_not_show_codes(rt, bundle, scratch):
    rt.globals = ["--log", str(scratch / "log")]
    result = rt("state", "nobody").failed("container does not exist")
    assert "container-not-found" not in result.err + (scratch / "log").read_text()
