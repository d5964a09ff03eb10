"""linux.intelRdt (RDT-*). Few machines have the processor for it, so a plain folder stands for the resctrl file system:
what a group's files are made of by the kernel there, skiff makes; what the kernel removes with a group, the test does."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.skiff_only


@pytest.fixture
def resctrl(scratch, rt):
    """The folder, with the root group's files and a group `named` that has been there before."""
    root = scratch / "resctrl"
    for group in (root, root / "named"):
        (group / "mon_groups").mkdir(parents=True)
        (group / "tasks").write_text("")
        (group / "schemata").write_text("    L3:0=7ff;1=7ff\n    MB:0= 20;1=100\n")
    rt.env["SKIFF_RESCTRL"] = str(root)
    return root


def rdt(bundle, **fields):
    bundle.linux["intelRdt"] = fields
    return bundle


def empty(group: Path) -> None:
    """As the kernel does it when a group is removed."""
    for file in ("tasks", "schemata"):
        (group / file).unlink(missing_ok=True)


def groups(root: Path) -> set[str]:
    return {entry.name for entry in root.iterdir() if entry.is_dir()}


def test_rdt_1_without_a_mounted_tree_it_is_an_error(rt, bundle):
    if " - resctrl " in Path("/proc/self/mountinfo").read_text():
        pytest.skip("this machine has mounted resctrl")
    rt.refuse(rdt(bundle, closID="x", schemata=["L3:0=1"]), "resctrl", "not mounted", "mount -t resctrl")


def test_rdt_1_unset_leaves_the_tree_alone(rt, bundle, resctrl):
    before = {path: path.stat().st_mtime_ns for path in resctrl.rglob("*")}
    rt.report(bundle)
    assert {path: path.stat().st_mtime_ns for path in resctrl.rglob("*")} == before


def test_rdt_1_the_process_is_put_into_the_containers_group(rt, bundle, resctrl):
    container = rt.create(rdt(bundle, schemata=["L3:0=f"]))
    group = resctrl / container.id
    # "0" is the process that writes it.
    assert (group / "tasks").read_text() == "0"
    assert (group / "schemata").read_text() == "L3:0=f\n"
    empty(group)
    container.remove()
    assert groups(resctrl) == {"named", "mon_groups"}


def test_rdt_1_exec_joins_the_group(rt, bundle, resctrl):
    with rt.sleeping(rdt(bundle, closID="named")) as container:
        (resctrl / "named/tasks").write_text("")
        container.probe("report")
        assert (resctrl / "named/tasks").read_text() == "0"


def test_rdt_2_a_slash_is_the_root_group(rt, bundle, resctrl):
    rt.report(rdt(bundle, closID="/"))
    assert (resctrl / "tasks").read_text() == "0"
    assert groups(resctrl) == {"named", "mon_groups"}


def test_rdt_3_the_lines_come_in_their_order(rt, bundle, resctrl):
    rt.report(rdt(bundle, closID="new", memBwSchema="MB:0=20", l3CacheSchema="L3:0=f", schemata=["L2:0=3", "L3:1=1"]))
    assert (resctrl / "new/schemata").read_text() == "L3:0=f\nMB:0=20\nL2:0=3\nL3:1=1\n"


def test_rdt_3_without_lines_schemata_is_not_written(rt, bundle, resctrl):
    before = (resctrl / "named/schemata").read_text()
    rt.report(rdt(bundle, closID="named"))
    assert (resctrl / "named/schemata").read_text() == before


@pytest.mark.parametrize("fields, words", [
    ({"l3CacheSchema": "L3:0=f\nMB:0=1"}, ["l3CacheSchema", "control characters"]),
    ({"memBwSchema": "MB:0=1\n"}, ["memBwSchema", "control characters"]),
    ({"memBwSchema": "L3:0=1"}, ["memBwSchema", "begin with MB:"]),
    ({"schemata": ["L3:0=1", "MB:0=1\nL3:1=1"]}, ["schemata[1]", "control characters"]),
    ({"closID": "a/b"}, ["closID", "plain name"]),
    ({"closID": ".."}, ["closID", "plain name"]),
])
def test_rdt_3_wrong_values_are_refused(rt, bundle, resctrl, fields, words):
    rt.refuse(rdt(bundle, **fields), *words)
    assert groups(resctrl) == {"named", "mon_groups"}


