"""Control groups made by a real systemd (CG-4): see skifftest/systemd.py."""

import shutil
import tempfile
from pathlib import Path

import pytest

from skifftest import host
from skifftest.process import until
from skifftest.program import RUNTIME, skiff_path
from skifftest.systemd import SystemdRuntime, reason_against
from skifftest.systemd import systemd as systemd_here

MIB = 1 << 20
pytestmark = pytest.mark.skipif(reason_against() is not None, reason=str(reason_against()))


@pytest.fixture(scope="module")
def systemd(session_directory):
    machine = systemd_here(Path(tempfile.mkdtemp(dir=session_directory, prefix="systemd.")))
    machine.start()
    yield machine
    machine.stop()


@pytest.fixture
def sd(systemd, scratch, nothing_left_behind):
    runtime = SystemdRuntime(RUNTIME, skiff_path() if RUNTIME == "skiff" else shutil.which(RUNTIME), scratch, systemd)
    yield runtime
    left = list(runtime.root.iterdir()) if runtime.root.is_dir() else []
    for path in left:
        runtime("delete", "--force", path.name)
    assert not [p for p in left if host.TOKEN in p.name], f"containers left in the state directory: {left}"


def needs(*names: str):
    """Controllers in cgroup2: not on hybrid machines; the virtual machine has all."""
    def missing() -> list[str]:
        for root in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
            if (root / "cgroup.controllers").exists():
                return [n for n in names if n not in (root / "cgroup.controllers").read_text().split()]
        return list(names)
    return pytest.mark.skipif(bool(missing()), reason=f"this machine's cgroup2 has no {', '.join(missing())}")


def cgroup(sd, pid: int) -> str:
    text = sd.systemd("cat", f"/proc/{pid}/cgroup").ok().out
    return next(line.split(":", 2)[2] for line in text.splitlines() if line.startswith("0::"))


def place(name: str) -> str:
    return f"trial-b.slice:pre:{name}"


def file(sd, container, name: str) -> str:
    return sd.systemd("cat", f"/sys/fs/cgroup{cgroup(sd, container.pid)}/{name}").ok().out.strip()


def test_cg_4_slice_prefix_and_name_make_a_scope_in_nested_slices(sd, bundle):
    name = sd.new_id()
    bundle.linux["cgroupsPath"] = place(name)
    with sd.sleeping(bundle, id=name) as c:
        assert cgroup(sd, c.pid) == f"/trial.slice/trial-b.slice/pre-{name}.scope"
        unit = sd.systemd.show(f"pre-{name}.scope")
        assert unit["ActiveState"] == "active" and unit["Slice"] == "trial-b.slice"
        assert unit["Delegate"] == "yes" and unit["DefaultDependencies"] == "no"
        assert {unit[f"{kind}Accounting"] for kind in ("Memory", "CPU", "IO", "Tasks")} == {"yes"}
        processes = sd.systemd("cat", f"/sys/fs/cgroup{unit['ControlGroup']}/cgroup.procs").ok().out.split()
        assert processes == [str(c.pid)]
    assert sd.systemd.show(f"pre-{name}.scope")["LoadState"] == "not-found"


@pytest.mark.parametrize("path", [None, "", ":{prefix}:{id}"])
def test_cg_4_the_default_slice(sd, bundle, path):
    name = sd.new_id()
    if path is not None:
        bundle.linux["cgroupsPath"] = path.format(prefix=sd.name, id=name)
    with sd.sleeping(bundle, id=name) as c:
        assert cgroup(sd, c.pid) == f"/system.slice/{sd.name}-{name}.scope"


@pytest.mark.parametrize("path", ["/absolute", "relative", "a.slice:b", "a.slice:b:c:d", "a:b:c", ".slice:b:c", "a--b.slice:p:n", "-a.slice:p:n",
                                  "a/b.slice:p:n", "a.slice:p:", "a.slice:p:x.slice", "a.slice:p p:n", "a.slice:../p:n", "a.slice:p:n\n"])
@pytest.mark.skiff_only
def test_cg_4_other_forms_are_refused(sd, bundle, path):
    bundle.linux["cgroupsPath"] = path
    sd.refuse(bundle, "cgroupsPath")


