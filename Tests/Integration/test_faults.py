"""A runtime that is killed, or whose system calls fail, at any moment (LIFE-3, LIFE-11, LIFE-12).

Tests/Probe/interrupt.c counts the runtime's system calls and disturbs one. By default every test takes a spread of them;
FAULTS=all takes each one, which lasts some minutes.
"""

import errno
import os
import platform
from pathlib import Path

import pytest

from skifftest import host

pytestmark = [pytest.mark.skiff_only,
              pytest.mark.skipif(platform.machine() != "x86_64", reason="the disturber knows the registers of x86-64"),
              pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

POINTS = 12


@pytest.fixture
def disturber(rt, scratch, programs):
    """disturber(how, n, *args): runs the runtime with its nth call disturbed; gives Result and the number of calls."""
    tool = Path(__file__).resolve().parents[2] / ".build/tests/interrupt"

    def run(how: tuple, n: int, *args, **more):
        report = scratch / "calls"
        report.unlink(missing_ok=True)
        rt.wrapper = [str(tool), *map(str, how), str(n), str(report)]
        try:
            result = rt(*args, **more)
        finally:
            rt.wrapper = []
        counted, call = map(int, report.read_text().split())
        return result, counted, call

    return run


def spread(count: int) -> list[int]:
    """Numbers from 1 to `count`: all, or some at even distances."""
    assert count > 0
    if os.environ.get("FAULTS") == "all":
        return list(range(1, count + 1))
    return sorted({max(1, round(count * (i + 0.5) / POINTS)) for i in range(POINTS)})


def plain(bundle):
    return bundle.probe(("echo", "ran"), "sleep")


def rich(bundle):
    """With hooks, devices, limits, a filter, sysctls and a user namespace."""
    bundle.user_namespace().writable()
    bundle.mount("/tmp", "tmpfs", "tmpfs", "tmpcopyup").bind(bundle.path, "/mnt", "rbind", "rro")
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getppid"], "action": "SCMP_ACT_ERRNO"}]}
    bundle.linux["devices"] = [{"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11}]
    bundle.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    bundle.linux["resources"]["pids"] = {"limit": 50}
    bundle.process["oomScoreAdj"] = 900
    for kind in ("prestart", "createRuntime", "createContainer", "poststop"):
        bundle.hook(kind, "/bin/true")
    bundle.hook("startContainer", "/bin/true").hook("poststart", "/bin/true")
    return bundle.probe(("echo", "ran"), "sleep")


def hosted(bundle):
    """Among the mounts of the host."""
    return bundle.without_namespace("mount").probe(("echo", "ran"), "sleep")


CONFIGURATIONS = pytest.mark.parametrize("configuration", [plain, rich, hosted])


def as_before(before, rt, name: str, what: str) -> None:
    found = host.changes(before)
    assert not found, f"{what}: {found}"
    assert rt("state", name).code != 0, what
    assert not rt.root.is_dir() or name not in os.listdir(rt.root), what


# ---- killed ----

@CONFIGURATIONS
@pytest.mark.parametrize("verb", ["create", "run"])
def test_life_12_killed_while_it_makes_a_container(rt, bundle, disturber, configuration, verb):
    configuration(bundle).write()
    before = host.snapshot()
    words = ("create", "--bundle", bundle.path) if verb == "create" else ("run", "--detach", "--bundle", bundle.path)
    name = rt.new_id()
    result, count, _ = disturber(("kill",), 0, *words, name)
    result.ok()
    rt("delete", "--force", name).ok()
    for n in spread(count):
        name = rt.new_id()
        result, _, call = disturber(("kill",), n, *words, name)
        what = f"{verb} killed before call {n} (number {call})"
        rt("delete", "--force", name).ok()
        as_before(before, rt, name, what)


@CONFIGURATIONS
def test_life_12_killed_while_it_starts_a_container(rt, bundle, disturber, configuration):
    configuration(bundle)
    before = host.snapshot()
    c = rt.create(bundle)
    count = disturber(("kill",), 0, "start", c.id)[1]
    rt("delete", "--force", c.id).ok()
    for n in spread(count):
        c = rt.create(bundle)
        _, _, call = disturber(("kill",), n, "start", c.id)
        assert rt("state", c.id).ok().json["status"] in ("created", "running", "stopped")
        rt("delete", "--force", c.id).ok()
        as_before(before, rt, c.id, f"start killed before call {n} (number {call})")


@CONFIGURATIONS
@pytest.mark.parametrize("options", [(), ("--force",)])
def test_life_12_killed_while_it_deletes_a_container(rt, bundle, disturber, configuration, options):
    configuration(bundle)
    before = host.snapshot()

    def made():
        c = rt.create(bundle)
        c.start()
        if not options:
            c.kill("KILL").ok()
            c.wait_stopped()
        return c

    count = disturber(("kill",), 0, "delete", *options, made().id)[1]
    for n in spread(count):
        c = made()
        _, _, call = disturber(("kill",), n, "delete", *options, c.id)
        rt("delete", "--force", c.id).ok()
        as_before(before, rt, c.id, f"delete killed before call {n} (number {call})")


def test_life_12_killed_while_it_executes_a_further_program(rt, bundle, disturber):
    with rt.sleeping(bundle) as c:
        before = host.snapshot()
        count = disturber(("kill",), 0, "exec", c.id, "/bin/true")[1]
        for n in spread(count):
            _, _, call = disturber(("kill",), n, "exec", c.id, "/bin/true")
            found = host.changes(before)
            assert not found, f"exec killed before call {n} (number {call}): {found}"
            assert c.status == "running"


# ---- failing calls ----

def tolerated(rt, name: str) -> None:
    """The failure did not matter: the container is complete."""
    assert rt("state", name).ok().json["status"] == "created"
    rt("start", name).ok()
    assert rt("state", name).ok().json["status"] == "running"
    rt("delete", "--force", name).ok()


@CONFIGURATIONS
@pytest.mark.parametrize("whose", ["program", "children"])
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOMEM])
def test_life_3_life_11_a_failing_call_of_create_leaves_nothing(rt, bundle, disturber, configuration, whose, error):
    configuration(bundle).write()
    before = host.snapshot()
    name = rt.new_id()
    result, count, _ = disturber((error, whose), 0, "create", "--bundle", bundle.path, name)
    result.ok()
    rt("delete", "--force", name).ok()
    failures = 0
    for n in spread(count):
        name = rt.new_id()
        result, _, call = disturber((error, whose), n, "create", "--bundle", bundle.path, name)
        what = f"call {n} (number {call}) of {whose} failed: {result.code} {result.err}"
        if result.code == 0:
            tolerated(rt, name)
        else:
            failures += 1
            assert result.code < 128 and result.err.strip(), what
        as_before(before, rt, name, what)
    assert failures > 3


@CONFIGURATIONS
def test_life_4_a_failing_call_of_start_starts_or_ends_the_container(rt, bundle, disturber, configuration):
    configuration(bundle)
    before = host.snapshot()
    c = rt.create(bundle)
    count = disturber((errno.EIO, "program"), 0, "start", c.id)[1]
    rt("delete", "--force", c.id).ok()
    for n in spread(count):
        c = rt.create(bundle)
        result, _, call = disturber((errno.EIO, "program"), n, "start", c.id)
        what = f"call {n} (number {call}) failed: {result.code} {result.err}"
        state = rt("state", c.id)
        if result.code == 0:
            assert state.ok().json["status"] == "running", what
        elif state.code == 0 and state.json["status"] == "created":
            rt("start", c.id).ok()
        rt("delete", "--force", c.id).ok()
        as_before(before, rt, c.id, what)


@CONFIGURATIONS
def test_life_7_a_failing_call_of_delete_can_be_made_good_by_another(rt, bundle, disturber, configuration):
    configuration(bundle)
    before = host.snapshot()

    def made():
        c = rt.create(bundle)
        c.start()
        c.kill("KILL").ok()
        c.wait_stopped()
        return c

    count = disturber((errno.EIO, "program"), 0, "delete", made().id)[1]
    for n in spread(count):
        c = made()
        result, _, call = disturber((errno.EIO, "program"), n, "delete", c.id)
        what = f"call {n} (number {call}) failed: {result.code} {result.err}"
        if result.code != 0:
            rt("delete", "--force", c.id).ok()
        as_before(before, rt, c.id, what)


@pytest.mark.parametrize("whose", ["program", "children"])
def test_life_11_a_failing_call_of_exec_leaves_nothing(rt, bundle, disturber, whose):
    with rt.sleeping(bundle) as c:
        before = host.snapshot()
        count = disturber((errno.EIO, whose), 0, "exec", c.id, "/bin/true")[1]
        for n in spread(count):
            result, _, call = disturber((errno.EIO, whose), n, "exec", c.id, "/bin/true")
            found = host.changes(before)
            assert not found, f"call {n} (number {call}) of {whose} failed ({result.code} {result.err}): {found}"
            assert c.status == "running"
