"""Hooks (HOOK-*)."""

import json
import os
import re
import time
from pathlib import Path

import pytest

KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
IN_CREATE, IN_START = KINDS[:3], KINDS[3:5]


@pytest.fixture
def script(bundle):
    """script(name, text): an executable shell script; reads its standard input to the end unless told otherwise."""
    def make(name: str, text: str, directory: Path | None = None, read: bool = True) -> Path:
        path = (directory or bundle.path) / name
        path.write_text("#!/bin/sh\n" + ("cat >/dev/null\n" if read else "") + text)
        path.chmod(0o755)
        return path
    return make


def inside(kind: str) -> bool:
    return kind == "startContainer"


def add_loggers(bundle, script, count: int = 1) -> Path:
    """Every kind of hook appends its kind to one log that is seen from inside too."""
    shared = bundle.path / "shared"
    shared.mkdir()
    (shared / "log").touch()
    bundle.bind(shared, "/mnt")
    for kind in KINDS:
        for n in range(count):
            if inside(kind):
                script(f"{kind}{n}", f"echo {kind}{n} >> /mnt/log\n", bundle.rootfs / "bin")
                bundle.hook(kind, f"/bin/{kind}{n}")
            else:
                bundle.hook(kind, script(f"{kind}{n}", f"echo {kind}{n} >> {shared}/log\n"))
    return shared / "log"


@pytest.mark.peer(crun="poststart comes too early", runc="poststart comes too early")
def test_hook_1_2_order_of_kinds_and_within_a_kind(rt, bundle, script):
    log = add_loggers(bundle, script, count=3)
    bundle.shell("echo program >> /mnt/log")
    c = rt.create(bundle)
    assert log.read_text().split() == [f"{k}{n}" for k in IN_CREATE for n in range(3)]
    c.start()
    c.wait_stopped()
    lines = log.read_text().split()
    assert lines[9:12] == [f"startContainer{n}" for n in range(3)]
    assert sorted(lines[12:]) == sorted(["program", *[f"poststart{n}" for n in range(3)]])
    c.delete().ok()
    assert log.read_text().split()[16:] == [f"poststop{n}" for n in range(3)]


@pytest.mark.parametrize("kind", KINDS)
def test_hook_3_4_5_in_which_namespaces_hooks_run(rt, bundle, script, kind):
    shared = bundle.path / "shared"
    shared.mkdir()
    bundle.bind(shared, "/mnt")
    text = "for n in mnt pid net uts ipc; do readlink /proc/self/ns/$n; done > {}/ns\n"
    if inside(kind):
        script("hook", text.format("/mnt"), bundle.rootfs / "bin")
        bundle.hook(kind, "/bin/hook")
        os.symlink("busybox", bundle.rootfs / "bin/readlink")
    else:
        bundle.hook(kind, script("hook", text.format(shared)))
    bundle.probe("report", ("wait-for", "/mnt/ns", "5")) if kind != "poststop" else bundle.probe("report")
    report = rt.run(bundle).ok().first("report")
    found = (shared / "ns").read_text().split()
    own = [os.readlink(f"/proc/self/ns/{n}") for n in ("mnt", "pid", "net", "uts", "ipc")]
    container = [report["ns"][n] for n in ("mnt", "pid", "net", "uts", "ipc")]
    if kind in ("createContainer", "startContainer"):
        assert found[0] == container[0] and found[2:] == container[2:]
    else:
        assert found == own


@pytest.mark.parametrize("kind, status", [("prestart", "created"), ("createRuntime", "creating"), ("createContainer", "creating"),
                                          ("startContainer", "created"), ("poststart", "running"), ("poststop", "stopped")])
