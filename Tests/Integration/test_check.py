"""skiff check: what the kernel has of that which skiff uses, tried without leaving anything."""

import json
import os
import time
from pathlib import Path

import pytest

from skifftest import host
from skifftest.errors import without_call

pytestmark = pytest.mark.skiff_only

KEYS = {"name", "area", "need", "state", "reason", "since", "usedFor", "without"}
AS_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


@pytest.fixture
def found(rt) -> dict:
    """Feature → what the JSON says about it."""
    return {feature["name"]: feature for feature in rt("check", "--format", "json").json["features"]}


def state(rt, *names) -> dict:
    report = rt("check", "--format", "json", *names).json
    return {feature["name"]: feature["state"] for feature in report["features"]}


def test_every_feature_says_what_it_is_for_and_what_happens_without_it(rt):
    report = rt("check", "--format", "json").ok().json
    assert report["kernel"] == os.uname().release and report["usable"] is True
    assert len(report["features"]) > 100
    assert len({feature["name"] for feature in report["features"]}) == len(report["features"])
    for feature in report["features"]:
        assert set(feature) | {"reason"} == KEYS and all(feature.values()), feature
        assert ("reason" in feature) == (feature["state"] != "present")
        assert feature["need"] in ("required", "recommended", "optional")


def test_the_table_has_every_feature_and_why_some_are_missing(rt, found):
    lines = rt("check").ok().out.splitlines()
    shown = {line.split()[0]: line.split()[1] for line in lines[1:lines.index("")]}
    assert shown == {name: feature["state"] for name, feature in found.items()}
    for name, feature in found.items():
        if feature["state"] != "present":
            assert any(line.startswith(f"{name} ") and feature["reason"] in line and feature["without"] in line for line in lines)


def test_tap_has_one_point_for_each_feature(rt, found):
    lines = rt("check", "--format", "tap").ok().out.splitlines()
    assert lines[0] == f"1..{len(found)}"
    for number, (name, feature) in enumerate(found.items(), 1):
        expected = f"ok {number} - {name}" + ("" if feature["state"] == "present" else " # SKIP ")
        assert lines[number].startswith(expected), lines[number]


def test_nothing_stays_of_it(rt):
    """Mounts, cgroups with their controllers, processes, loop devices, keyrings, seals, sysctls: as before."""
    def everything():
        trees = host.cgroup_roots()
        return {
            "mounts": host.mounts(), "processes": host.descendants(),
            "cgroups": [path for tree in trees for path, _, _ in os.walk(tree) if "skiff-check" in path],
            "switched on": [(tree / "cgroup.subtree_control").read_text() for tree in trees
                            if (tree / "cgroup.subtree_control").exists()],
            "options": [line.split(" - ")[1] for line in Path("/proc/self/mountinfo").read_text().splitlines()],
            "keys": keys() > ours,  # those of earlier checks are collected a moment after their end
            "devices": sorted(os.listdir("/sys/block")),
        }

    def keys():
        return Path("/proc/keys").read_text().count("skiff-check") if Path("/proc/keys").exists() else 0
    ours = keys()
    before = everything()
    rt("check")
    deadline = time.monotonic() + 5  # keyrings are collected a moment later
    while everything() != before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert everything() == before


def test_it_takes_well_under_a_second(rt):
    if "SKIFF_VM" in os.environ:
        pytest.skip("an emulated processor")
    times = []
    for _ in range(3):
        begin = time.monotonic()
        rt("check")
        times.append(time.monotonic() - begin)
    assert min(times) < 0.7


def test_only_what_is_named(rt):
    assert list(state(rt, "ns.user", "memory.peak")) == ["ns.user", "memory.peak"]
    assert set(state(rt, "seccomp.*")) == {name for name in state(rt) if name.startswith("seccomp.")}


def test_a_user_is_told_what_needs_root(rt):
    """Not that it is missing: most is tried in a user namespace, the rest cannot be told."""
    rt.path = rt.scratch / "skiff"
    rt.path.write_bytes(Path(os.environ.get("SKIFF", ".build/debug/skiff")).read_bytes())
    rt.path.chmod(0o755)
    for parent in rt.path.parents:
        if str(parent).startswith("/tmp/") and not parent.stat().st_mode & 1:
            parent.chmod(parent.stat().st_mode | 0o011)
    mine = state(rt)
    rt.wrapper = AS_NOBODY
    report = rt("check", "--format", "json").json["features"]
    theirs = {feature["name"]: feature["state"] for feature in report}
    if theirs["ns.user"] != "present":
        pytest.skip("this host lets no user make namespaces")
    assert {name for name in theirs if theirs[name] == "absent" and mine[name] == "present"} == set()
    denied = [feature for feature in report if feature["state"] == "denied"]
    assert denied and all(feature["reason"].startswith("needs root") for feature in denied)
    assert all(feature["state"] == "present" for feature in report if feature["need"] == "required")


