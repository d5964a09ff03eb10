"""`events`: runc's JSON lines of usage and of kills for want of memory (CLI-12)."""

import json
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from skifftest.process import until
from test_cgroups import MIB, directory, needs, tree

pytestmark = pytest.mark.vm


@contextmanager
def watching(rt, c, *options):
    """`events` in the background."""
    watcher = rt.background("events", *options, c.id)
    try:
        yield watcher
    finally:
        watcher.stop()


def stats(rt, c) -> dict:
    result = rt("events", "--stats", c.id).ok()
    assert len(result.out.splitlines()) == 1
    event = json.loads(result.out)
    assert list(event)[:2] == ["type", "id"] and event["type"] == "stats" and event["id"] == c.id
    return event["data"]


def test_cli_12_stats_has_the_form_of_runc(rt, bundle):
    with rt.sleeping(bundle) as c:
        c.probe(("burn", "1"))
        data = stats(rt, c)
    assert {"cpu", "cpuset", "memory", "pids", "blkio", "hugetlb", "intel_rdt", "network_interfaces"} <= set(data)
    usage = data["cpu"]["usage"]
    assert usage["total"] > 100_000_000 and usage["kernel"] + usage["user"] > 0
    assert abs(usage["total"] - usage["kernel"] - usage["user"]) < 0.2 * usage["total"]
    assert data["pids"]["current"] == 1
    assert {"cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab", "memory_pressure",
            "sched_load_balance", "sched_relax_domain_level"} <= set(data["cpuset"])


@needs("memory")
def test_cli_12_memory_figures_are_those_of_the_files(rt, bundle):
    bundle.linux["resources"]["memory"] = {"limit": 64 * MIB}
    bundle.shell("dd if=/dev/zero of=/dev/shm/x bs=1M count=20 2>/dev/null; echo ready; sleep 100")
    with rt.container(bundle) as c:
        c.wait_text("ready")
        memory = stats(rt, c)["memory"]
        path = directory(c.pid, "memory")
        v2 = (tree("memory") / "cgroup.controllers").exists()
        assert memory["usage"]["limit"] == 64 * MIB == int((path / ("memory.max" if v2 else "memory.limit_in_bytes")).read_text())
        now = int((path / ("memory.current" if v2 else "memory.usage_in_bytes")).read_text())
        assert abs(memory["usage"]["usage"] - now) < 2 * MIB and memory["usage"]["usage"] >= 20 * MIB
        assert memory["cache"] >= 20 * MIB and memory["raw"]["file" if v2 else "cache"] == memory["cache"]
        assert set(memory["raw"]) == {line.split()[0] for line in (path / "memory.stat").read_text().splitlines()}
        if (path / "memory.peak").exists() or not v2:
            assert memory["usage"]["max"] >= 20 * MIB


@needs("pids")
def test_cli_12_limits_and_their_absence(rt, bundle):
    with rt.sleeping(bundle) as c:
        assert "limit" not in stats(rt, c)["pids"]
        rt("update", "--pids-limit", "33", c.id).ok()
        assert stats(rt, c)["pids"]["limit"] == 33


@needs("cpu")
def test_cli_12_throttling(rt, bundle):
    bundle.linux["resources"]["cpu"] = {"quota": 10000, "period": 100000}
    with rt.sleeping(bundle) as c:
        c.probe(("burn", "1"))
        throttling = stats(rt, c)["cpu"]["throttling"]
        assert throttling["periods"] >= throttling["throttledPeriods"] > 3 and throttling["throttledTime"] > 100_000_000


