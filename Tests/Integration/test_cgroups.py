"""Control groups and resources on the view that this run has (CG-*, RES-*)."""

import os
import re
from pathlib import Path

import pytest

from skifftest import host
from skifftest.process import until

MIB = 1 << 20
pytestmark = pytest.mark.vm  # where all controllers are in one version 2 tree


def tree(controller: str) -> Path | None:
    """Where a controller's hierarchy is mounted here; by the names of version 1."""
    for root in host.cgroup_roots():
        if controller in root.name.split(",") and not (root / "cgroup.controllers").exists():
            return root
        if is_in(controller, root / "cgroup.controllers"):
            return root
    return None


def is_unified(controller: str) -> bool:
    root = tree(controller)
    return root is not None and (root / "cgroup.controllers").exists()


def is_in(controller: str, file: Path) -> bool:
    """Whether it is one of a version 2 tree. Programs in the kernel do the work of `devices` there."""
    if not file.exists():
        return False
    if controller == "devices":
        return os.environ.get("RUNTIME", "skiff") == "skiff"
    return {"blkio": "io"}.get(controller, controller) in file.read_text().split()


def needs(controller: str):
    return pytest.mark.skipif(not has(controller), reason=f"this machine has no {controller} controller in this view")


def has(controller: str) -> bool:
    # Asked when collecting, before the view is made: what is mounted now, less what the view hides.
    view = os.environ.get("CGROUPS", "v1" if os.environ.get("RUNTIME") == "crun" else "host")
    if view == "v2":
        path = Path("/sys/fs/cgroup/unified/cgroup.controllers")
        return is_in(controller, path if path.exists() else Path("/sys/fs/cgroup/cgroup.controllers"))
    return tree(controller) is not None


def directory(pid: int, controller: str) -> Path:
    """The cgroup of a process in the hierarchy of a controller."""
    root = tree(controller)
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        number, names, path = line.split(":", 2)
        if (root / "cgroup.controllers").exists() and number == "0" or controller in names.split(","):
            return root / path.lstrip("/")
    raise AssertionError(f"{controller} not in /proc/{pid}/cgroup")


def read(pid: int, controller: str, v1: str, v2: str) -> str:
    path = directory(pid, controller)
    return (path / (v2 if (tree(controller) / "cgroup.controllers").exists() else v1)).read_text().strip()


def unique(name: str = "") -> str:
    return f"/{host.TOKEN}{name}"


def test_cg_1_an_absolute_path_is_where_it_says(rt, bundle):
    bundle.linux["cgroupsPath"] = unique("/deep/er/place")
    if os.environ.get("CGROUPS") == "v2" and rt.name == "crun":
        pytest.skip("started without control groups")
    with rt.sleeping(bundle) as c:
        paths = {line.split(":", 2)[2] for line in Path(f"/proc/{c.pid}/cgroup").read_text().splitlines()}
        assert unique("/deep/er/place") in paths
        if os.environ.get("CGROUPS", "host") == "host":  # other views hide trees, in which the caller's place stays
            assert paths <= {unique("/deep/er/place"), "/"}
    for root in host.cgroup_roots():
        for left in sorted(root.glob(f"{host.TOKEN}/**/"), key=lambda p: -len(str(p))):
            left.rmdir()  # parents that the path named may stay


def test_cg_2_a_relative_path_is_placed_consistently(rt, bundle):
    seen = []
    for _ in range(2):
        bundle.linux["cgroupsPath"] = f"{host.TOKEN}rel"
        with rt.sleeping(bundle) as c:
            seen.append({line.split(":", 2)[2] for line in Path(f"/proc/{c.pid}/cgroup").read_text().splitlines()})
    assert seen[0] == seen[1] and any(f"{host.TOKEN}rel" in p for p in seen[0])


@pytest.mark.skiff_only
@pytest.mark.parametrize("path", ["/../../x", "/a/../b", "..", "/a//b/../..", "a:b:c", "/a\nb", "/a\0b"])
def test_cg_3_wrong_paths_are_refused(rt, bundle, path):
    bundle.linux["cgroupsPath"] = path
    rt.refuse(bundle, "cgroupsPath")


@needs("pids")
def test_cg_6_the_program_is_born_in_its_group_with_limits_in_force(rt, bundle):
    bundle.linux["resources"]["pids"] = {"limit": 20}
    bundle.without_namespace("cgroup")
    name = rt.new_id()
    report = rt.run(bundle.probe("report"), id=name).ok().first("report")
    assert name in report["cgroup"]


def test_cg_6_the_created_container_is_in_its_final_group_already(rt, bundle):
    c = rt.create(bundle.probe("sleep"))
    if not (rt.name == "crun" and os.environ.get("CGROUPS") == "v2"):
        before = Path(f"/proc/{c.pid}/cgroup").read_text()
        assert c.id in before
        c.start()
        assert Path(f"/proc/{c.pid}/cgroup").read_text() == before
    c.remove()


