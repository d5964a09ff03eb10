"""Containers without a mount namespace of their own (NS-4): their mounts are the host's, until they are deleted."""

import os
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from skifftest import host
from test_namespaces import here, holder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def hosted(rt, bundle):
    rt.needs_calls("open_tree", "mount_setattr")
    return bundle.without_namespace("mount")


def below(path: Path, pid="self") -> list[str]:
    """Mount points at and below a path."""
    points = [line.split()[4] for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    return [p for p in points if f"{p}/".startswith(f"{str(path).rstrip('/')}/")]


@contextmanager
def mounted(*args, at: Path):
    subprocess.run(["mount", *map(str, args), str(at)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--recursive", "--lazy", at], check=True)


@pytest.mark.peer(crun="leaves its mounts on the host", runc="leaves its mounts on the host")
def test_ns_4_an_unlisted_mount_namespace_is_the_callers(rt, hosted):
    if rt.name == "runc":  # it cannot mask without one
        hosted.linux["maskedPaths"] = hosted.linux["readonlyPaths"] = []
    before = host.mounts()
    report = rt.report(hosted)
    assert report["ns"]["mnt"] == here("mount")
    assert host.mounts() == before or rt.name != "skiff"


@pytest.mark.skiff_only
def test_ns_4_the_root_is_attached_and_private_until_delete(rt, hosted):
    before = host.mounts()
    c = rt.create(hosted.probe("sleep"))
    points = below(hosted.rootfs)
    assert points[0] == str(hosted.rootfs) and f"{hosted.rootfs}/proc" in points
    own = [line for line in host.mounts() if line.split()[1].startswith(str(hosted.rootfs))]
    assert all(" private " in line for line in own), own
    c.start()
    c.kill("KILL").ok()
    c.wait_stopped()
    assert below(hosted.rootfs)
    c.delete().ok()
    assert host.mounts() == before


@pytest.mark.skiff_only
def test_ns_4_the_program_and_exec_have_the_containers_root(rt, hosted):
    (hosted.rootfs / "mark").write_text("inside")
    with rt.sleeping(hosted) as c:
        assert os.stat(f"/proc/{c.pid}/root/mark").st_ino == (hosted.rootfs / "mark").stat().st_ino
        report = c.probe("report")[0]
        assert report["ns"]["mnt"] == here("mount")
        assert c.exec("/bin/cat", "/mark").ok().out == "inside"
        assert c.exec("/bin/ls", "/proc/self/cwd/").ok().out == c.exec("/bin/ls", "/").ok().out


@pytest.mark.skiff_only
def test_ns_4_a_failed_create_takes_its_mounts_off(rt, hosted):
    before = host.mounts()
    hosted.process["args"] = ["/no/such/program"]
    rt.refuse(hosted, "/no/such/program")
    assert host.mounts() == before
    hosted.probe("report").bind("/no/such/source", "/mnt")
    rt.refuse(hosted, "/no/such/source")
    assert host.mounts() == before


@pytest.mark.skiff_only
def test_ns_4_delete_by_force_takes_them_off(rt, hosted):
    before = host.mounts()
    c = rt.create(hosted.probe("sleep"))
    c.delete("--force").ok()
    assert host.mounts() == before


@pytest.mark.skiff_only
def test_ns_4_what_is_mounted_on_the_host_stays(rt, hosted, scratch):
    """The host's mounts that a container shows are peers of the host's; to take ours off must not reach those."""
    source = scratch / "source"
    (source / "sub").mkdir(parents=True)
    with mounted("-t", "tmpfs", "tmpfs", at=source):
        subprocess.run(["mount", "--make-shared", source], check=True)
        (source / "sub").mkdir()
        with mounted("-t", "tmpfs", "tmpfs", at=source / "sub"):
            before = host.mounts()
            hosted.bind(source, "/mnt", "rbind", "rshared")
            hosted.linux["rootfsPropagation"] = "shared"
            with rt.sleeping(hosted):
                assert f"{hosted.rootfs}/mnt/sub" in below(hosted.rootfs)
            assert host.mounts() == before


@pytest.mark.skiff_only
def test_ns_4_a_root_that_is_mounted_already_stays_so(rt, hosted, scratch):
    with mounted("--bind", hosted.rootfs, at=hosted.rootfs):
        before = host.mounts()
        already = below(hosted.rootfs)
        with rt.sleeping(hosted):
            assert len(below(hosted.rootfs)) > len(already)
        assert host.mounts() == before


@pytest.mark.skiff_only
def test_ns_4_a_mount_on_the_containers_root_goes_too(rt, hosted, make_bundle):
    other = make_bundle()
    (other.rootfs / "other").touch()
    hosted.config["mounts"].insert(0, {"destination": "/", "type": "bind", "source": str(other.rootfs), "options": ["rbind"]})
    before = host.mounts()
    with rt.sleeping(hosted) as c:
        assert "other" in c.exec("/bin/ls", "/").ok().out
    assert host.mounts() == before


@pytest.mark.skiff_only
def test_ns_4_a_mount_that_another_takes_the_place_of_is_not_ours(rt, hosted):
    c = rt.create(hosted.probe("sleep"))
    subprocess.run(["umount", "--recursive", "--lazy", hosted.rootfs], check=True)
    with mounted("-t", "tmpfs", "tmpfs", at=hosted.rootfs):
        before = host.mounts()
        c.delete("--force").ok()
        assert host.mounts() == before


@pytest.mark.skiff_only
def test_ns_4_two_containers_of_one_root_keep_apart(rt, hosted):
    before = host.mounts()
    first = rt.create(hosted.probe("sleep"))
    middle = host.mounts()
    second = rt.create(hosted)
    second.delete("--force").ok()
    assert host.mounts() == middle
    second = rt.create(hosted)
    # The second lies on the first: with that it goes from the host's view, but its processes keep it.
    first.delete("--force").ok()
    assert (Path("/proc") / str(second.pid) / "root/bin/probe").exists()
    second.delete("--force").ok()
    assert host.mounts() == before


@pytest.mark.skiff_only
def test_ns_4_a_link_to_the_hosts_root_is_refused(rt, hosted):
    before = host.mounts()
    (hosted.path / "link").symlink_to("/")
    hosted.config["root"]["path"] = "link"
    rt.refuse(hosted, "it is the host's root")
    assert host.mounts() == before


@pytest.mark.skiff_only
def test_ns_2_a_joined_mount_namespace_is_left_as_it_was(rt, bundle):
    (bundle.rootfs / "mark").write_text("inside")
    with holder("mount") as pid:
        before = below(Path("/"), pid)
        bundle.namespace("mount", f"/proc/{pid}/ns/mnt")
        with rt.sleeping(bundle) as c:
            assert len(below(Path("/"), pid)) > len(before)
            assert c.exec("/bin/cat", "/mark").ok().out == "inside"
        assert below(Path("/"), pid) == before


@pytest.mark.skiff_only
def test_ns_2_a_mount_namespace_that_has_ended_needs_no_clearing(rt, bundle):
    with holder("mount") as pid:
        c = rt.create(bundle.namespace("mount", f"/proc/{pid}/ns/mnt").probe("sleep"))
        os.kill(c.pid, signal.SIGKILL)
    c.wait_stopped()
    c.delete().ok()


@pytest.mark.skiff_only
def test_ns_4_a_container_in_all_of_the_hosts_namespaces(rt, bundle):
    bundle.linux["namespaces"] = []
    bundle.config.pop("hostname")
    for place in ("/dev/mqueue", "/sys", "/sys/fs/cgroup"):
        bundle.drop_mount(place)
    report = rt.report(bundle)
    for kind in ("pid", "network", "mount", "ipc", "uts", "cgroup"):
        assert report["ns"][{"network": "net", "mount": "mnt"}.get(kind, kind)] == here(kind)
