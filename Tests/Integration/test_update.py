"""`update`: each limit is read back from the kernel; only what is given changes, all of it or nothing (CLI-11)."""

import json
from pathlib import Path

import pytest

from skifftest import process
from test_cgroups import MIB, directory, is_unified, needs, read, tree

pytestmark = pytest.mark.vm


# option, value, controller, file and text of v1, file and text of v2
FLAGS = [
    ("--memory", str(32 * MIB), "memory", "memory.limit_in_bytes", str(32 * MIB), "memory.max", str(32 * MIB)),
    ("--memory", "32m", "memory", "memory.limit_in_bytes", str(32 * MIB), "memory.max", str(32 * MIB)),
    ("--memory-reservation", "16M", "memory", "memory.soft_limit_in_bytes", str(16 * MIB), "memory.low", str(16 * MIB)),
    ("--memory-swap", str(96 * MIB), "memory", "memory.memsw.limit_in_bytes", str(96 * MIB), "memory.swap.max", str(32 * MIB)),
    ("--cpu-period", "50000", "cpu", "cpu.cfs_period_us", "50000", "cpu.max", "20000 50000"),
    ("--cpu-quota", "30000", "cpu", "cpu.cfs_quota_us", "30000", "cpu.max", "30000 100000"),
    ("--cpu-quota", "-1", "cpu", "cpu.cfs_quota_us", "-1", "cpu.max", "max 100000"),
    ("--cpu-burst", "10000", "cpu", "cpu.cfs_burst_us", "10000", "cpu.max.burst", "10000"),
    ("--cpu-share", "2048", "cpu", "cpu.shares", "2048", "cpu.weight", "174"),
    ("--cpu-idle", "1", "cpu", "cpu.idle", "1", "cpu.idle", "1"),
    ("--cpuset-cpus", "0", "cpuset", "cpuset.cpus", "0", "cpuset.cpus", "0"),
    ("--cpuset-mems", "0", "cpuset", "cpuset.mems", "0", "cpuset.mems", "0"),
    ("--pids-limit", "30", "pids", "pids.max", "30", "pids.max", "30"),
    ("--pids-limit", "-1", "pids", "pids.max", "max", "pids.max", "max"),
    ("--pids-limit", "0", "pids", "pids.max", "1", "pids.max", "1"),
]


@pytest.fixture
def limited(rt, bundle):
    """A running container with limits of every controller that is here."""
    resources = bundle.linux["resources"]
    if tree("memory"):
        resources["memory"] = {"limit": 64 * MIB, "swap": 128 * MIB}
    if tree("cpu"):
        resources["cpu"] = {"shares": 1024, "quota": 20000, "period": 100000}
    if tree("cpuset"):
        resources.setdefault("cpu", {})["cpus"] = Path(tree("cpuset") / ("cpuset.cpus.effective" if (tree("cpuset") / "cpuset.cpus.effective").exists()
                                                                          else "cpuset.cpus")).read_text().strip()
    if tree("pids"):
        resources["pids"] = {"limit": 20}
    with rt.sleeping(bundle) as c:
        yield c


def files(c) -> dict[str, str]:
    """Every limit of the container that is here."""
    found = {}
    for name in ("memory", "cpu", "cpuset", "pids"):
        if tree(name) is None:
            continue
        one_tree = (tree(name) / "cgroup.controllers").exists()
        for path in directory(c.pid, name).iterdir():
            if one_tree and not path.name.startswith(f"{name}."):
                continue
            if path.name.endswith(("_in_bytes", ".max", "_us", ".shares", ".weight", ".low", ".cpus", ".mems", ".idle", ".burst")) and "usage" not in path.name \
                    and "peak" not in path.name and "kmem" not in path.name:
                found[f"{name}/{path.name}"] = path.read_text()
    return found


