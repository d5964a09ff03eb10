"""`--trace FILE`: the timeline of a launch."""

import json

import pytest

from skifftest import process

pytestmark = pytest.mark.skiff_only


def events(path) -> list[dict]:
    """The slices of a timeline in Chrome's format, checked as viewers read them."""
    found = json.loads(path.read_text())["traceEvents"]
    names = {e["pid"]: e["args"]["name"] for e in found if e["ph"] == "M"}
    slices = [e for e in found if e["ph"] == "X"]
    assert len(names) + len(slices) == len(found)
    for e in slices:
        assert e["ts"] >= 0 and e["dur"] >= 0 and e["name"] and e["pid"] == e["tid"]
        assert names[e["pid"]].startswith("skiff") == (e["cat"] == "runtime")
    assert min(e["ts"] for e in slices) == 0
    return slices


def named(slices, name: str, process: str = "init") -> dict:
    return next(e for e in slices if e["name"] == name and e["cat"] == process)


def inner(outer: dict, e: dict) -> bool:
    """Whether one slice lies in another; the numbers are rounded to nanoseconds."""
    return outer["ts"] <= e["ts"] + 0.002 and e["ts"] + e["dur"] <= outer["ts"] + outer["dur"] + 0.002


def test_run_writes_a_timeline_of_runtime_and_init(rt, bundle, scratch):
    bundle.process["args"] = ["/bin/sleep", "0.3"]
    rt.run(bundle, "--trace", scratch / "trace").ok()
    slices = events(scratch / "trace")
    for name in ("read the configuration", "plan the launch", "make the cgroup", "clone init", "write the state",
                 "wait for the program"):
        named(slices, name, "runtime")
    for name in ("namespaces", "mounts", "root", "identity", "program", "created", "gate"):
        named(slices, name)
    mounts = [e for e in slices if e["name"] == "mounts" and e["cat"] == "init"]
    outer = max(mounts, key=lambda e: e["dur"])
    each = [e for e in slices if e["name"].startswith("mount ") and e["cat"] == "init"]
    assert len(each) >= len(bundle.config["mounts"]) and all(inner(outer, e) for e in each)
    clone = named(slices, "clone init", "runtime")
    assert all(e["ts"] >= clone["ts"] for e in slices if e["cat"] == "init")
    assert max(e["ts"] + e["dur"] for e in slices) < 250_000, "the program's own time is not part of it"


def test_create_writes_a_timeline_to_created(rt, bundle, scratch):
    bundle.write()
    container = rt.create(bundle, "--trace", scratch / "trace")
    slices = events(scratch / "trace")
    assert named(slices, "identity") and not [e for e in slices if e["name"] == "gate"]
    container.start()
    container.wait_stopped()
    container.delete().ok()


def test_exec_writes_a_timeline(rt, bundle, scratch):
    with rt.sleeping(bundle) as c:
        c.exec("/bin/true", options=["--trace", scratch / "trace"]).ok()
    slices = events(scratch / "trace")
    assert named(slices, "clone into the container", "runtime") and named(slices, "namespaces")


def test_hooks_are_in_the_timeline(rt, bundle, scratch):
    bundle.hook("createRuntime", "/bin/true")
    rt.run(bundle, "--trace", scratch / "trace").ok()
    assert named(events(scratch / "trace"), "run createRuntime hook 0 /bin/true", "runtime")


def test_a_failed_launch_has_its_timeline_too(rt, bundle, scratch):
    bundle.process["args"] = ["nosuch"]
    rt.run(bundle, "--trace", scratch / "trace").failed("executable file not found")
    slices = events(scratch / "trace")
    last = max((e for e in slices if e["cat"] == "init"), key=lambda e: e["ts"])
    assert last["name"] == "program"


def test_a_long_list_of_mounts_arrives_whole(rt, bundle, scratch):
    for number in range(100):
        bundle.mount(f"/tmp/{'d' * 60}{number}")
    bundle.mount("/tmp", "tmpfs", "tmpfs")
    bundle.config["mounts"].insert(0, bundle.config["mounts"].pop())
    rt.run(bundle, "--trace", scratch / "trace").ok()
    each = [e for e in events(scratch / "trace") if e["name"].startswith("mount tmpfs on /tmp/ddd")]
    assert len(each) == 100


def test_without_it_nothing_is_written_and_a_wrong_path_is_refused_before_anything_is_made(rt, bundle, scratch):
    bundle.write()
    before = set(scratch.iterdir())
    rt("run", "--bundle", bundle.path, "--trace", "/nowhere/trace", rt.new_id()).failed("/nowhere/trace", code=1)
    assert set(scratch.iterdir()) - before <= {p for p in scratch.iterdir() if p.name.startswith(("out", "err"))}
    assert not rt.root.exists()


def test_of_an_image_it_is_refused(rt, scratch):
    process.run([*rt.words("run", "--trace", scratch / "trace", "someimage")], scratch=scratch, env=rt.env).failed(
        "--trace is for bundles", code=2)
