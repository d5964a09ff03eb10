"""What the start itself takes of a container's memory: a static program that does nothing starts at 512 KiB."""

import pytest

from test_cgroups import read

KIB = 1024


@pytest.fixture
def nothing(bundle):
    """A bundle whose program, of a static busybox, ends at once."""
    bundle.process["args"] = ["/bin/true"]
    return bundle


def limited(bundle, kib: int):
    bundle.linux["resources"]["memory"] = {"limit": kib * KIB, "swap": kib * KIB}
    return bundle


def test_a_static_program_starts_with_512_kib(rt, nothing):
    limited(nothing, 512)
    for _ in range(10):
        assert rt.run(nothing).code == 0


def test_the_limit_is_in_force_from_the_first_instruction(rt, nothing):
    """Set before the process is there, which is born in its cgroup: the start itself counts."""
    c = rt.create(limited(nothing, 512))
    assert read(c.pid, "memory", "", "memory.max") == str(512 * KIB)
    assert 0 < int(read(c.pid, "memory", "", "memory.peak")) <= 512 * KIB
    c.start()
    c.wait_stopped()
    c.delete().ok()


@pytest.mark.skiff_only
def test_an_image_starts_with_512_kib(engine):
    for _ in range(3):
        assert engine("run", "--rm", "--memory", "512k", "--memory-swap", "512k", "busybox", "true", timeout=60).ok().out == ""


@pytest.mark.skiff_only
@pytest.mark.parametrize("kib", [4, 64])
def test_what_is_too_little_is_told(rt, nothing, kib):
    rt.run(limited(nothing, kib)).failed("memory limit", str(kib * KIB), "too low")