@pytest.mark.skiff_only
def test_cli_12_pressure(rt, bundle):
    root = next((r for r in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")) if (r / "cpu.pressure").exists()), None)
    if root is None:
        pytest.skip("this kernel keeps no pressure, or this view has no cgroup2")
    with rt.sleeping(bundle) as c:
        data = stats(rt, c)
        for name in ("cpu", "memory", "blkio"):
            for kind in data[name]["psi"].values():
                assert set(kind) == {"avg10", "avg60", "avg300", "total"}
        place = root / next(line.split(":", 2)[2] for line in Path(f"/proc/{c.pid}/cgroup").read_text().splitlines() if line.startswith("0::")).lstrip("/")
        total = int((place / "memory.pressure").read_text().splitlines()[0].split("total=")[1])
        assert data["memory"]["psi"]["some"]["total"] <= total


@needs("cpuset")
@pytest.mark.skiff_only
def test_cli_12_cpuset(rt, bundle):
    bundle.linux["resources"]["cpu"] = {"cpus": "0", "mems": "0"}
    with rt.sleeping(bundle) as c:
        cpuset = stats(rt, c)["cpuset"]
        assert cpuset["cpus"] == [0] and cpuset["mems"] == [0]


@needs("hugetlb")
@pytest.mark.skiff_only
def test_cli_12_huge_pages(rt, bundle):
    bundle.linux["resources"]["hugepageLimits"] = [{"pageSize": "2MB", "limit": 2 << 20}]
    with rt.sleeping(bundle) as c:
        assert stats(rt, c)["hugetlb"]["2MB"] == {"failcnt": 0}


@pytest.mark.skiff_only
def test_cli_12_intel_rdt(rt, bundle, scratch):
    """A folder stands for resctrl: this machine's processor has none."""
    root = scratch / "resctrl"
    for name, text in {"schemata": "    L3:0=fff\n    MB:0=100\n", "given/schemata": "    L3:0=f\n    MB:0=50\n", "info/L3/cbm_mask": "fff\n",
                       "info/L3/min_cbm_bits": "1\n", "info/L3/num_closids": "16\n", "info/MB/min_bandwidth": "10\n",
                       "given/mon_data/mon_L3_00/mbm_total_bytes": "7\n", "given/mon_data/mon_L3_00/mbm_local_bytes": "5\n",
                       "given/mon_data/mon_L3_00/llc_occupancy": "3\n"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    rt.env["SKIFF_RESCTRL"] = str(root)
    bundle.linux["intelRdt"] = {"closID": "given"}
    with rt.sleeping(bundle) as c:
        assert stats(rt, c)["intel_rdt"] == {
            "l3_cache_info": {"cbm_mask": "fff", "min_cbm_bits": 1, "num_closids": 16}, "l3_cache_schema_root": "L3:0=fff", "l3_cache_schema": "L3:0=f",
            "mem_bw_info": {"min_bandwidth": 10}, "mem_bw_schema_root": "MB:0=100", "mem_bw_schema": "MB:0=50", "schemata": ["L3:0=f", "MB:0=50"],
            "mbm_stats": [{"mbm_total_bytes": 7, "mbm_local_bytes": 5}], "cmt_stats": [{"llc_occupancy": 3}]}


def test_cli_12_again_and_again_until_the_container_ends(rt, bundle):
    with rt.sleeping(bundle) as c:
        with watching(rt, c, "--interval", "100ms") as watcher:
            until(lambda: watcher.text.count("\n") >= 3, "three lines come")
            times = [time.monotonic()]
            for count in (5, 7):
                until(lambda: watcher.text.count("\n") >= count, "more lines come")
                times.append(time.monotonic())
            assert 0.05 < times[2] - times[1] < 2
            c.kill("KILL").ok()
            watcher.wait(10).ok()
            assert {json.loads(line)["type"] for line in watcher.text.splitlines()} == {"stats"}


@pytest.mark.skiff_only
def test_cli_12_waiting_costs_nothing(rt, bundle):
    with rt.sleeping(bundle) as c:
        with watching(rt, c, "--interval", "1h") as watcher:
            time.sleep(0.5)

            def switches() -> int:
                text = Path(f"/proc/{watcher.pid}/status").read_text()
                return sum(int(line.split()[1]) for line in text.splitlines() if "ctxt_switches" in line)
            before = switches()
            time.sleep(0.5)
            assert switches() - before <= 1
            c.kill("KILL").ok()
            watcher.wait(10)
            assert watcher.text == ""


@needs("memory")
@pytest.mark.parametrize("where", ["init", "exec"])
def test_cli_12_a_kill_for_want_of_memory_is_told(rt, bundle, where):
    bundle.linux["resources"]["memory"] = {"limit": 32 * MIB, "swap": 32 * MIB}
    if where == "init":
        bundle.shell("echo ready; while [ ! -e /dev/shm/go ]; do sleep 0.05; done; exec probe hog 200")
    else:
        bundle.probe(("echo", "ready"), "sleep")
    c = rt.create(bundle)
    try:
        c.start()
        c.wait_text("ready")
        with watching(rt, c, "--interval", "1h") as watcher:
            time.sleep(0.5)  # nothing tells that it watches
            if where == "init":
                c.exec("/bin/busybox", "touch", "/dev/shm/go").ok()
            else:
                assert c.exec("/bin/probe", "hog", "200").code == 137
            until(lambda: '"oom"' in watcher.text, "the kill is told")
            if where == "exec":
                assert not watcher.poll()  # the container goes on
                c.kill("KILL").ok()
            watcher.wait(10)
            lines = [json.loads(line) for line in watcher.text.splitlines()]
            assert lines and all(line == {"type": "oom", "id": c.id} for line in lines)
            assert len(lines) <= 2
    finally:
        rt("delete", "--force", c.id).ok()


@pytest.mark.skiff_only
@pytest.mark.parametrize("interval", ["0", "-1s", "5", "s", "1x", "0s", ""])
def test_cli_12_an_interval_that_is_none_is_refused(rt, bundle, interval):
    with rt.sleeping(bundle) as c:
        rt("events", "--interval", interval, c.id).failed("--interval", code=2)


def test_cli_12_a_stopped_container_is_refused(rt, bundle):
    c = rt.create(bundle.probe(("echo", "x")))
    c.start()
    c.wait_stopped()
    rt("events", c.id).failed("not running")
    rt("events", "--stats", c.id).failed("not running")
    c.delete().ok()