@needs("memory")
def test_res_1_memory_limit_is_written(rt, bundle):
    bundle.linux["resources"]["memory"] = {"limit": 64 * MIB}
    with rt.sleeping(bundle) as c:
        assert read(c.pid, "memory", "memory.limit_in_bytes", "memory.max") == str(64 * MIB)


@needs("memory")
@pytest.mark.parametrize("value", [-1, 0])
@pytest.mark.peer(crun="takes 0 as a limit")
def test_res_1_no_memory_limit(rt, bundle, value):
    bundle.linux["resources"]["memory"] = {"limit": value}
    with rt.sleeping(bundle) as c:
        text = read(c.pid, "memory", "memory.limit_in_bytes", "memory.max")
        assert text == "max" or int(text) > 1 << 60


@needs("memory")
def test_res_1_a_memory_hog_is_killed(rt, bundle):
    bundle.linux["resources"]["memory"] = {"limit": 32 * MIB, "swap": 32 * MIB}
    assert rt.run(bundle.probe(("hog", "200"), ("echo", "survived"))).code == 137


@needs("memory")
def test_res_1_what_fits_the_limit_runs(rt, bundle):
    bundle.linux["resources"]["memory"] = {"limit": 64 * MIB, "swap": 64 * MIB}
    assert rt.answers(bundle, ("hog", "30"))[0]["errno"] == ""


@needs("memory")
@pytest.mark.peer(crun="leaves its group behind")
def test_res_2_swap_below_the_limit_is_refused(rt, bundle):
    bundle.linux["resources"]["memory"] = {"limit": 64 * MIB, "swap": 32 * MIB}
    rt.refuse(bundle, "swap")


@needs("memory")
def test_res_3_reservation(rt, bundle):
    bundle.linux["resources"]["memory"] = {"reservation": 16 * MIB}
    with rt.sleeping(bundle) as c:
        assert read(c.pid, "memory", "memory.soft_limit_in_bytes", "memory.low") == str(16 * MIB)


@needs("memory")
def test_life_3_a_limit_that_is_too_small_to_start_is_an_error(rt, bundle):
    bundle.linux["resources"]["memory"] = {"limit": 4096, "swap": 4096}
    rt.refuse(bundle, "memory" if rt.name == "skiff" else "", verb="run")


@needs("pids")
def test_res_13_pids_limit_holds(rt, bundle):
    bundle.linux["resources"]["pids"] = {"limit": 20}
    answer = rt.answers(bundle, ("forkbomb", "100"))[0]
    assert answer["errno"] == "EAGAIN" and answer["made"] == 19


@needs("pids")
@pytest.mark.parametrize("value", [-1])
@pytest.mark.peer(crun="writes -1")
def test_res_13_no_pids_limit(rt, bundle, value):
    bundle.linux["resources"]["pids"] = {"limit": value}
    with rt.sleeping(bundle) as c:
        assert read(c.pid, "pids", "pids.max", "pids.max") == "max"


@needs("cpu")
def test_res_7_cpu_shares(rt, bundle):
    bundle.linux["resources"]["cpu"] = {"shares": 512}
    with rt.sleeping(bundle) as c:
        assert read(c.pid, "cpu", "cpu.shares", "cpu.weight") in ("512", "59", "20")


@needs("cpu")
def test_res_8_cpu_quota_holds(rt, bundle):
    bundle.linux["resources"]["cpu"] = {"quota": 20000, "period": 100000}
    with rt.sleeping(bundle) as c:
        for _ in range(20):  # on a busy machine it may not even get its quota
            cpu = c.probe(("burn", "1"))[0]["cpu_ms"]
            stat = (directory(c.pid, "cpu") / "cpu.stat").read_text()
            throttled = int(re.search(r"nr_throttled (\d+)", stat).group(1))
            if throttled:
                break
    assert cpu <= 400 and throttled > 0


@needs("cpu")
@pytest.mark.peer(crun="writes it as it is")
def test_res_8_quota_of_minus_one_is_none(rt, bundle):
    bundle.linux["resources"]["cpu"] = {"quota": -1, "period": 50000}
    with rt.sleeping(bundle) as c:
        assert read(c.pid, "cpu", "cpu.cfs_quota_us", "cpu.max").split()[0] in ("-1", "max")


@needs("cpuset")
def test_res_11_cpuset(rt, bundle):
    bundle.linux["resources"]["cpu"] = {"cpus": "0"}
    assert rt.report(bundle)["sched"]["affinity"] == [0]


