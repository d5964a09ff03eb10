"""A user without privileges runs containers (MAP-4, DEV-4, CG-12, I-24, I-25)."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from skifftest.agent import SeccompAgent, system_calls

USER = 54321  # nobody's
FIRST, COUNT = 700000, 65536  # what subuid grants

pytestmark = [pytest.mark.skiff_only, pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")]


@pytest.fixture(scope="session")
def reachable_program(session_directory):
    """A copy of the program where everybody may go."""
    from skifftest.program import skiff_path
    return Path(shutil.copy2(skiff_path(), session_directory / "skiff-of-user"))


@pytest.fixture
def user(rt, scratch, reachable_program):
    """`rt` runs as the user, with a home of its own."""
    home = scratch / "home"
    home.mkdir()
    os.chown(home, USER, USER)
    rt.path, rt.root = str(reachable_program), home / "state"
    rt.wrapper = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    rt.env = {**rt.env, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    yield home
    subprocess.run(["rm", "-rf", home], check=True)


@pytest.fixture
def owned(bundle, user):
    """A bundle of the user with what `spec --rootless` writes, but no terminal."""
    for path in [bundle.path, bundle.rootfs, *bundle.rootfs.rglob("*")]:
        if not path.is_symlink() and path.is_dir():
            os.chown(path, USER, USER)
    return bundle


@pytest.fixture
def rootless(rt, owned):
    (owned.path / "config.json").unlink(missing_ok=True)
    rt("spec", "--rootless", "--bundle", owned.path).ok()
    owned.config = json.loads((owned.path / "config.json").read_text())
    owned.process.update(terminal=False, args=["/bin/probe", "report"])
    (owned.path / "config.json").chmod(0o666)
    return owned


@contextmanager
def covered(*files: tuple[Path, Path | str]):
    """Each second file seen in the place of the first."""
    done = []
    try:
        for place, other in files:
            subprocess.run(["mount", "--bind", other, place], check=True)
            done.append(place)
        yield
    finally:
        for place in reversed(done):
            subprocess.run(["umount", place], check=True)


@pytest.fixture
def granted(scratch):
    """The user has a name and further ids."""
    if not shutil.which("newuidmap"):
        pytest.skip("the package uidmap is not installed")
    if not Path("/etc/subuid").exists() or not Path("/etc/subgid").exists():
        pytest.skip("no /etc/subuid to cover")
    passwd, grants = scratch / "passwd", scratch / "grants"
    passwd.write_text(Path("/etc/passwd").read_text() + f"skifftestuser:x:{USER}:{USER}::/:/bin/sh\n")
    grants.write_text(f"skifftestuser:{FIRST}:{COUNT}\n")
    for path in (passwd, grants):
        path.chmod(0o644)
    with covered((Path("/etc/passwd"), passwd), (Path("/etc/subuid"), grants), (Path("/etc/subgid"), grants)):
        yield


def ranges(bundle):
    """Root is the user, the others come from the grant."""
    for kind in ("uidMappings", "gidMappings"):
        bundle.linux[kind] = [{"containerID": 0, "hostID": USER, "size": 1}, {"containerID": 1, "hostID": FIRST, "size": COUNT}]
    return bundle


def test_map_4_the_rootless_configuration_runs(rt, rootless):
    report = rt.run(rootless).ok().first("report")
    assert report["pid"] == 1 and report["uids"] == report["gids"] == [0, 0, 0]
    assert report["uid_map"].split() == report["gid_map"].split() == ["0", str(USER), "1"]


def test_map_4_the_whole_life_of_a_container(rt, rootless):
    with rt.sleeping(rootless) as c:
        state = c.state()
        assert state["status"] == "running" and state["owner"] == str(USER)
        assert os.stat(f"/proc/{c.pid}").st_uid == USER
        report, seen = c.probe("report", "processes")
        assert report["uids"] == [0, 0, 0] and len(seen["processes"]) == 2
        for kind in ("user", "pid", "mnt", "ipc", "uts"):
            assert report["ns"][kind] == os.readlink(f"/proc/{c.pid}/ns/{kind}")
        assert c.id in rt("list", "-q").ok().out
        c.exec("/no/such").failed("/no/such")
    rt("state", c.id).failed("not exist")


def test_map_4_a_first_process_that_is_not_alone(rt, rootless):
    rootless.without_namespace("pid")
    rootless.config["mounts"] = [m for m in rootless.config["mounts"] if m["type"] != "proc"]
    rootless.bind("/proc", "/proc", "rbind")
    with rt.sleeping(rootless) as c:
        assert c.probe("report")[0]["uids"] == [0, 0, 0]


def test_map_4_2014_8989_setgroups_is_denied_before_the_map(rt, rootless):
    with rt.sleeping(rootless) as c:
        assert Path(f"/proc/{c.pid}/setgroups").read_text().strip() == "deny"
    rootless.process["user"]["additionalGids"] = [5]
    rt.refuse(rootless, "groups")


def test_map_4_ranges_through_the_helpers(rt, rootless, granted):
    ranges(rootless).process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [5, 7]}
    report = rt.report(rootless)
    assert [line.split() for line in report["uid_map"].splitlines()] == [["0", str(USER), "1"], ["1", str(FIRST), str(COUNT)]]
    assert report["uids"] == report["gids"] == [1000] * 3 and sorted(report["groups"]) == [5, 7]
    with rt.sleeping(rootless) as c:
        assert os.stat(f"/proc/{c.pid}").st_uid == FIRST + 999
        process = {"user": {"uid": 7, "gid": 8, "additionalGids": [9]}}
        inside = c.exec_process(process).ok().lines[0]
        assert (inside["uids"], inside["gids"], inside["groups"]) == ([7] * 3, [8] * 3, [9])


def test_map_4_ranges_that_are_not_granted(rt, rootless):
    rt.refuse(ranges(rootless), "new", "idmap", "/etc/sub")


def test_map_4_ranges_without_the_helpers(rt, rootless, granted):
    tools = [Path(shutil.which(name)) for name in ("newuidmap", "newgidmap")]
    with covered(*((tool, "/dev/null") for tool in tools)):
        rt.refuse(ranges(rootless), "newgidmap", "not installed", "uidmap")


def test_map_4_someone_elses_id(rt, rootless):
    for kind in ("uidMappings", "gidMappings"):
        rootless.linux[kind] = [{"containerID": 0, "hostID": 0, "size": 1}]
    rt.refuse(rootless)


def test_dev_4_devices_are_the_hosts_and_stay_as_they_are(rt, rootless):
    before = os.stat("/dev/null")[:6]
    rootless.linux["devices"] = [{"path": "/dev/full", "type": "c", "major": 1, "minor": 7, "uid": 0}]
    write, full = rt.answers(rootless, ("write", "/dev/null", "x", "w"), ("write", "/dev/full", "x", "w"))
    assert write["errno"] == "" and full["errno"] == "ENOSPC"
    assert os.stat("/dev/null")[:6] == before


def test_cg_12_limits_that_cannot_be_set_are_refused(rt, rootless):
    rootless.linux["resources"] = {"pids": {"limit": 10}}
    rt.refuse(rootless, "pids")


@pytest.fixture(params=["the host's", "v2"])
def unified(rt, scratch, request):
    """The runtime sees the host's control groups, then one tree of version 2; whether it is one tree."""
    if request.param == "v2" and Path("/sys/fs/cgroup/unified").is_dir():
        script = scratch / "in-v2"
        script.write_text('#!/bin/sh\numount -R /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; exec "$@"\n')
        script.chmod(0o755)
        rt.wrapper = ["unshare", "-m", str(script), *rt.wrapper]
    return request.param == "v2" or Path("/sys/fs/cgroup/cgroup.controllers").exists()


