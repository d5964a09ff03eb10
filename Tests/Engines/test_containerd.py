"""containerd by `ctr` with `--runc-binary`."""

import os
import time
from pathlib import Path

import pytest

from enginetest import limits
from enginetest.containerd import Containerd
from skifftest.process import Running, until


@pytest.fixture(scope="module")
def service(home, needed):
    needed("containerd", "ctr", "containerd-shim-runc-v2")
    return Containerd(home)


@pytest.fixture
def ctr(service):
    yield service
    service.remove_all()
    assert service.tasks() == {}


@pytest.mark.vm
def test_run_rm(ctr):
    result = ctr.run("sh", "-c", "echo out; echo err >&2; id -u")
    assert result.ok().out == "out\n0\n" and result.err == "err\n"
    assert ctr("containers", "list", "-q").out == ""


@pytest.mark.parametrize("code", [0, 3, 255])
def test_exit_code(ctr, code):
    assert ctr.run("sh", "-c", f"exit {code}").code == code


def test_missing_program(ctr):
    result = ctr.run("/none")
    assert result.code != 0 and "no such file or directory" in result.err, repr(result)
    ctr.remove_all()


def test_terminal(ctr):
    with ctr.terminal(*ctr.run_words("--rm", "-t"), "localhost/busybox:latest", ctr.new_id(), "sh", rows=31, columns=91) as t:
        t.expect("# ", timeout=20)
        t.send("stty size; tty\n")
        t.expect("31 91")
        t.expect("/dev/pts/0")
        t.send("exit 4\n")
        assert t.wait(20) == 4


def test_exec(ctr):
    name = ctr.detached("sleep", "100")
    assert ctr("tasks", "exec", "--exec-id", "one", name, "echo", "inside").ok().out == "inside\n"
    assert ctr("tasks", "exec", "--exec-id", "two", "--user", "7:8", "--cwd", "/tmp", name, "sh", "-c", "id -u; pwd; exit 9").out == "7\n/tmp\n"
    assert ctr("tasks", "exec", "--exec-id", "three", name, "sh", "-c", "exit 9").code == 9
    result = ctr("tasks", "exec", "--exec-id", "four", name, "/none")
    assert result.code != 0 and "no such file or directory" in result.err, repr(result)


def test_exec_with_a_terminal(ctr):
    name = ctr.detached("sleep", "100")
    with ctr.terminal("tasks", "exec", "-t", "--exec-id", "term", name, "sh", rows=22, columns=72) as t:
        t.expect("# ", timeout=20)
        t.send("stty size\n")
        t.expect("22 72")
        t.send("exit 5\n")
        assert t.wait(20) == 5


def test_kill(ctr):
    name = ctr.detached("sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.05; done")
    time.sleep(0.3)
    ctr("tasks", "kill", name).ok()
    until(lambda: ctr.tasks()[name] == "STOPPED", "stopped", interval=0.1)
    assert "exit code 5" in ctr("tasks", "delete", name).err
    assert ctr("tasks", "kill", name).code != 0


def test_kill_all(ctr):
    name = ctr.detached("sh", "-c", "sleep 111 & sleep 112 & wait")
    until(lambda: len(ctr("tasks", "ps", name).ok().out.splitlines()) >= 4, "its processes", interval=0.1)
    ctr("tasks", "kill", "--all", "--signal", "9", name).ok()
    until(lambda: ctr.tasks()[name] == "STOPPED", "stopped", interval=0.1)
    ctr("tasks", "kill", "--all", "--signal", "9", name)
    ctr("tasks", "delete", name)


@pytest.mark.vm
def test_pause(ctr):
    name = ctr.detached("sleep", "100")
    ctr("tasks", "pause", name).ok()
    assert ctr.tasks()[name] == "PAUSED"
    ctr("tasks", "resume", name).ok()
    assert ctr.tasks()[name] == "RUNNING"


def test_processes(ctr):
    name = ctr.detached("sh", "-c", "sleep 100 & wait")
    until(lambda: len(ctr("tasks", "ps", name).ok().out.splitlines()) == 3, "a line and two processes", interval=0.1)


@pytest.mark.vm
def test_metrics(ctr):
    if not limits.version():
        pytest.skip("no controllers to read")
    name = ctr.detached("sh", "-c", "while :; do :; done")
    time.sleep(0.3)
    out = ctr("tasks", "metrics", name).ok().out
    figures = {line.split()[0]: line.split()[-1] for line in out.splitlines() if len(line.split()) == 2}
    assert int(figures["pids.current"]) >= 1, out
    assert int(figures["memory.usage_in_bytes" if limits.version() == 1 else "memory.usage"]) > 0, out


@pytest.mark.vm
def test_limits(ctr):
    if not limits.version():
        pytest.skip("no controllers")
    out = ctr.run("cat", *limits.paths("memory", "quota"),
                  options=["--memory-limit", str(64 << 20), "--cpus", "0.5", "--mount", "type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=ro"]).ok().out
    limits.check(out, memory=64 << 20, quota=50000)


def test_options(ctr, scratch):
    (scratch / "file").write_text("from the host")
    out = ctr.run("sh", "-c", "id -u; pwd; echo $A; cat /mnt/file; echo; grep -E 'NoNewPrivs|Seccomp:' /proc/self/status; touch /x 2>&1",
                  options=["--cwd", "/tmp", "--env", "A=b", "--read-only", "--seccomp",
                           "--mount", f"type=bind,src={scratch},dst=/mnt,options=rbind:ro"]).out
    assert out.split("\n")[:4] == ["0", "/tmp", "b", "from the host"] and "Seccomp:\t2" in out and "Read-only" in out, out


@pytest.mark.vm
def test_checkpoint(ctr):
    name = ctr.detached("sleep", "100")
    result = ctr("tasks", "checkpoint", name, timeout=90)
    if result.code != 0 and "criu" in result.err.lower():
        pytest.skip("Debian's CRIU cannot dump programs of this kernel")
    result.ok()


def test_many_at_once(ctr):
    names = [ctr.new_id() for _ in range(20)]
    running = [Running([*ctr.words, *ctr.run_words("--rm"), "localhost/busybox:latest", name, "echo", name],
                       scratch=ctr.home.make("output"), env=ctr.environment) for name in names]
    for name, one in zip(names, running, strict=True):
        assert one.wait(120).ok().out == f"{name}\n"


def test_survives_a_restart_of_containerd(ctr):
    name = ctr.detached("sleep", "100")
    ctr.daemon.kill()
    ctr.start()
    assert ctr.tasks()[name] == "RUNNING"
    assert ctr("tasks", "exec", "--exec-id", "after", name, "echo", "still here").ok().out == "still here\n"


def test_the_shim_is_killed(ctr):
    """containerd cleans up after it with the runtime's own `delete`."""
    name = ctr.detached("sleep", "123")
    pid = next(int(line.split()[1]) for line in ctr("tasks", "list").ok().out.splitlines() if line.startswith(name))
    shim = next(int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and f"-id\0{name}\0".encode() in read(p / "cmdline"))
    os.kill(shim, 9)
    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" == Path(f"/proc/{pid}/stat").read_text().split()[2], "the process is killed", 20, interval=0.1)
    until(lambda: name not in ctr.tasks(), "the task is gone", 20, interval=0.1)
    ctr("containers", "delete", name).ok()
    state = Path("/run/containerd/runc/default") / name
    assert not state.exists()


def read(path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