@pytest.mark.parametrize("flag, value, controller, v1, text1, v2, text2", FLAGS)
def test_cli_11_each_flag_is_read_back_and_changes_nothing_else(rt, limited, flag, value, controller, v1, text1, v2, text2):
    if tree(controller) is None:
        pytest.skip(f"no {controller} controller in this view")
    root = tree(controller)
    name, text = (v2, text2) if (root / "cgroup.controllers").exists() else (v1, text1)
    if not (directory(limited.pid, controller) / name).exists():
        pytest.skip(f"this kernel has no {name}")
    before = files(limited)
    rt("update", flag, value, limited.id).ok()
    assert read(limited.pid, controller, name, name) == text
    after = files(limited)
    companions = {"--cpu-idle": {"cpu/cpu.shares", "cpu/cpu.weight", "cpu/cpu.weight.nice"}}.get(flag, set())
    assert {key for key in before if before[key] != after[key]} - companions <= {f"{controller}/{name}"}


@needs("cpu")
@pytest.mark.skiff_only
def test_cli_11_realtime(rt, limited):
    if (tree("cpu") / "cgroup.controllers").exists():
        rt("update", "--cpu-rt-period", "500000", limited.id).failed("realtime", "v2")
    elif not (directory(limited.pid, "cpu") / "cpu.rt_period_us").exists():
        pytest.skip("this kernel has no realtime groups")
    else:
        rt("update", "--cpu-rt-period", "500000", limited.id).ok()
        assert read(limited.pid, "cpu", "cpu.rt_period_us", "") == "500000"
        rt("update", "--cpu-rt-runtime", "100", limited.id).failed("realtimeRuntime", "realtime left")


@needs("io" if (Path("/sys/fs/cgroup/cgroup.controllers")).exists() else "blkio")
def test_cli_11_block_io_weight(rt, limited):
    controller = "blkio" if tree("blkio") else "io"
    texts = {"blkio.bfq.weight": "500", "blkio.weight": "500", "io.bfq.weight": "500", "io.weight": "4950"}
    names = [name for name in texts if (directory(limited.pid, controller) / name).exists()] if tree(controller) else []
    if not names:
        rt("update", "--blkio-weight", "500", limited.id).failed("blockIO.weight")
        return
    rt("update", "--blkio-weight", "500", limited.id).ok()
    assert texts[names[0]] in (directory(limited.pid, controller) / names[0]).read_text()


@needs("pids")
def test_cli_11_obsolete_options_have_no_effect(rt, limited):
    before = files(limited)
    result = rt("update", "--kernel-memory", "16777216", "--kernel-memory-tcp", "1m", limited.id).ok()
    assert files(limited) == before
    assert rt.name != "skiff" or "no effect" in result.err
    assert "kernel-memory" not in rt("update", "--help").out


@needs("pids")
@pytest.mark.parametrize("how", ["file", "stdin"])
def test_cli_11_a_document_of_limits(rt, limited, scratch, how):
    document = {"pids": {"limit": 10}, "cpu": {"shares": 0}, "memory": {"limit": 0}, "unknown": 1}
    before = files(limited)
    if how == "file":
        (scratch / "limits.json").write_text(json.dumps(document))
        rt("update", "--resources", scratch / "limits.json", limited.id).ok()
    else:
        rt("update", "-r", "-", limited.id, stdin=json.dumps(document).encode()).ok()
    assert read(limited.pid, "pids", "pids.max", "pids.max") == "10"
    after = files(limited)
    assert {key for key in before if before[key] != after[key]} == {"pids/pids.max"}


@needs("pids")
def test_cli_11_zeros_of_engines_mean_not_given(rt, limited):
    before = files(limited)
    zeros = {"memory": {"limit": 0, "reservation": 0, "swap": 0, "kernel": 0, "kernelTCP": 0},
             "cpu": {"shares": 0, "quota": 0, "period": 0, "realtimeRuntime": 0, "realtimePeriod": 0, "cpus": "", "mems": ""},
             "pids": {"limit": 0}, "blockIO": {"weight": 0}}
    rt("update", "-r", "-", limited.id, stdin=json.dumps(zeros).encode()).ok()
    assert files(limited) == before


@pytest.mark.skiff_only
def test_zeros_of_engines_mean_unset_at_create_too(rt, bundle):
    bundle.linux["resources"].update({
        "memory": {"limit": 0, "reservation": 0, "swap": 0, "swappiness": 18446744073709551615},
        "cpu": {"shares": 0, "quota": 0, "period": 0, "realtimeRuntime": 0, "realtimePeriod": 0, "cpus": "", "mems": ""},
        "blockIO": {"weight": 0, "leafWeight": 0}, "hugepageLimits": [], "network": {}})
    with rt.sleeping(bundle) as c:
        if tree("memory"):
            assert read(c.pid, "memory", "memory.limit_in_bytes", "memory.max") in ("max", "9223372036854771712")
        if tree("cpu"):
            assert read(c.pid, "cpu", "cpu.cfs_quota_us", "cpu.max") in ("-1", "max 100000")