def test_rdt_4_a_named_group_with_lines_is_made(rt, bundle, resctrl):
    rt.report(rdt(bundle, closID="new", schemata=["MB:0=10"]))
    assert (resctrl / "new/schemata").read_text() == "MB:0=10\n"
    assert (resctrl / "new/tasks").read_text() == "0"


def test_rdt_4_a_group_that_is_there_must_agree(rt, bundle, resctrl):
    rt.report(rdt(bundle, closID="named", l3CacheSchema="L3:0=07ff", memBwSchema="MB:1=100;0=20"))
    assert (resctrl / "named/tasks").read_text() == "0"


@pytest.mark.parametrize("fields", [
    {"l3CacheSchema": "L3:0=f;1=7ff"}, {"memBwSchema": "MB:0=30"}, {"l3CacheSchema": "L3:2=7ff"},
])
def test_rdt_4_a_group_that_does_not_agree_is_refused(rt, bundle, resctrl, fields):
    before = (resctrl / "named/schemata").read_text()
    rt.refuse(rdt(bundle, closID="named", **fields), "named/schemata", "other values")
    assert (resctrl / "named/schemata").read_text() == before and (resctrl / "named/tasks").read_text() == ""


def test_rdt_4_a_named_group_alone_must_be_there(rt, bundle, resctrl):
    rt.refuse(rdt(bundle, closID="missing"), "resctrl group", "missing", "there is none")
    assert groups(resctrl) == {"named", "mon_groups"}


def test_rdt_5_a_named_group_stays(rt, bundle, resctrl):
    rt.report(rdt(bundle, closID="new", schemata=["MB:0=10"]))
    rt.report(rdt(bundle, closID="named"))
    assert groups(resctrl) == {"named", "new", "mon_groups"}


def test_rdt_5_a_group_of_the_containers_name_that_was_there_stays(rt, bundle, resctrl):
    name = rt.new_id()
    (resctrl / name).mkdir()
    rt.run(rdt(bundle, schemata=["MB:0=10"]).probe("report"), id=name).ok()
    assert name in groups(resctrl)


def test_rdt_6_a_monitoring_group_goes_with_the_container(rt, bundle, resctrl):
    container = rt.create(rdt(bundle, closID="named", enableMonitoring=True))
    group = resctrl / "named/mon_groups" / container.id
    assert (group / "tasks").read_text() == "0"
    empty(group)
    container.remove()
    assert not group.exists() and (resctrl / "named").is_dir()


def test_rdt_6_a_monitoring_group_in_the_root_group(rt, bundle, resctrl):
    container = rt.create(rdt(bundle, closID="/", enableMonitoring=True))
    group = resctrl / "mon_groups" / container.id
    assert group.is_dir()
    empty(group)
    container.remove()
    assert not group.exists()


def test_rdt_6_a_monitoring_group_that_cannot_be_made_is_an_error(rt, bundle, resctrl):
    (resctrl / "info").mkdir()
    (resctrl / "info/last_cmd_status").write_text("no more monitors\n")
    (resctrl / "named/mon_groups").rmdir()
    rt.refuse(rdt(bundle, closID="named", enableMonitoring=True), "monitoring group", "ENOENT", "no more monitors")


def test_rdt_5_a_failed_create_takes_new_groups_back(rt, bundle, resctrl):
    (resctrl / "named/mon_groups").rmdir()
    rt.refuse(rdt(bundle, closID="new", enableMonitoring=True), "resctrl group")
    rt.refuse(rdt(bundle, enableMonitoring=True), "monitoring group")
    assert groups(resctrl) == {"named", "mon_groups"}
