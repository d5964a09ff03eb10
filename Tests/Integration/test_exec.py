"""exec: further processes in a running container (CLI-4, security rows about exec)."""

import json
import os
import time
from pathlib import Path

import pytest
from test_cgroups import has

from skifftest import host


def test_cli_4_exec_is_in_all_namespaces_and_the_cgroup_of_the_container(rt, bundle):
    with rt.sleeping(bundle) as c:
        pid = c.pid
        report = c.probe("report")[0]
        for kind, value in report["ns"].items():
            if value:
                assert value == os.readlink(f"/proc/{pid}/ns/{kind}"), kind
        assert {line.split(":", 2)[2] for line in report["cgroup"].splitlines()} == {"/"}


@pytest.mark.peer(crun="takes / as directory")
def test_cli_4_exec_inherits_what_the_configuration_says(rt, bundle):
    bundle.process.update(cwd="/tmp", env=["PATH=/bin", "FROM_CONFIG=1"], noNewPrivileges=True)
    bundle.capabilities("CAP_KILL", "CAP_CHOWN")
    with rt.sleeping(bundle) as c:
        report = c.probe("report")[0]
    assert report["cwd"] == "/tmp" and "FROM_CONFIG=1" in report["env"]
    assert report["status"]["NoNewPrivs"] == "1" and report["status"]["CapBnd"] == "0000000000000021"
    assert report["status"]["CapInh"] == "0" * 16


@pytest.mark.parametrize("code", [0, 1, 42, 126, 127, 255])
def test_cli_4_exec_exits_with_the_programs_code(rt, bundle, code):
    with rt.sleeping(bundle) as c:
        assert c.exec("/bin/probe", "exit", code).code == code


def test_cli_4_exec_exits_with_128_plus_the_signal(rt, bundle):
    with rt.sleeping(bundle) as c:
        assert c.exec("/bin/probe", "raise", 15).code == 143


@pytest.mark.parametrize("words, message", [(["no-such-program"], "executable file not found"), (["/bin/none"], "no such file or directory"),
                                            (["/etc/passwd"], "permission denied"), (["/etc"], "")])
def test_cli_4_a_program_that_cannot_run_is_an_error_and_the_container_lives(rt, bundle, words, message):
    with rt.sleeping(bundle) as c:
        c.exec(*words).failed(words[0], message)
        c.exec("/bin/true").ok()


def test_cli_4_standard_streams(rt, bundle):
    with rt.sleeping(bundle) as c:
        assert c.exec("/bin/cat", stdin=b"in\x00out").ok().out_path.read_bytes() == b"in\x00out"
        assert c.exec("/bin/probe", "complain", "e").ok().err == "e\n"


@pytest.mark.parametrize("options, key, expected", [
    (["--cwd", "/etc"], "cwd", "/etc"),
    (["--user", "1000"], "uids", [1000] * 3), (["--user", "1000:7"], "gids", [7] * 3), (["-u", "5:6"], "uids", [5] * 3),
])
def test_cli_4_options_for_the_process(rt, bundle, options, key, expected):
    with rt.sleeping(bundle) as c:
        assert c.probe("report", options=options)[0][key] == expected


def test_cli_4_environment_options(rt, bundle):
    with rt.sleeping(bundle) as c:
        report = c.probe("report", options=["-e", "A=1", "-e", "B=x=y z"])[0]
    assert "A=1" in report["env"] and "B=x=y z" in report["env"]


@pytest.mark.peer(crun="has no such option")
def test_cli_4_additional_groups(rt, bundle):
    bundle.process["user"]["additionalGids"] = [9]
    with rt.sleeping(bundle) as c:
        groups = c.probe("report", options=["--additional-gids", "20", "--additional-gids", "30"])[0]["groups"]
    assert set(groups) >= {20, 30}


def test_cli_4_a_capability_is_added_and_never_inheritable(rt, bundle):
    bundle.capabilities("CAP_KILL")
    bundle.process["noNewPrivileges"] = False
    with rt.sleeping(bundle) as c:
        report = c.probe("report", options=["--cap", "CAP_CHOWN"])[0]
    assert int(report["status"]["CapEff"], 16) & 1
    if rt.name != "runc":  # 2022-29162
        assert report["status"]["CapInh"] == "0" * 16


