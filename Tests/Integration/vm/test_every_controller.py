"""One cgroup2 tree with all controllers, as a freshly booted kernel has it."""

from pathlib import Path

from test_cgroups import MIB, directory, unique

ROOT = Path("/sys/fs/cgroup")


def test_the_machine_has_every_controller():
    """Else the tests that need one would be skipped here too."""
    found = set((ROOT / "cgroup.controllers").read_text().split())
    assert {"cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"} <= found


def test_all_limits_at_once_are_what_the_kernel_reads_back(rt, bundle):
    """RES-1 to RES-20: each file read by the test, not by skiff."""
    number = Path("/sys/block/vda/dev").read_text().strip()
    major, minor = map(int, number.split(":"))
    bundle.linux["cgroupsPath"] = unique("/all/of/them")
    bundle.linux["resources"].update({
        "memory": {"limit": 64 * MIB, "reservation": 32 * MIB, "swap": 96 * MIB},
        "cpu": {"quota": 50000, "period": 100000, "burst": 1000, "cpus": "0", "mems": "0"},
        "pids": {"limit": 50},
        "blockIO": {"throttleReadBpsDevice": [{"major": major, "minor": minor, "rate": MIB}],
                    "throttleWriteIOPSDevice": [{"major": major, "minor": minor, "rate": 100}]},
        "hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}],
        "unified": {"memory.high": str(60 * MIB), "memory.oom.group": "1", "cpu.weight": "77"},
    })
    with rt.sleeping(bundle) as c:
        group = directory(c.pid, "memory")
        expected = {
            "memory.max": str(64 * MIB), "memory.low": str(32 * MIB), "memory.swap.max": str(32 * MIB),
            "memory.high": str(60 * MIB), "memory.oom.group": "1", "cpu.max": "50000 100000", "cpu.max.burst": "1000",
            "cpu.weight": "77", "cpuset.cpus": "0", "cpuset.mems": "0", "pids.max": "50",
            "hugetlb.2MB.max": str(4 * MIB), "io.max": f"{number} rbps={MIB} wbps=max riops=max wiops=100",
        }
        assert group == ROOT / unique("/all/of/them").lstrip("/")
        assert {name: (group / name).read_text().strip() for name in expected} == expected
    for path in ("all/of", "all", ""):
        (ROOT / unique().lstrip("/") / path).rmdir()
    assert not (ROOT / unique().lstrip("/")).exists()
