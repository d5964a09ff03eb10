"""The rules of the v2 tree: which cgroups may hold processes, controllers down the tree, delegation, waiting by events."""

import errno
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from skifftest import host
from skifftest.errors import without_call
from test_cgroup_rules import writable_cgroup

pytestmark = pytest.mark.skiff_only

ROOT = Path("/sys/fs/cgroup")
NANOSLEEP, CLOCK_NANOSLEEP = 35, 230


@pytest.fixture
def top():
    """A cgroup of the test's own, with all controllers above it; removed with what is in it."""
    control = ROOT / "cgroup.subtree_control"
    before = set(control.read_text().split())
    control.write_text("+memory +pids +cpu +io")
    path = ROOT / f"{host.TOKEN}rules"
    path.mkdir()
    yield path
    for directory, _, _ in os.walk(path, topdown=False):
        Path(directory).rmdir()
    for name in set(control.read_text().split()) - before:
        control.write_text(f"-{name}")


@pytest.fixture
def sleeper():
    """Puts a process into a cgroup."""
    started = []

    def put(path: Path) -> int:
        process = subprocess.Popen(["sleep", "100"])
        host.own(process.pid)
        started.append(process)
        (path / "cgroup.procs").write_text(str(process.pid))
        return process.pid
    yield put
    for process in started:
        process.kill()
        process.wait()
        host.disown(process.pid)


def limited(bundle, path: Path, **resources):
    bundle.linux["cgroupsPath"] = "/" + str(path.relative_to(ROOT))
    bundle.linux["resources"].update(resources)
    return bundle


def tree(path: Path) -> dict:
    """All cgroups with what they pass on, what they are, and who is in them."""
    def read(directory, name):
        try:
            return (Path(directory) / name).read_text().split()
        except OSError as error:
            return errno.errorcode[error.errno]
    names = ("cgroup.subtree_control", "cgroup.type", "cgroup.procs")
    return {directory: [read(directory, name) for name in names] for directory, _, _ in os.walk(path)}


# ---- create under any path ----

def test_controllers_are_enabled_in_every_cgroup_above(rt, bundle, top):
    limited(bundle, top / "a/b/c/d", memory={"limit": 1 << 26}, pids={"limit": 30}, cpu={"shares": 512})
    with rt.sleeping(bundle):
        for level in (top, top / "a", top / "a/b", top / "a/b/c"):
            assert {"memory", "pids", "cpu"} <= set((level / "cgroup.subtree_control").read_text().split()), level
        assert (top / "a/b/c/d/memory.max").read_text() == f"{1 << 26}\n"
        assert (top / "a/b/c/d/cgroup.subtree_control").read_text().split() == []


@pytest.mark.parametrize("resources", [{}, {"pids": {"limit": 20}}], ids=["no limit", "pids"])
@pytest.mark.parametrize("there", [False, True], ids=["new", "there already"])
def test_below_a_threaded_cgroup_nothing_starts(rt, bundle, top, resources, there):
    (top / "t").mkdir()
    (top / "t/cgroup.type").write_text("threaded")
    if there:
        (top / "t/c").mkdir()
    before = {name: facts[1:] for name, facts in tree(top).items()}
    rt.refuse(limited(bundle, top / "t/c", **resources), f"{top}/t/c", "takes no processes", f"below {top}/t, which is threaded")
    assert {name: facts[1:] for name, facts in tree(top).items()} == before


def test_a_threaded_cgroup_is_named(rt, bundle, top):
    (top / "t").mkdir()
    (top / "t/cgroup.type").write_text("threaded")
    rt.refuse(limited(bundle, top / "t"), f"{top}/t", "takes no processes", "it is threaded")


def test_a_limit_that_does_not_exist_in_threaded_mode_is_named(rt, bundle, top):
    (top / "t").mkdir()
    (top / "t/cgroup.type").write_text("threaded")
    rt.refuse(limited(bundle, top / "t/c", memory={"limit": 1 << 26}), "memory controller", str(top), "threaded mode")


def test_a_cgroup_that_passes_controllers_on_holds_no_container(rt, bundle, top):
    (top / "inner/below").mkdir(parents=True)
    (top / "cgroup.subtree_control").write_text("+memory")
    (top / "inner/cgroup.subtree_control").write_text("+memory")
    before = tree(top)
    rt.refuse(limited(bundle, top / "inner"), f"{top}/inner", "takes no processes", "passes controllers on", "memory")
    assert tree(top) == before


@pytest.mark.parametrize("resources, controller", [
    ({"memory": {"limit": 1 << 26}}, "memory"), ({"pids": {"limit": 20}}, "pids"), ({"cpu": {"shares": 512}}, "cpu")],
    ids=["memory", "pids", "cpu"])
def test_a_parent_with_processes_is_named_and_stays_what_it_is(rt, bundle, top, sleeper, resources, controller):
    """Controllers of threads could be enabled there, but would make it a threaded domain, which cannot be undone."""
    (top / "parent").mkdir()
    sleeper(top / "parent")
    before = tree(top / "parent")
    rt.refuse(limited(bundle, top / "parent/c", **resources), f"the {controller} controller", f"{top}/parent", "processes")
    assert tree(top / "parent") == before