def test_cli_4_no_new_privs(rt, bundle):
    bundle.process["noNewPrivileges"] = False
    with rt.sleeping(bundle) as c:
        assert c.probe("report", options=["--no-new-privs"])[0]["status"]["NoNewPrivs"] == "1"


@pytest.mark.parametrize("user", ["1000x", "-1", "4294967296", "1:", ":1", "", "1:2:3", "1 2", " 1", "1:x", "99999999999999999999"])
@pytest.mark.peer(crun="2026-30892: parsed loosely", runc="takes some")
def test_2026_30892_user_is_parsed_strictly(rt, bundle, user):
    with rt.sleeping(bundle) as c:
        c.exec("/bin/true", options=["--user", user]).failed("user")


@pytest.mark.parametrize("cwd", ["relative", "/no/such/directory/.."])
@pytest.mark.peer(crun="no check", runc="empty is the default")
def test_cli_4_a_wrong_cwd_is_refused(rt, bundle, cwd):
    with rt.sleeping(bundle) as c:
        c.exec("/bin/true", options=["--cwd", cwd]).failed("cwd")


def test_cli_4_process_file(rt, bundle):
    with rt.sleeping(bundle) as c:
        report = c.exec_process({"args": ["/bin/probe", "report"], "cwd": "/tmp", "env": ["X=1"], "user": {"uid": 5, "gid": 6, "additionalGids": [7]},
                                 "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 60}], "noNewPrivileges": True,
                                 "oomScoreAdj": 500}).ok().first("report")
    assert report["cwd"] == "/tmp" and report["uids"] == [5] * 3 and report["gids"] == [6] * 3 and report["groups"] == [7]
    assert "X=1" in report["env"] and report["rlimits"]["NOFILE"] == [50, 60]
    if rt.name == "skiff":
        assert report["oom_score_adj"] == "500\n"


@pytest.mark.parametrize("name", ["docker-exec-process", "podman-exec-process", "containerd-exec-process"])
def test_cli_4_process_files_of_engines(rt, bundle, name):
    fixture = Path(__file__).resolve().parents[1] / f"Fixtures/engine-configs/{name}.json"
    spec = json.loads(fixture.read_text())
    spec.update(args=["/bin/probe", "report"], terminal=False, cwd="/")
    spec.pop("rlimits", None)
    spec.pop("apparmorProfile", None)
    if "CAP_SYS_RESOURCE" in str(spec) and not host.has_capability(24):
        pytest.skip("asks for a capability that this machine lacks")
    with rt.sleeping(bundle) as c:
        c.exec_process(spec).ok()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"args": "sh"}', '{"args": []}', '{"args":["/bin/true"],"cwd":"x"}'])
@pytest.mark.peer(crun="no check of some", runc="no check of some")
def test_cli_4_a_wrong_process_file_is_refused(rt, bundle, scratch, text):
    path = scratch / "process.json"
    path.write_text(text)
    with rt.sleeping(bundle) as c:
        rt("exec", "--process", path, c.id).failed()
        assert c.status == "running"


def test_contract_exec_detached_writes_a_pid_file_and_returns(rt, bundle, scratch):
    pid_file = scratch / "pid"
    with rt.sleeping(bundle) as c:
        c.exec_process({"args": ["/bin/sleep", "100"]}, "--detach", "--pid-file", pid_file).ok()
        text = pid_file.read_text()
        assert text.isdigit()
        assert os.readlink(f"/proc/{text}/ns/pid") == os.readlink(f"/proc/{c.pid}/ns/pid")
        assert Path(f"/proc/{text}/comm").read_text().strip() in ("sleep", "busybox")
        os.kill(int(text), 9)


def test_contract_a_failed_exec_leaves_no_pid_file(rt, bundle, scratch):
    pid_file = scratch / "pid"
    with rt.sleeping(bundle) as c:
        result = c.exec_process({"args": ["/bin/none"]}, "--detach", "--pid-file", pid_file).failed("no such file or directory")
        if rt.name == "skiff":
            assert result.code == 255
        assert not pid_file.exists()