@pytest.mark.peer(crun="status created, bundle / inside", runc="status creating in prestart, created in poststart")
def test_hook_6_state_arrives_on_standard_input_and_ends(rt, bundle, script, kind, status):
    shared = bundle.path / "shared"
    shared.mkdir()
    bundle.bind(shared, "/mnt")
    bundle.config["annotations"] = {"org.example": "yes"}
    if inside(kind):
        script("hook", "cat > /mnt/state\n", bundle.rootfs / "bin", read=False)
        bundle.hook(kind, "/bin/hook")
    else:
        bundle.hook(kind, script("hook", f"cat > {shared}/state\n", read=False))
    name = rt.new_id()
    rt.run(bundle.probe(("wait-for", "/mnt/state", "5")) if kind != "poststop" else bundle.probe(("echo", "x")), id=name).ok()
    state = json.loads((shared / "state").read_text())
    assert state["id"] == name and state["bundle"] == str(bundle.path) and re.match(r"1\.", state["ociVersion"])
    assert state["annotations"]["org.example"] == "yes"
    if rt.name == "skiff" or kind not in ("startContainer",):
        assert state["status"] == status, state
    if kind not in ("poststop",):
        assert state["pid"] > 0


def test_hook_7_the_mounts_exist_when_hooks_of_create_run(rt, bundle, script):
    shared = bundle.path / "shared"
    shared.mkdir()
    (bundle.path / "source").mkdir()
    bundle.bind("source", "/mnt")
    for kind in ("prestart", "createRuntime"):
        bundle.hook(kind, script(kind, f"pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); cat /proc/$pid/mountinfo > {shared}/{kind}\n", read=False))
    rt.run(bundle.probe(("echo", "x"))).ok()
    for kind in ("prestart", "createRuntime"):
        text = (shared / kind).read_text()
        assert f"{bundle.rootfs}/mnt " in text or " /mnt " in text, text
        assert f"{bundle.rootfs}/proc " in text or " /proc " in text


def test_hook_7_a_network_hook_can_enter_by_pid(rt, bundle, script):
    bundle.hook("prestart", script("hook", "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/');"
                                           " nsenter --net=/proc/$pid/ns/net ip address add 10.9.8.7/32 dev lo\n", read=False))
    assert "10.9.8.7" in rt.answers(bundle, ("read", "/proc/net/fib_trie"))[0]["text"]


@pytest.mark.peer(runc="too early")
def test_hook_8_poststart_runs_after_the_program_was_executed(rt, bundle, script):
    seen = bundle.path / "exe"
    bundle.hook("poststart", script("hook", f"pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); readlink /proc/$pid/exe > {seen}\n", read=False))
    with rt.sleeping(bundle):
        assert seen.read_text().strip().endswith("/bin/probe")  # start has returned, so the hook is over


@pytest.mark.parametrize("kind", KINDS[:5])
@pytest.mark.peer(crun="start does not tell", runc="start does not tell")
def test_hook_9_a_failing_hook_ends_everything_and_poststop_runs(rt, bundle, script, kind):
    after = bundle.path / "after"
    if inside(kind):
        script("hook", "exit 7\n", bundle.rootfs / "bin")
        bundle.hook(kind, "/bin/hook")
    else:
        bundle.hook(kind, script("hook", "exit 7\n"))
    bundle.hook("poststop", script("after", f"touch {after}\n"))
    name = rt.new_id()
    bundle.probe("sleep").write()
    created = rt("create", "--bundle", bundle.path, name)
    if kind in IN_CREATE:
        created.failed("hook", kind)
    else:
        created.ok()
        rt("start", name).failed("hook", kind)
    left = rt("state", name).code == 0
    rt("delete", "--force", name)
    assert not left, "the container is still there"
    assert after.exists(), "poststop did not run"


@pytest.mark.peer(runc="stops at the first")
def test_hook_10_a_failing_poststop_is_a_warning_and_the_others_run(rt, bundle, script):
    after = bundle.path / "after"
    bundle.hook("poststop", script("one", "exit 3\n")).hook("poststop", script("two", f"touch {after}\n"))
    c = rt.create(bundle.probe(("echo", "x")))
    c.start()
    c.wait_stopped()
    c.delete().ok()
    assert after.exists() and rt("state", c.id).code != 0