def test_cg_4_annotations_are_properties_of_the_scope(sd, bundle):
    name = sd.new_id()
    bundle.linux["cgroupsPath"] = place(name)
    bundle.config["annotations"] = {
        "org.systemd.property.TimeoutStopUSec": "uint64 123456789", "org.systemd.property.RuntimeMaxSec": "600",
        "org.systemd.property.CollectMode": "'inactive'", "org.systemd.property.Documentation": "['man:skiff(1)']", "other": "'x"}
    with sd.sleeping(bundle, id=name):
        unit = sd.systemd.show(f"pre-{name}.scope")
        assert unit["TimeoutStopUSec"] == "2min 3.456789s" and unit["RuntimeMaxUSec"] == "10min"
        assert unit["CollectMode"] == "inactive" and unit["Documentation"].strip('"') == "man:skiff(1)"


@pytest.mark.parametrize("name, value", [("X", "1"), ("Memory-Max", "1"), ("MemoryMax", "many"), ("TimeoutStopSec", "'1'")])
@pytest.mark.skiff_only
def test_cg_4_annotations_that_are_no_properties_are_refused(sd, bundle, name, value):
    bundle.config["annotations"] = {f"org.systemd.property.{name}": value}
    sd.refuse(bundle, f"org.systemd.property.{name}")


@pytest.mark.parametrize("name, value", [("NoSuchThing", "1"), ("MemoryMax", "'text'"), ("Delegate", "5")])
def test_cg_4_what_systemd_refuses_is_told_and_leaves_nothing(sd, bundle, name, value):
    bundle.config["annotations"] = {f"org.systemd.property.{name}": value}
    sd.refuse(bundle, "systemd scope", "propert")


def test_cg_4_run_and_exec_are_in_the_scope(sd, bundle):
    bundle.without_namespace("cgroup")
    name = sd.new_id()
    bundle.linux["cgroupsPath"] = place(name)
    report = sd.run(bundle.probe("report"), id=name).ok().first("report")
    assert report["cgroup"].strip().endswith(f"pre-{name}.scope")
    with sd.sleeping(bundle, id=sd.new_id()) as c:
        assert c.probe("report")[0]["cgroup"].strip().endswith(f"pre-{name}.scope")


def test_cg_4_delete_ends_what_is_left_in_the_scope(sd, bundle):
    bundle.without_namespace("pid")
    bundle.shell("sleep 1000 & sleep 1000 & echo ready; exit 3")
    c = sd.create(bundle)
    c.start()
    c.wait_text("ready")
    c.wait_stopped()
    c.delete().ok()
    assert sd.systemd.show(f"{sd.name}-{c.id}.scope")["LoadState"] == "not-found"


def test_cg_4_a_failed_create_leaves_no_scope(sd, bundle):
    bundle.process["args"] = ["/no/such/program"]
    name = sd.new_id()
    bundle.write()
    sd("create", "--bundle", bundle.path, name).failed("no such file")
    assert sd.systemd.show(f"{sd.name}-{name}.scope")["LoadState"] == "not-found"


@pytest.mark.skiff_only
def test_cg_4_a_scope_that_is_in_use_is_refused(sd, bundle):
    bundle.linux["cgroupsPath"] = place("taken")
    with sd.sleeping(bundle):
        sd.refuse(bundle, "UnitExists", "another container")