def test_below_a_parent_with_processes_runs_what_has_no_limits(rt, bundle, top, sleeper):
    """As in a container whose processes are at the top of what it sees."""
    (top / "parent").mkdir()
    sleeper(top / "parent")
    with rt.sleeping(limited(bundle, top / "parent/c")) as container:
        assert (top / "parent/c/cgroup.procs").read_text().split() == [str(container.pid)]
        assert (top / "parent/cgroup.type").read_text() == "domain\n"


@pytest.mark.parametrize("limit", ["cgroup.max.depth", "cgroup.max.descendants"])
def test_a_tree_that_may_not_grow_is_named(rt, bundle, top, limit):
    (top / limit).write_text("1")
    rt.refuse(limited(bundle, top / "a/b"), "/a/b", "EAGAIN", limit)
    assert list(tree(top)) == [str(top)]


def test_cg_5_a_cgroup_in_use_is_refused_whoever_uses_it(rt, bundle, make_bundle, top, sleeper):
    with rt.sleeping(limited(bundle, top / "mine")):
        rt.refuse(limited(make_bundle(), top / "mine"), f"{top}/mine", "not empty")
    (top / "theirs").mkdir()
    sleeper(top / "theirs")
    rt.refuse(limited(bundle, top / "theirs"), f"{top}/theirs", "not empty")


@pytest.mark.parametrize("path", ["/../outside", "/a/../../outside", "a/./../..", "/a//..//b"])
def test_cg_3_a_path_that_leaves_the_tree_is_refused(rt, bundle, path):
    bundle.linux["cgroupsPath"] = path
    rt.refuse(bundle, "cgroupsPath")


# ---- delegation ----

def test_cg_7_8_the_containers_root_makes_cgroups_with_controllers_of_its_own(rt, bundle, top):
    writable_cgroup(bundle).user_namespace()
    limited(bundle, top / "c", memory={"limit": 1 << 27}, pids={"limit": 50})
    bundle.shell("cd /sys/fs/cgroup && mkdir init job && echo 0 >init/cgroup.procs && echo '+memory +pids' >cgroup.subtree_control && "
                 "echo 20 >job/pids.max && echo 33554432 >job/memory.max && cat job/pids.max job/memory.max && "
                 "(echo 0 >job/cgroup.procs && cat /proc/self/cgroup) && "
                 "(echo 90 >pids.max) 2>/dev/null || echo kept; (echo max >memory.max) 2>/dev/null || echo kept")
    result = rt.run(bundle).ok()
    assert result.out.split("\n")[:3] == ["20", "33554432", "0::/job"], result
    assert result.out.split().count("kept") == 2
    assert not (top / "c").exists()


def test_nsdelegate_keeps_limits_from_a_container_without_a_user_namespace(rt, bundle, top):
    """Root of the host's, in a cgroup namespace: the files of its own top are the host's."""
    writable_cgroup(bundle)
    limited(bundle, top / "c", pids={"limit": 50})
    bundle.shell("cd /sys/fs/cgroup; (echo max >pids.max) 2>/dev/null || echo kept; cat pids.max")
    assert rt.run(bundle).ok().out.split() == ["kept", "50"]


# ---- exec is born there ----

def test_exec_is_born_in_the_cgroup(rt, bundle, top):
    """A process that came later by moving would not be stopped by pids.max; one that is born there is not even made."""
    with rt.sleeping(limited(bundle, top / "c", pids={"limit": 20})) as container:
        container.exec("/bin/true").ok()
        (top / "c/pids.max").write_text((top / "c/pids.current").read_text())
        container.exec("/bin/true").failed("clone", "EAGAIN")
        assert (top / "c/cgroup.procs").read_text().split() == [str(container.pid)]
        (top / "c/pids.max").write_text("20")
        container.exec("/bin/true").ok()


# ---- waiting by events ----

def no_sleep():
    """Whoever sleeps dies."""
    for number in (NANOSLEEP, CLOCK_NANOSLEEP):
        without_call(number, deadly=True)()


def test_the_trap_for_sleepers_works(rt, scratch):
    result = subprocess.run(["sleep", "0.01"], preexec_fn=no_sleep)
    assert result.returncode == -signal.SIGSYS


def test_pause_resume_and_removal_wait_by_events_and_never_sleep(rt, bundle, top):
    """Many processes, so that freezing and dying take longer than one look."""
    limited(bundle, top / "c")
    bundle.probe(("echo", "ready"), "sleep")
    container = rt.create(bundle)
    container.start()
    for _ in range(3):
        rt("pause", container.id, preexec=no_sleep).ok()
        assert "frozen 1" in (top / "c/cgroup.events").read_text()
        rt("resume", container.id, preexec=no_sleep).ok()
        assert "frozen 0" in (top / "c/cgroup.events").read_text()
    (top / "c/below/more").mkdir(parents=True)
    rt("delete", "--force", container.id, preexec=no_sleep).ok()
    assert not (top / "c").exists()


def test_removal_waits_for_processes_that_take_their_time(rt, bundle, top, sleeper):
    """Somebody else's process in the container's cgroup, frozen by a cgroup of its own: killed, and waited for."""
    limited(bundle, top / "c")
    bundle.probe(("echo", "ready"), "sleep")
    container = rt.create(bundle)
    container.start()
    (top / "c/frozen").mkdir()
    pid = sleeper(top / "c/frozen")
    (top / "c/frozen/cgroup.freeze").write_text("1")
    begin = time.monotonic()
    rt("delete", "--force", container.id, preexec=no_sleep).ok()
    assert time.monotonic() - begin < 10
    assert not (top / "c").exists()
    assert Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