@needs("memory")
@needs("pids")
@needs("cpu")
@pytest.mark.skiff_only
@pytest.mark.parametrize("bad", [
    ["--cpuset-mems", "63"], ["--cpuset-cpus", "4000"],
    # Version 1 limits memory and swap together; version 2 keeps them apart, and nothing is wrong.
    pytest.param(["--memory", "200m"], marks=pytest.mark.applies(not is_unified("memory")))])
def test_cli_11_a_failed_half_leaves_the_old_values(rt, limited, bad):
    before = files(limited)
    rt("update", "--pids-limit", "7", "--cpu-share", "3000", "--memory-reservation", "8m", *bad, limited.id).failed("limit ", "hint")
    assert files(limited) == before


@pytest.mark.skiff_only
@pytest.mark.parametrize("flag, value", [("--memory", "much"), ("--memory", "-2"), ("--pids-limit", "x"), ("--cpu-share", "-1"), ("--cpuset-cpus", "a"),
                                         ("--cpu-idle", "2"), ("--blkio-weight", "5"), ("--mem-bw-schema", "L3:0=1"), ("--cpu-quota", "1.5")])
def test_cli_11_values_that_are_none_are_refused(rt, limited, flag, value):
    before = files(limited)
    result = rt("update", flag, value, limited.id).failed()
    assert flag.strip("-").split("-")[0].replace("cpuset", "cpus") in result.err or "weight" in result.err
    assert files(limited) == before


@needs("memory")
@pytest.mark.skiff_only
def test_res_6_a_limit_below_the_usage_is_refused_when_asked(rt, bundle):
    bundle.linux["resources"]["memory"] = {"limit": 100 * MIB}
    bundle.shell("dd if=/dev/zero of=/dev/shm/x bs=1M count=30 2>/dev/null; echo ready; sleep 100")
    with rt.container(bundle) as c:
        c.wait_text("ready")
        document = json.dumps({"memory": {"limit": 10 * MIB, "checkBeforeUpdate": True}}).encode()
        rt("update", "-r", "-", c.id, stdin=document).failed("below the present usage")
        assert read(c.pid, "memory", "memory.limit_in_bytes", "memory.max") == str(100 * MIB)


@pytest.mark.skiff_only
@pytest.mark.parametrize("flag, line", [("--l3-cache-schema", "L3:0=ff"), ("--mem-bw-schema", "MB:0=50")])
def test_rdt_update_writes_the_line(rt, bundle, scratch, flag, line):
    """A folder stands for resctrl: this machine's processor has none."""
    root = scratch / "resctrl"
    (root / "given").mkdir(parents=True)
    (root / "given/schemata").write_text("L3:0=f\nMB:0=100\n")
    rt.env["SKIFF_RESCTRL"] = str(root)
    bundle.linux["intelRdt"] = {"closID": "given"}
    with rt.sleeping(bundle) as c:
        rt("update", flag, line, c.id).ok()
        assert (root / "given/schemata").read_text() == line + "\n"
        (root / "given/schemata").write_text("L3:0=f\nMB:0=100\n")
        rt("update", flag, line, "--cpuset-cpus", "a", c.id).failed("cpu.cpus")
        assert (root / "given/schemata").read_text() == "L3:0=f\nMB:0=100\n"


@pytest.mark.skiff_only
def test_rdt_update_of_a_container_without_a_group_is_refused(rt, limited):
    rt("update", "--l3-cache-schema", "L3:0=ff", limited.id).failed("resctrl group", "intelRdt")


def test_cli_11_a_stopped_container_is_refused(rt, bundle):
    c = rt.create(bundle.probe(("echo", "x")))
    c.start()
    c.wait_stopped()
    rt("update", "--pids-limit", "9", c.id).failed("not running")
    c.delete().ok()