def test_cli_4_exec_needs_a_running_container(rt, bundle):
    rt("exec", rt.new_id(), "/bin/true").failed("not exist")
    c = rt.create(bundle.probe(("echo", "x")))
    c.start()
    c.wait_stopped()
    c.exec("/bin/true").failed("not running" if rt.name == "skiff" else "")
    c.remove()


def test_cli_4_exec_into_a_created_container(rt, bundle):
    c = rt.create(bundle.probe("sleep"))
    if rt.name == "skiff" or rt.name == "runc":
        assert c.probe(("echo", "early"))[0]["text"] == "early"
    c.remove()


def test_cli_4_exec_forwards_signals(rt, bundle):
    with rt.sleeping(bundle) as c:
        running = rt.background("exec", c.id, "/bin/probe", "trap", "7")
        running.wait_text("ready")
        running.signal(10)
        assert running.wait().code == 7


def test_cli_4_exec_ends_with_the_container(rt, bundle):
    with rt.sleeping(bundle) as c:
        running = rt.background("exec", c.id, "/bin/probe", "echo", "ready", "--", "sleep")
        running.wait_text("ready")
        c.kill("KILL").ok()
        assert running.wait().code == 137


@pytest.mark.peer(crun="shows its own file")
def test_2016_9962_the_joining_process_shows_nothing_of_the_host(rt, bundle):
    """Pid 1 of the container watches every process that appears and tries to reach host files through it."""
    (bundle.rootfs / "bin/watch").write_text(
        "#!/bin/sh\necho ready\nwhile :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] || { "
        "for f in $p/fd/*; do case ${f##*/} in 0|1|2) continue;; esac; t=$(busybox readlink $f 2>/dev/null); case $t in /work*|/tmp/skifftest*|/run*|/usr*) echo LEAK $t;; esac; done; "
        "e=$(busybox readlink $p/exe 2>/dev/null); echo EXE $e; "
        "busybox ls $p/root/work >/dev/null 2>&1 && echo ROOT; }; done; done\n")
    (bundle.rootfs / "bin/watch").chmod(0o755)
    bundle.process["args"] = ["/bin/sh", "/bin/watch"]
    bundle.capabilities("CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE")
    with rt.container(bundle) as c:
        c.wait_text("ready")
        for _ in range(30):
            c.exec("/bin/true").ok()
        assert "LEAK" not in c.text and "ROOT" not in c.text, c.text
        assert rt.path not in c.text  # a copy that cannot be written may be seen for a moment, the file itself never


@pytest.mark.skiff_only
def test_2016_9962_a_joining_process_is_born_without_the_directory_of_its_cgroup(rt, bundle):
    """A container that may trace others could reach the host's control groups through it."""
    rt.needs_calls("clone3")
    bundle.capabilities("CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH")
    bundle.probe(("echo", "ready"), ("spy", "40", str(30 * host.PATIENCE)), ("echo", "done"), "sleep")
    with rt.container(bundle) as c:
        c.wait_text("ready")
        while "done" not in c.text:
            c.exec("/bin/true").ok()
        report = next(line for line in c.lines if line["verb"] == "spy")
        assert report["seen"] == 40 and report["directories"] == []


def test_exec_fits_into_a_container_that_may_have_one_more_process(rt, bundle):
    if not has("pids"):
        pytest.skip("no pids controller here")
    bundle.linux["resources"]["pids"] = {"limit": 2}
    with rt.sleeping(bundle) as c:
        for _ in range(3):
            c.exec("/bin/true").ok()


def test_exec_many_times_leaves_nothing(rt, bundle):
    with rt.sleeping(bundle) as c:
        before = len(os.listdir("/proc/self/fd"))
        running = [rt.background("exec", c.id, "/bin/true") for _ in range(20)]
        for r in running:
            r.wait().ok()
        assert len(c.probe("processes")[0]["processes"]) == 2
        assert len(os.listdir("/proc/self/fd")) == before


def trees(container, pid):
    """Where the container's cgroup is, by tree, and where a process is, seen from the host."""
    record = json.loads((container.runtime.root / container.id / "state.json").read_text().splitlines()[-1])["cgroup"]
    where = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            where[name or "unified"] = path
    return {d["tree"]: Path(d["path"]) for d in record["directories"]}, where