@needs("cpuset")
@pytest.mark.parametrize("wrong", ["0-", "a", "9999"])
@pytest.mark.peer(crun="leaves its group behind")
def test_res_11_a_wrong_cpu_list_is_refused(rt, bundle, wrong):
    bundle.linux["resources"]["cpu"] = {"cpus": wrong}
    rt.refuse(bundle, "cpus" if rt.name == "skiff" else "")


@needs("devices")
def test_cg_9_device_rules_apply_in_order(rt, bundle):
    bundle.capabilities("CAP_MKNOD", "CAP_DAC_OVERRIDE").writable()
    bundle.linux["resources"]["devices"] = [{"allow": False, "access": "rwm"},
                                            {"allow": True, "type": "c", "major": 1, "minor": 11, "access": "rm"},
                                            {"allow": True, "type": "b", "access": "m"}]
    answers = rt.answers(bundle, ("mknod", "/tmp/kmsg", "c", "1", "11"), ("open", "/tmp/kmsg", "r"), ("open", "/tmp/kmsg", "w"),
                         ("mknod", "/tmp/block", "b", "7", "7"), ("open", "/tmp/block", "r"), ("mknod", "/tmp/mem", "c", "1", "1"), ("open", "/tmp/mem", "r"),
                         ("open", "/dev/null", "rw"), ("open", "/dev/zero", "r"), ("mknod", "/tmp/null", "c", "1", "3"))
    found = [a["errno"] for a in answers]
    assert found[1] in ("", "EPERM")  # allowed by the rules, but the kernel also asks for CAP_SYSLOG
    assert found[2:5] == ["EPERM", "", "EPERM"], answers  # kmsg may not be written; block nodes may be made, not opened
    assert found[6] == "EPERM", answers  # nothing allows memory, whether or not its node could be made
    assert found[7:9] == ["", ""], answers


@needs("devices")
def test_cg_9_allow_everything(rt, bundle):
    bundle.capabilities("CAP_MKNOD").writable()
    bundle.linux["resources"]["devices"] = [{"allow": True, "access": "rwm"}]
    answers = rt.answers(bundle, ("mknod", "/tmp/x", "c", "1", "7"), ("open", "/tmp/x", "r"))
    assert [a["errno"] for a in answers] == ["", ""]


@needs("hugetlb")
def test_res_17_huge_pages(rt, bundle):
    if rt.name != "skiff" or not tree("hugetlb"):
        pytest.skip("not in this view")
    bundle.linux["resources"]["hugepageLimits"] = [{"pageSize": "2MB", "limit": 2 << 20}]
    with rt.sleeping(bundle) as c:
        assert read(c.pid, "hugetlb", "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max") == str(2 << 20)


@pytest.mark.skiff_only
@pytest.mark.parametrize("key", ["../x", "memory.max/../x", "/x", "", "cgroup.procs\n"])
def test_res_20_unified_keys_that_are_paths_are_refused(rt, bundle, key):
    bundle.linux["resources"]["unified"] = {key: "1"}
    rt.refuse(bundle, "unified")


@pytest.mark.skiff_only
def test_res_20_a_unified_key_of_a_missing_controller_is_refused(rt, bundle):
    bundle.linux["resources"]["unified"] = {"nosuch.file": "1"}
    rt.refuse(bundle, "unified", "nosuch")


@pytest.mark.skiff_only
@pytest.mark.applies(not has("rdma"))
def test_a_limit_that_this_machine_cannot_hold_is_named(rt, bundle):
    bundle.linux["resources"]["rdma"] = {"mlx5_1": {"hcaHandles": 3}}
    rt.refuse(bundle, "rdma")


@pytest.mark.applies(os.environ.get("CGROUPS") == "v2")
@pytest.mark.skiff_only
@pytest.mark.parametrize("limit", [{"memory": {"limit": 64 * MIB}}, {"pids": {"limit": 10}}, {"cpu": {"quota": 1000}}])
def test_a_limit_without_its_controller_is_an_error_that_names_it(rt, bundle, limit):
    name = next(iter(limit))
    if has(name):
        pytest.skip(f"has {name}")
    bundle.linux["resources"].update(limit)
    rt.refuse(bundle, name)


def test_cg_13_groups_that_the_container_made_are_removed(rt, bundle):
    bundle.drop_mount("/sys/fs/cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", "rw", "nosuid", "nodev", "noexec")
    report = rt.report(bundle)
    points = [line.split()[4] for line in report["mountinfo"].splitlines() if " - cgroup" in line]
    bundle.capabilities("CAP_DAC_OVERRIDE")
    verbs = [("mkdir", f"{p}/one") for p in points] + [("mkdir", f"{p}/one/two") for p in points]
    with rt.container(bundle.probe(*verbs, ("echo", "ready"), "sleep")) as c:
        c.wait_text("ready")
        assert "" in {a["errno"] for a in c.lines if a["verb"] == "mkdir"}, c.lines