@pytest.mark.skiff_only
def test_cg_4_without_a_bus_systemd_is_asked_itself(sd, bundle):
    name = sd.new_id()
    sd.env["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/no/such/socket"
    with sd.sleeping(bundle, id=name) as c:
        assert cgroup(sd, c.pid) == f"/system.slice/skiff-{name}.scope"


@pytest.mark.skiff_only
def test_cg_4_without_systemd_the_error_says_so(rt, bundle):
    if Path("/run/systemd/system").exists():
        pytest.skip("systemd runs here")
    rt.globals = ["--systemd-cgroup"]
    rt.refuse(bundle, "systemd does not run here", "/run/systemd/system")


def test_cg_4_pause_resume_and_ps(sd, bundle):
    with sd.sleeping(bundle) as c:
        sd("pause", c.id).ok()
        assert c.status == "paused"
        sd("resume", c.id).ok()
        assert c.status == "running"
        assert sd("ps", "--format", "json", c.id).ok().json == [c.pid]


def test_cg_4_a_reload_of_systemd_changes_nothing(sd, bundle):
    with sd.sleeping(bundle) as c:
        before = cgroup(sd, c.pid)
        sd.systemd("systemctl", "daemon-reload").ok()
        assert cgroup(sd, c.pid) == before and c.status == "running"
        sd("pause", c.id).ok()
        sd("resume", c.id).ok()


@pytest.mark.skiff_only
def test_cg_4_killing_the_scope_by_systemd_stops_the_container(sd, bundle):
    with sd.sleeping(bundle) as c:
        sd.systemd("systemctl", "kill", "--signal=KILL", f"skiff-{c.id}.scope").ok()
        c.wait_stopped()


@needs("memory", "cpu", "pids", "cpuset")
def test_cg_4_limits_are_files_and_properties(sd, bundle):
    bundle.linux["resources"].update({
        "memory": {"limit": 64 * MIB, "reservation": 16 * MIB, "swap": 96 * MIB}, "pids": {"limit": 20},
        "cpu": {"shares": 1024, "quota": 50000, "period": 100000, "cpus": "0"}})
    with sd.sleeping(bundle) as c:
        unit = sd.systemd.show(f"{sd.name}-{c.id}.scope")
        assert unit["MemoryMax"] == str(64 * MIB) and unit["MemoryLow"] == str(16 * MIB) and unit["TasksMax"] == "20"
        assert unit["CPUWeight"] in ("100", "39") and unit["CPUQuotaPerSecUSec"] == "500ms" and unit["AllowedCPUs"] == "0"
        assert file(sd, c, "memory.max") == str(64 * MIB) and file(sd, c, "pids.max") == "20"
        assert file(sd, c, "cpu.max") == "50000 100000" and file(sd, c, "cpuset.cpus") == "0"
        sd.systemd("systemctl", "daemon-reload").ok()
        assert file(sd, c, "memory.max") == str(64 * MIB) and file(sd, c, "cpu.max") == "50000 100000"


@needs("memory", "pids")
def test_cg_4_unified_values_are_properties_too(sd, bundle):
    bundle.linux["resources"]["unified"] = {"memory.high": str(48 * MIB), "memory.min": "0", "pids.max": "77", "memory.swap.max": "max"}
    with sd.sleeping(bundle) as c:
        unit = sd.systemd.show(f"{sd.name}-{c.id}.scope")
        assert unit["MemoryHigh"] == str(48 * MIB) and unit["TasksMax"] == "77"
        assert file(sd, c, "memory.high") == str(48 * MIB) and file(sd, c, "pids.max") == "77"


@needs("pids")
@pytest.mark.skiff_only
@pytest.mark.parametrize("limit", [1, 0])
def test_cg_4_a_single_task_fits_a_limit_of_one(sd, bundle, limit):
    bundle.linux["resources"]["pids"] = {"limit": limit}
    with sd.sleeping(bundle) as c:
        assert file(sd, c, "pids.max") == "1" and file(sd, c, "pids.current") == "1"
        assert sd.systemd.show(f"skiff-{c.id}.scope")["TasksMax"] == "1"


@needs("memory", "cpu", "pids")
def test_cli_11_update_changes_files_and_properties(sd, bundle):
    bundle.linux["resources"].update({"memory": {"limit": 64 * MIB}, "pids": {"limit": 20}, "cpu": {"quota": 50000, "period": 100000}})
    with sd.sleeping(bundle) as c:
        sd("update", "--memory", "48m", "--pids-limit", "30", "--cpu-quota", "20000", c.id).ok()
        unit = sd.systemd.show(f"{sd.name}-{c.id}.scope")
        assert (unit["MemoryMax"], unit["TasksMax"], unit["CPUQuotaPerSecUSec"]) == (str(48 * MIB), "30", "200ms")
        assert (file(sd, c, "memory.max"), file(sd, c, "pids.max"), file(sd, c, "cpu.max")) == (str(48 * MIB), "30", "20000 100000")
        sd("update", "--cpu-period", "40000", c.id).ok()
        assert file(sd, c, "cpu.max") == "20000 40000" and sd.systemd.show(f"{sd.name}-{c.id}.scope")["CPUQuotaPerSecUSec"] == "500ms"


@needs("memory", "cpu", "pids")
@pytest.mark.skiff_only
def test_cli_11_an_update_that_fails_half_way_restores_the_properties(sd, bundle):
    bundle.linux["resources"].update({"memory": {"limit": 64 * MIB}, "pids": {"limit": 20}})
    with sd.sleeping(bundle) as c:
        before = sd.systemd.show(f"skiff-{c.id}.scope")
        sd("update", "--memory", "48m", "--pids-limit", "30", "--cpuset-mems", "63", c.id).failed("limit cpu.")
        unit = sd.systemd.show(f"skiff-{c.id}.scope")
        for name in ("MemoryMax", "TasksMax", "CPUQuotaPeriodUSec", "CPUQuotaPerSecUSec"):
            assert unit[name] == before[name], name
        assert file(sd, c, "memory.max") == str(64 * MIB) and file(sd, c, "pids.max") == "20"
