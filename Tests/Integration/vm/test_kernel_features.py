"""The kernel-feature suite: what the machine's kernel has of that which skiff uses, against what it is known to have."""

import os
from pathlib import Path

EXPECTATIONS = Path(__file__).resolve().parents[2] / "vm/kernel-features.txt"


def test_the_kernel_has_what_is_expected_of_it(rt):
    result = rt("check", "--format", "tap", "--expect", EXPECTATIONS)
    lost = [line for line in result.out.splitlines() if line.startswith("not ok")]
    assert lost == [] and result.code == 0, result
    points = [line for line in result.out.splitlines() if line.startswith("ok")]
    assert result.out.startswith(f"1..{len(points)}\n") and len(points) > 100
    assert f"# kernel {os.uname().release}" in result.out


def test_the_options_of_the_hosts_cgroup2_stay(rt):
    """A second mount of it in the first cgroup namespace would reset them for all."""
    def line():
        return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in line]
    before = line()
    assert "nsdelegate" in before[0]
    rt("check").ok()
    assert line() == before


def test_every_controller_is_switched_off_again(rt):
    control = Path("/sys/fs/cgroup/cgroup.subtree_control")
    before = control.read_text()
    result = rt("check", "memory.peak", "controller.memory").ok()
    assert "2 of 2 features" in result.out
    assert control.read_text() == before