def test_2025_47291_a_container_with_a_user_namespace_is_in_its_group(rt, bundle):
    bundle.user_namespace().linux["cgroupsPath"] = unique("user")
    if rt.name == "crun" and os.environ.get("CGROUPS") == "v2":
        pytest.skip("started without control groups")
    with rt.sleeping(bundle) as c:
        assert unique("user") in Path(f"/proc/{c.pid}/cgroup").read_text()


def test_zero_means_unset_in_blkio_weight(rt, bundle):
    """As docker writes it; crun fails on it."""
    if rt.name == "crun":
        pytest.skip("fails on it")
    bundle.linux["resources"]["blockIO"] = {"weight": 0}
    rt.report(bundle)


@needs("blkio")
def test_res_16_throttle(rt, bundle):
    path = Path("/sys/block/vda/dev")
    if not path.exists():
        pytest.skip("no vda")
    major, minor = map(int, path.read_text().split(":"))
    bundle.linux["resources"]["blockIO"] = {"throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": 1048576}]}
    with rt.sleeping(bundle) as c:
        limits = read(c.pid, "blkio", "blkio.throttle.read_bps_device", "io.max").replace("rbps=", "")
        assert f"{major}:{minor} 1048576" in limits


def test_mnt_25_exec_sees_the_same_groups(rt, bundle):
    with rt.sleeping(bundle) as c:
        inner = {line.split(":", 2)[2] for line in c.probe("report")[0]["cgroup"].splitlines()}
    assert inner == {"/"}


@needs("pids")
def test_2024_3056_the_limit_covers_exec_too(rt, bundle):
    bundle.linux["resources"]["pids"] = {"limit": 10}
    with rt.sleeping(bundle) as c:
        answer = c.probe(("forkbomb", "50"))[0]
        assert answer["errno"] == "EAGAIN" and answer["made"] <= 9
        until(lambda: c.exec("/bin/true").code == 0, "the container is usable again")


@needs("cpu")
@pytest.mark.peer(crun="does not know it", runc="does not know it")
def test_res_9_burst(rt, bundle):
    bundle.linux["resources"]["cpu"] = {"quota": 50000, "period": 100000, "burst": 20000}
    with rt.sleeping(bundle) as c:
        assert read(c.pid, "cpu", "cpu.cfs_burst_us", "cpu.max.burst") == "20000"


@needs("cpu")
@pytest.mark.peer(runc="does not know it")
def test_res_10_idle(rt, bundle):
    bundle.linux["resources"]["cpu"] = {"idle": 1}
    with rt.sleeping(bundle) as c:
        assert read(c.pid, "cpu", "cpu.idle", "cpu.idle") == "1"


@needs("cpu")
def test_res_12_realtime_that_cannot_hold_is_refused(rt, bundle):
    if (tree("cpu") / "cpu.rt_runtime_us").exists():
        pytest.skip("this kernel has realtime groups")
    bundle.linux["resources"]["cpu"] = {"realtimeRuntime": 1000, "realtimePeriod": 100000}
    rt.refuse(bundle, "realtime")


@needs("blkio")
@pytest.mark.peer(crun="knows the older file only")
def test_res_14_blkio_weight(rt, bundle):
    with rt.sleeping(bundle) as c:
        names = [name for name in ("blkio.bfq.weight", "blkio.weight", "io.bfq.weight", "io.weight") if (directory(c.pid, "blkio") / name).exists()]
    if not names:
        pytest.skip("this kernel has no weights of I/O: neither BFQ nor io.cost")
    bundle.linux["resources"]["blockIO"] = {"weight": 500}
    with rt.sleeping(bundle) as c:
        assert "500" in (directory(c.pid, "blkio") / names[0]).read_text() or names[0] == "io.weight"


@pytest.mark.peer(runc="ignores it", crun="ignores it")
def test_res_15_a_device_without_a_weight_is_refused(rt, bundle):
    bundle.linux["resources"]["blockIO"] = {"weightDevice": [{"major": 7, "minor": 0}]}
    rt.refuse(bundle, "weightDevice")


@needs("rdma")
def test_res_19_rdma(rt, bundle):
    bundle.linux["resources"]["rdma"] = {"mlx5_0": {"hcaHandles": 3, "hcaObjects": 4}}
    rt.refuse(bundle, "mlx5_0")  # no such device: the kernel's refusal has to be told


@needs("misc")
def test_res_22_a_later_controller_through_unified(rt, bundle):
    bundle.linux["resources"]["unified"] = {"misc.max": "sev 1"}
    rt.refuse(bundle, "misc.max")  # no such resource: the kernel's refusal has to be told