@pytest.mark.parametrize("call, feature", [
    (437, "mount.openat2"), (435, "process.clone3"), (442, "mount.setattr"), (428, "mount.open-tree"),
    (434, "process.pidfd-open"), (436, "process.close-range")])
def test_a_call_that_is_taken_away_is_seen_although_others_stand_in_for_it(rt, call, feature):
    rt.without = []
    assert state(rt, feature) == {feature: "present"}
    report = rt("check", "--format", "json", feature, preexec=without_call(call)).ok().json["features"][0]
    assert report["state"] == "absent" and "ENOSYS" in report["reason"]


def test_a_feature_that_was_lost_fails(rt, scratch):
    rt.without = []
    expectations = scratch / "expectations"
    missing = [name for name, found in state(rt).items() if found != "present"]
    allowed = "".join(f"lacks {name}: this host\n" for name in missing)
    expectations.write_text(f"# of this host\n\nkernel 3.10\nkernel 5.4\n{allowed}kernel 99\n")
    result = rt("check", "--format", "tap", "--expect", expectations).ok()
    assert "not ok" not in result.out
    assert all(f"- {name} # SKIP this host" in result.out for name in missing)
    result = rt("check", "--format", "tap", "--expect", expectations, preexec=without_call(437))
    assert result.code == 3
    lost = [line for line in result.out.splitlines() if line.startswith("not ok")]
    assert len(lost) == 1 and lost[0].endswith("- mount.openat2")
    report = rt("check", "--format", "json", "--expect", expectations, preexec=without_call(437)).json
    assert report["asExpected"] is False and report["usable"] is True
    assert [f["name"] for f in report["features"] if f["state"] != "present" and f["expected"]] == ["mount.openat2"]


def test_a_required_feature_that_is_missing_is_an_exit_status_of_its_own(rt):
    rt.wrapper = ["unshare", "--user", "--map-root-user", "sh", "-c",
                  'echo 0 >/proc/sys/user/max_uts_namespaces && exec "$@"', "sh"]
    result = rt("check", "ns.uts", "ns.ipc", "ns.mount")
    assert result.code == 1 and "required and missing: ns.uts" in result.out, result
    assert "not ok 1 - ns.uts" in rt("check", "--format", "tap", "ns.uts").out


@pytest.mark.parametrize("words, said", [
    (["ns.nothing"], "no feature is named 'ns.nothing'"), (["--format", "xml"], "not 'xml'"),
    (["--expect", "/does/not/exist"], "ENOENT"),
    ("kernel five\n", "line 1: 'five' is no release"), ("lacks ns.user: why\n", "line 1: no kernel before it"),
    ("kernel 1\nlacks ns.user\n", "line 2: lacks FEATURE: REASON"), ("kernel 1\nhas ns.user\n", "line 2: 'has' is neither"),
    ("kernel 1\nlacks ns.nothing: why\n", "no feature is named 'ns.nothing'"), ("kernel 99.1\n", "says nothing about kernel"),
])
def test_words_that_cannot_be_used(rt, scratch, words, said):
    if isinstance(words, str):
        (scratch / "expectations").write_text(words)
        words = ["--expect", scratch / "expectations"]
    result = rt("check", *words)
    assert result.code == 2 and said in result.err and result.out == "", result


def test_features_says_the_same(rt, found):
    """Where `skiff features` tells of the kernel, too."""
    document = rt("features").ok().json["linux"]
    flags = {"SECCOMP_FILTER_FLAG_TSYNC": "seccomp.sync-threads", "SECCOMP_FILTER_FLAG_LOG": "seccomp.log",
             "SECCOMP_FILTER_FLAG_SPEC_ALLOW": "seccomp.spec-allow", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": "seccomp.wait-killable"}
    assert set(document["seccomp"]["knownFlags"]) == set(flags)
    present = {flag for flag, name in flags.items() if found[name]["state"] == "present"}
    assert set(document["seccomp"]["supportedFlags"]) == present
    names = {f"ns.{name}" for name in document["namespaces"]}
    assert names == {name for name in found if name.startswith("ns.") and name != "ns.join-by-pidfd"}


def test_the_expectations_of_the_virtual_machine_can_be_read(rt):
    """On whatever kernel this is."""
    file = Path(__file__).resolve().parents[1] / "vm/kernel-features.txt"
    assert rt("check", "--expect", file, "ns.mount").code in (0, 2)
    assert "line" not in rt("check", "--expect", file, "ns.mount").err