@pytest.mark.skiff_only
def test_cli_4_exec_into_a_sub_cgroup(rt, bundle, scratch):
    with rt.sleeping(bundle) as c:
        directories, _ = trees(c, c.pid)
        for path in directories.values():
            (path / "below").mkdir()
        pid_file = scratch / "pid"
        rt("exec", "--cgroup", "below", "--detach", "--pid-file", pid_file, c.id, "/bin/sleep", "100").ok()
        pid = int(pid_file.read_text())
        _, where = trees(c, pid)
        for tree in directories:
            assert where[tree].endswith("/below"), tree
        os.kill(pid, 9)
        rt("exec", "--cgroup", "/", c.id, "/bin/true").ok()
        c.exec("/bin/true", options=["--cgroup", ".."]).failed("bad sub cgroup path")
        c.exec("/bin/true", options=["--cgroup", "below/../.."]).failed("bad sub cgroup path")
        assert c.exec("/bin/true", options=["--cgroup", "nonexistent"]).failed("cgroup", "no such file or directory").code == 255
        c.exec("/bin/true", options=["--cgroup", "whaaat:/"]).failed("unknown controller whaaat")
        c.exec("/bin/true", options=["--cgroup", "below", "--cgroup", "/"]).failed("names of controllers")


@pytest.mark.skiff_only
@pytest.mark.applies(Path("/sys/fs/cgroup/memory").is_dir() and os.environ.get("CGROUPS") != "v2")
def test_cli_4_exec_into_sub_cgroups_of_single_controllers(rt, bundle, scratch):
    with rt.sleeping(bundle) as c:
        directories, _ = trees(c, c.pid)
        (directories["memory"] / "m").mkdir()
        (directories["pids"] / "p").mkdir()
        pid_file = scratch / "pid"
        rt("exec", "--cgroup", "memory:m", "--cgroup", "pids:/p", "--detach", "--pid-file", pid_file, c.id, "/bin/sleep", "100").ok()
        pid = int(pid_file.read_text())
        _, where = trees(c, pid)
        assert where["memory"].endswith("/m") and where["pids"].endswith("/p") and where["blkio"].endswith(c.id)
        os.kill(pid, 9)
        c.exec("/bin/true", options=["--cgroup", "memory:m", "--cgroup", "memory:m"]).failed("twice")
        c.exec("/bin/true", options=["--cgroup", "memory,:m"]).failed("empty")


@pytest.mark.skiff_only
def test_cli_4_exec_goes_where_init_is_when_the_containers_cgroup_takes_no_processes(rt, bundle):
    """As systemd in a container does: it moves itself down and passes controllers on (no internal processes)."""
    # Else the controller would not be handed down to the container.
    bundle.linux["resources"]["hugepageLimits"] = [{"pageSize": "2MB", "limit": 4 << 20}]
    with rt.sleeping(bundle) as c:
        directories, _ = trees(c, c.pid)
        own = directories.get("unified")
        if own is None or "hugetlb" not in (own / "cgroup.controllers").read_text():
            pytest.skip("no v2 controller that could be passed on")
        for path in directories.values():
            (path / "init").mkdir()
        (own / "init/cgroup.procs").write_text(str(c.pid))
        (own / "cgroup.subtree_control").write_text("+hugetlb")
        report = c.probe("report")[0]
        assert "0::/init" in report["cgroup"].splitlines()
        c.exec("/bin/true", options=["--cgroup", "/"]).failed("EBUSY")
        c.exec("/bin/true", options=["--cgroup", "init"]).ok()


@pytest.mark.skiff_only
def test_cli_4_exec_follows_an_init_that_was_moved(rt, bundle):
    with rt.sleeping(bundle) as c:
        directories, _ = trees(c, c.pid)
        own = directories.get("unified")
        if own is None:
            pytest.skip("no v2 tree")
        other = own.with_name(own.name + "-moved")
        other.mkdir()
        (other / "cgroup.procs").write_text(str(c.pid))
        own.rmdir()
        running = rt.background("exec", c.id, "/bin/probe", "echo", "ready", "--", "sleep")
        running.wait_text("ready")
        assert len((other / "cgroup.procs").read_text().split()) == 2
        running.stop()
        c.kill("KILL").ok()
        c.wait_stopped()
        for _ in range(100):
            try:
                other.rmdir()
                break
            except OSError:
                time.sleep(0.05)