def cgroup_names(rt, bundle, cgroup_namespace, option):
    """What a mount of type cgroup shows; nothing in it may be writable."""
    if not cgroup_namespace:
        bundle.without_namespace("cgroup")
    elif not any(n["type"] == "cgroup" for n in bundle.linux["namespaces"]):
        bundle.namespace("cgroup")
    bundle.drop_mount("/sys/fs/cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", option)
    listing, found, report = rt.answers(bundle, ("list", "/sys/fs/cgroup"), ("writable", "/sys/fs/cgroup"), "report")
    assert " /sys/fs/cgroup" in report["mountinfo"] and listing["errno"] == ""
    assert [p for p in found["paths"] if p != "/sys/fs/cgroup"] == []
    return listing["names"]


@pytest.mark.parametrize("option", ["ro", "rw"])
@pytest.mark.parametrize("cgroup_namespace", [True, False])
def test_mnt_25_a_cgroup_mount_of_a_user_who_can_make_no_cgroup(rt, rootless, unified, cgroup_namespace, option):
    names = cgroup_names(rt, rootless, cgroup_namespace, option)
    if unified and cgroup_namespace:
        assert "cgroup.procs" in names
    else:
        assert names == []


@pytest.mark.parametrize("cgroup_namespace", [True, False])
def test_mnt_25_a_cgroup_mount_where_the_trees_are_read_only(rt, bundle, scratch, unified, cgroup_namespace):
    script = scratch / "read-only"
    script.write_text('#!/bin/sh\nfor tree in $(findmnt -rno TARGET -t cgroup,cgroup2); do mount -o remount,bind,ro $tree || exit 9; done\nexec "$@"\n')
    script.chmod(0o755)
    rt.wrapper += ["unshare", "-m", str(script)]
    bundle.linux.pop("resources", None)
    names = cgroup_names(rt, bundle, cgroup_namespace, "ro")
    if unified and cgroup_namespace:
        assert "cgroup.procs" in names
    else:
        assert names == []