@pytest.mark.parametrize("kind", ["prestart", "createContainer"])
@pytest.mark.peer(crun="children stay", runc="waits for the children")
def test_hook_11_a_hook_that_overruns_is_ended_with_its_children(rt, bundle, script, kind):
    bundle.hook(kind, script("hook", "sleep 30 & sleep 30\n"), timeout=1)
    began = time.monotonic()
    result = rt.refuse(bundle, "hook", kind)
    assert time.monotonic() - began < 8, result
    # nothing_left_behind looks for the sleepers


@pytest.mark.peer(crun="no check", runc="no check")
@pytest.mark.parametrize("timeout", [0, -1])
def test_hook_11_a_timeout_that_is_no_time_is_refused(rt, bundle, script, timeout):
    bundle.hook("prestart", script("hook", "true\n"), timeout=timeout)
    rt.refuse(bundle, "timeout")


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "poststop"])
def test_hook_12_arguments_and_environment_are_exact(rt, bundle, script, kind):
    out = bundle.path / "out"
    (bundle.path / "record").write_text(f"#!/bin/sh\ncat >/dev/null\ntr '\\0' '\\n' < /proc/self/environ > {out}.env\n"
                                        f"for a in \"$0\" \"$@\"; do echo \"$a\"; done > {out}.args\npwd > {out}.cwd\n")
    (bundle.path / "record").chmod(0o755)
    bundle.config["hooks"] = {kind: [{"path": str(bundle.path / "record"), "args": ["record", "a b", ""], "env": ["PATH=/usr/bin:/bin", "A=b"]}]}
    bundle.process["env"] += ["LD_PRELOAD=./evil.so"]
    rt.run(bundle.probe(("echo", "x"))).ok()
    assert (bundle.path / "out.args").read_text().splitlines()[1:] == ["a b", ""]
    environment = set((bundle.path / "out.env").read_text().split("\n")) - {""}
    assert {e for e in environment if not e.startswith(("PWD=", "_=", "SHLVL=", "OLDPWD="))} == {"PATH=/usr/bin:/bin", "A=b"}
    # 2025-23266: nothing of the container's in a hook of the host; and a directory chosen by the runtime
    assert "LD_PRELOAD" not in (bundle.path / "out.env").read_text()
    if rt.name == "skiff":
        assert (bundle.path / "out.cwd").read_text().strip() == str(bundle.path)


def test_hook_12_without_env_the_environment_is_empty(rt, bundle, script):
    out = bundle.path / "out"
    bundle.hook("createRuntime", script("hook", f"/usr/bin/tr '\\0' '\\n' < /proc/$$/environ > {out}\n"))
    bundle.write()
    rt("run", "--bundle", bundle.path, rt.new_id(), env={**rt.env, "SECRET_OF_THE_CALLER": "1"}).ok()
    if rt.name == "skiff":
        assert "SECRET_OF_THE_CALLER" not in out.read_text()


def test_hook_12_a_missing_program_is_an_error(rt, bundle):
    bundle.hook("prestart", "/no/such/hook")
    rt.refuse(bundle, "hook", "/no/such/hook", "no such file or directory")


def test_hook_13_a_hook_that_never_reads_does_no_harm(rt, bundle, script):
    bundle.config["annotations"] = {f"org.example.{n}": "x" * 1000 for n in range(300)}
    bundle.hook("createRuntime", script("closes", "exec 0<&-\n/usr/bin/true\n", read=False))
    bundle.hook("poststart", script("ignores", "exit 0\n", read=False))
    rt.run(bundle.probe(("echo", "x"))).ok()


@pytest.mark.skiff_only
def test_hook_14_what_a_hook_printed_is_in_the_message(rt, bundle, script):
    bundle.hook("prestart", script("hook", "echo first >&2; echo 'the reason' >&2; exit 9\n"))
    rt.refuse(bundle, "prestart", "hook", "the reason", "9")


def test_hook_a_hook_ended_by_a_signal_is_reported(rt, bundle, script):
    bundle.hook("prestart", script("hook", "kill -9 $$\n"))
    rt.refuse(bundle, "prestart", "SIGKILL")