def test_map_4_the_configuration_of_rootless_podman(rt, owned, user, granted, unified):
    """podman calls the runtime as root of a user namespace of its own; no cgroup can be made there either."""
    rt.wrapper += ["unshare", "--user", "--mount", "--map-root-user", "--map-auto"]
    fixture = Path(__file__).resolve().parents[1] / "Fixtures/engine-configs/podman-rootless.json"
    config = json.loads(fixture.read_text())
    config["process"]["args"] = ["/bin/probe", "report"]
    config["root"] = {"path": "rootfs"}
    config["mounts"] = [m for m in config["mounts"] if m["type"] != "bind"]  # files of podman's
    owned.config = config
    assert any(m["type"] == "cgroup" for m in config["mounts"])
    report = rt.run(owned).ok().first("report")
    assert report["pid"] == 1 and " /sys/fs/cgroup " in report["mountinfo"]


@pytest.mark.parametrize("user_namespace", [False, True])
def test_feat_7_groups_of_the_caller_are_kept_on_request(rt, bundle, user_namespace):
    rt.wrapper = ["setpriv", "--groups=54331,54332"]
    if user_namespace:
        bundle.namespace("user")
        for kind in ("uidMappings", "gidMappings"):
            bundle.linux[kind] = [{"containerID": 0, "hostID": 0, "size": 65536}]
    assert rt.report(bundle)["groups"] == []
    for value, kept in (("0", []), ("1", [54331, 54332])):
        bundle.config["annotations"] = {"run.oci.keep_original_groups": value}
        with rt.sleeping(bundle) as c:
            assert sorted(c.probe("report")[0]["groups"]) == kept
            status = Path(f"/proc/{c.pid}/status").read_text()
            assert next(line for line in status.splitlines() if line.startswith("Groups:")).split()[1:] == [str(g) for g in kept]
    bundle.process["user"]["additionalGids"] = [7]
    bundle.probe("report")
    result = rt.run(bundle).ok()
    assert sorted(result.first("report")["groups"]) == [54331, 54332] and "additionalGids are left out" in result.err


def test_feat_7_groups_reach_files_that_the_namespace_does_not_map(rt, rootless, user):
    secret = user / "of-the-group"
    secret.write_text("x")
    os.chown(secret, 0, 54331)
    secret.chmod(0o640)
    rt.wrapper = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--groups=54331"]
    rootless.config["annotations"] = {"run.oci.keep_original_groups": "1"}
    rootless.bind(secret, "/secret", "ro")
    (rootless.rootfs / "secret").touch()
    assert rt.answers(rootless, ("read", "/secret"))[0]["errno"] == ""


@pytest.mark.parametrize("cgroup_namespace", [True, False])
@pytest.mark.parametrize("kind", ["sysfs", "rbind"])
def test_i_24_2023_25809_the_hosts_cgroups_are_not_writable(rt, rootless, cgroup_namespace, kind):
    if not cgroup_namespace:
        rootless.without_namespace("cgroup")
    if kind == "sysfs":
        rootless.drop_mount("/sys")
        rootless.config["mounts"].insert(-1, {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]})
    found = rt.answers(rootless, ("writable", "/sys"))[0]["paths"]
    assert [p for p in found if "cgroup" in p] == []


def test_i_22_state_is_the_users_alone(rt, rootless, user):
    with rt.sleeping(rootless) as c:
        for path in (rt.root, rt.root / c.id):
            assert path.stat().st_uid == USER and path.stat().st_mode & 0o077 == 0


def test_sec_12_an_agent_of_the_user(rt, rootless, user):
    path = Path(f"/tmp/seccomp-user-{os.getpid()}.sock")
    rootless.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "listenerPath": str(path),
                                 "syscalls": [{"names": system_calls(), "action": "SCMP_ACT_NOTIFY"}]}
    with SeccompAgent(path, {135: 66}) as agent:
        with rt.sleeping(rootless) as c:
            assert c.probe(("syscall", 135))[0]["result"] == 66
    assert len(agent.received) == 2


def test_hook_kinds_of_a_user(rt, rootless, user):
    log = user / "log"
    for kind in ("prestart", "createRuntime", "createContainer", "poststart", "poststop"):
        rootless.hook(kind, "/bin/sh", "-c", f"cat >/dev/null; echo {kind} >>{log}")
    with rt.sleeping(rootless):
        pass
    assert log.read_text().split() == ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]


def test_cve_2022_0492_no_way_to_more_than_the_user_has(rt, rootless):
    rootless.capabilities("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_MKNOD")
    mount, node, read = rt.answers(rootless, ("mount", "none", "/tmp", "tmpfs"), ("mknod", "/dev/shm/n", "b", "8", "0"), ("read", "/proc/1/environ"))
    assert mount["errno"] == "" and node["errno"] == "EPERM"
