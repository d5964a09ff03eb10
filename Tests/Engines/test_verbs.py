"""The verbs that podman and docker share; each case is run with both."""

import os
import socket
import time

import pytest

from enginetest import limits
from skifftest.process import until

TRAP = "trap 'echo got TERM; exit 5' TERM; trap 'echo got USR1' USR1; echo ready; while :; do sleep 0.05; done"


@pytest.mark.vm
def test_run_rm(engine):
    result = engine.sh("echo out; echo err >&2").ok()
    assert result.out == "out\n" and result.err == "err\n"
    assert engine("ps", "-aq").out == ""


@pytest.mark.parametrize("code", [0, 3, 127, 255])
def test_exit_code(engine, code):
    assert engine.sh(f"exit {code}").code == code


@pytest.mark.parametrize("program, code", [("/none", 127), ("none", 127), ("/etc/passwd", 126), ("/etc", 126)],
                         ids=["missing", "missing in PATH", "not executable", "directory"])
def test_exit_code_of_bad_program(engine, program, code):
    result = engine("run", "--rm", *engine.plain, "busybox", program)
    assert result.code == code, repr(result)
    assert engine("ps", "-aq").out == ""


def test_standard_input(engine):
    assert engine("run", "--rm", "-i", *engine.plain, "busybox", "cat", stdin=b"from outside").ok().out == "from outside"


def test_terminal(engine):
    with engine.terminal("run", "--rm", "-it", *engine.plain, "busybox", "sh", rows=33, columns=99) as t:
        t.expect("# ", timeout=20)
        t.send("stty size; tty\n")
        t.expect("33 99")
        t.expect("/dev/pts/0")
        t.send("exit 4\n")
        assert t.wait(20) == 4


def test_detached_logs_wait(engine):
    name = engine.detached("echo out; echo err >&2; exit 7")
    assert engine("wait", name).ok().out.strip() == "7"
    assert engine.until_state(name, "exited")["ExitCode"] == 7
    logs = engine("logs", name).ok()
    assert logs.out == "out\n" and logs.err == "err\n"
    engine("rm", name).ok()


def test_exec(engine):
    name = engine.detached("sleep 100")
    assert engine("exec", name, "echo", "inside").ok().out == "inside\n"
    assert engine("exec", name, "sh", "-c", "exit 9").code == 9
    assert engine("exec", "-i", name, "cat", stdin=b"piped").ok().out == "piped"
    out = engine("exec", "-u", "7:8", "-w", "/tmp", "-e", "A=b", name, "sh", "-c", "id -u; id -g; pwd; echo $A").ok().out
    assert out.split() == ["7", "8", "/tmp", "b"]


def test_exec_detached(engine):
    name = engine.detached("sleep 100")
    engine("exec", "-d", name, "sh", "-c", "echo done >/tmp/file; sleep 100").ok()
    until(lambda: engine("exec", name, "cat", "/tmp/file").out == "done\n", "the process has written", interval=0.1)


def test_exec_with_a_terminal(engine):
    name = engine.detached("sleep 100")
    with engine.terminal("exec", "-it", name, "sh", rows=21, columns=77) as t:
        t.expect("# ", timeout=20)
        t.send("stty size; tty\n")
        t.expect("21 77")
        t.expect("/dev/pts/0")
        t.send("exit 6\n")
        assert t.wait(20) == 6


def test_exec_of_a_missing_program(engine):
    name = engine.detached("sleep 100")
    result = engine("exec", name, "/none")
    assert result.code == {"podman": 127, "docker": 126}[engine.name], repr(result)
    assert "no such file or directory" in result.out + result.err


def test_stop_by_term(engine):
    name = engine.detached(TRAP)
    engine.until_log(name, "ready")
    engine("stop", "-t", "10", name).ok()
    assert engine.until_state(name, "exited")["ExitCode"] == 5
    assert "got TERM" in engine("logs", name).out


def test_stop_by_kill(engine):
    name = engine.detached("sleep 100 & wait")
    engine("stop", "-t", "1", name).ok()
    assert engine.until_state(name, "exited")["ExitCode"] == 137


def test_kill_with_signals(engine):
    name = engine.detached(TRAP)
    engine.until_log(name, "ready")
    engine("kill", "-s", "USR1", name).ok()
    engine.until_log(name, "got USR1")
    engine("kill", "--signal", "9", name).ok()
    assert engine.until_state(name, "exited")["ExitCode"] == 137
    assert engine("kill", name).code != 0


def test_restart(engine):
    name = engine.detached("date +%s.%N >>/count; wc -l </count; sleep 100")
    engine.until_log(name, "1")
    engine("restart", "-t", "0", name).ok()
    engine.until_log(name, "2")
    engine("stop", "-t", "0", name).ok()
    engine("start", name).ok()
    engine.until_log(name, "3")
    assert engine.state(name)["Status"] == "running"


def test_restart_policy(engine):
    name = engine.detached("--restart", "on-failure:2", "echo once; exit 3")
    until(lambda: engine("logs", name).out.count("once") == 3, "three starts", 30, interval=0.2)
    assert engine.until_state(name, "exited")["ExitCode"] == 3


def test_remove_by_force(engine):
    name = engine.detached("sleep 100")
    assert engine("rm", name).code != 0
    engine("rm", "--force", name).ok()
    assert engine("ps", "-aq").out == ""


def test_create_start_attach(engine):
    name = engine.new_name()
    engine("create", "--name", name, *engine.plain, "busybox", "sh", "-c", "echo attached; exit 3").ok()
    result = engine("start", "--attach", name)
    assert result.out == "attached\n" and result.code == 3


def test_attach(engine):
    name = engine.new_name()
    engine("run", "-d", "-i", "--name", name, *engine.plain, "busybox", "sh", "-c", "read line; echo answer $line").ok()
    with engine.terminal("attach", name) as t:
        time.sleep(0.5)
        t.send("typed\n")
        t.expect("answer typed")


@pytest.mark.vm
def test_pause(engine):
    name = engine.detached("while :; do echo x; sleep 0.02; done")
    engine("pause", name).ok()
    assert engine.state(name)["Status"] == "paused"
    before = engine("logs", name).out
    time.sleep(0.3)
    assert engine("logs", name).out == before
    engine("unpause", name).ok()
    until(lambda: engine("logs", name).out != before, "it goes on", interval=0.05)
    assert engine.state(name)["Status"] == "running"


@pytest.mark.vm
def test_stats(engine):
    if not limits.version():
        pytest.skip("no memory controller to read")
    name = engine.detached("while :; do :; done")
    time.sleep(0.5)
    fields = engine("stats", "--no-stream", "--format", "{{.PIDs}} {{.MemUsage}} {{.CPUPerc}}", name).ok().out.split()
    assert fields[0] == "1" and not fields[1].startswith("0B") and fields[-1].endswith("%") and fields[-1] != "0.00%", fields


def test_top(engine):
    name = engine.detached("sleep 123 & sleep 124")
    until(lambda: engine("top", name).ok().out.count("sleep 12") >= 2, "both processes", interval=0.1)


def test_events(engine):
    since = str(time.time() - 1)
    name = engine.detached("exit 3")
    engine("wait", name).ok()
    engine("rm", name).ok()
    out = engine("events", "--since", since, "--until", str(time.time() + 0.2), "--filter", f"container={name}", timeout=30).ok().out
    for word in ("create", "start", "died" if engine.name == "podman" else "die"):
        assert word in out, out


@pytest.mark.vm
def test_memory_limit(engine):
    if not limits.version():
        pytest.skip("no memory controller to give")
    name = engine.detached("--memory", "32m", "--memory-swap", "32m", "cat /dev/zero | head -c 100m | tail >/dev/null; sleep 1; exec tail /dev/zero")
    engine("wait", name, timeout=60).ok()
    state = engine.until_state(name, "exited")
    # Debian's conmon sees no kill by a version 1 controller, whatever the runtime.
    assert state["ExitCode"] == 137 and (state["OOMKilled"] is True or engine.name == "podman"), state


@pytest.mark.vm
def test_limits(engine):
    if not limits.version():
        pytest.skip("no controllers")
    out = engine.sh("--memory", "64m", "--cpus", "0.5", "--pids-limit", "50", "--cpu-shares", "512", "--cpuset-cpus", "0",
                    "cat " + " ".join(limits.paths("memory", "quota", "pids", "shares", "cpus"))).ok().out
    limits.check(out, memory=64 << 20, quota=50000, pids=50, shares=512, cpus=0)


@pytest.mark.vm
def test_update(engine):
    if not limits.version():
        pytest.skip("no controllers")
    name = engine.detached("--memory", "64m", "sleep 100")
    engine("update", "--memory", "96m", "--memory-swap", "96m", "--cpu-shares", "256", name).ok()
    limits.check(engine("exec", name, "cat", *limits.paths("memory", "shares")).ok().out, memory=96 << 20, shares=256)


def test_identity_and_protection(engine):
    out = engine.sh("--user", "1000:7", "-e", "A=b", "--hostname", "box", "--cap-drop", "all", "--cap-add", "chown", "-w", "/tmp",
                    "--read-only", "--security-opt", "no-new-privileges", "--ulimit", "nofile=100:200", "--ulimit", "nproc=4096:4096",
                    "id -u; id -g; echo $A; hostname; pwd; ulimit -n; grep -E 'NoNewPrivs|Seccomp:|CapBnd' /proc/self/status; "
                    "touch /x 2>&1; true").ok().out
    for word in ("1000\n7\nb\nbox\n/tmp\n100\n", "NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000001", "Read-only file system"):
        assert word in out, out


def test_volumes(engine, scratch):
    (scratch / "file").write_text("from the host\n")
    volume = engine.new_name()
    engine("volume", "create", volume).ok()
    engine.sh("-v", f"{volume}:/data", "echo kept >/data/x").ok()
    out = engine.sh("-v", f"{volume}:/data:ro", "-v", f"{scratch}:/mnt:ro", "--tmpfs", "/scratch:size=1m",
                    "cat /data/x /mnt/file; touch /data/y /mnt/y 2>/dev/null || echo refused; df /scratch | tail -n 1").ok().out
    assert out.startswith("kept\nfrom the host\nrefused\n") and "1024" in out, out
    engine("volume", "rm", volume).ok()


def test_copy(engine, scratch):
    name = engine.detached("sleep 100")
    (scratch / "in").write_text("carried")
    engine("cp", scratch / "in", f"{name}:/tmp/there").ok()
    assert engine("exec", name, "cat", "/tmp/there").ok().out == "carried"
    engine("cp", f"{name}:/tmp/there", scratch / "out").ok()
    assert (scratch / "out").read_text() == "carried"


def test_healthcheck(engine):
    name = engine.detached("--health-cmd", "test -e /tmp/well", "--health-interval", "1s", "--health-retries", "1",
                           "touch /tmp/well; sleep 100")

    def status():
        if engine.name == "podman":  # its timers need systemd
            engine("healthcheck", "run", name)
        state = engine.state(name)
        return (state.get("Health") or state.get("Healthcheck"))["Status"]

    until(lambda: status() == "healthy", "healthy", 20, interval=0.3)
    engine("exec", name, "rm", "/tmp/well").ok()
    until(lambda: status() == "unhealthy", "unhealthy", 20, interval=0.3)


def test_shared_namespaces(engine):
    first = engine.detached("--ipc", "shareable", "sleep 321")
    out = engine("run", "--rm", "--network", f"container:{first}", "--ipc", f"container:{first}", "--pid", f"container:{first}",
                 "busybox", "sh", "-c", "for n in net ipc pid mnt; do readlink /proc/self/ns/$n; done; ps").ok().out
    own = engine("exec", first, "sh", "-c", "for n in net ipc pid mnt; do readlink /proc/self/ns/$n; done").ok().out.split()
    assert out.split()[:3] == own[:3] and out.split()[3] != own[3]
    assert "sleep 321" in out


def test_host_namespaces(engine):
    out = engine("run", "--rm", "--network", "host", "--pid", "host", "--ipc", "host", "--uts", "host", "busybox",
                 "sh", "-c", "for n in net ipc uts pid; do readlink /proc/self/ns/$n; done").ok().out.split()
    assert out == [os.readlink(f"/proc/self/ns/{n}") for n in ("net", "ipc", "uts", "pid")]


def test_init(engine):
    out = engine.sh("--init", "ps -o pid,comm,args").ok().out
    assert "init" in out.splitlines()[1], out


def test_sysctl_shm_and_devices(engine):
    out = engine.sh("--sysctl", "net.ipv4.ip_unprivileged_port_start=77", "--shm-size", "2m", "--device", "/dev/fuse:/dev/other:r",
                    "cat /proc/sys/net/ipv4/ip_unprivileged_port_start; df /dev/shm | tail -n 1; : </dev/other && echo readable; "
                    "head -c 1 /dev/zero | wc -c; (: >/dev/other) 2>&1; true").ok().out
    lines = out.splitlines()
    assert lines[0] == "77" and "2048" in lines[1] and lines[2] == "readable" and lines[3] == "1", out
    assert "not permitted" in lines[4], out


def test_seccomp(engine, scratch):
    (scratch / "profile.json").write_text('{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":63}]}')
    assert "Out of streams" in engine.sh("--security-opt", f"seccomp={scratch}/profile.json", "mkdir /x 2>&1; true").ok().out
    assert "Seccomp:\t0" in engine.sh("--security-opt", "seccomp=unconfined", "grep Seccomp: /proc/self/status").ok().out


def test_bridge_and_published_port(engine):
    name = engine.new_name()
    engine("run", "-d", "--name", name, "-p", "127.0.0.1:18080:80", "busybox", "sh", "-c",
           "echo served >/index.html; exec httpd -f -p 80 -h /").ok()

    def answer():
        try:
            with socket.create_connection(("127.0.0.1", 18080), 1) as connection:
                connection.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
                return connection.makefile("rb").read()
        except OSError:
            return b""

    until(lambda: b"served" in answer(), "an answer on the published port", 15, interval=0.2)


def test_names_on_a_network(engine):
    network = engine.new_name()
    engine("network", "create", network).ok()
    name = engine.new_name()
    engine("run", "-d", "--name", name, "--network", network, "--network-alias", "web", "busybox", "sh", "-c",
           "echo served >/index.html; exec httpd -f -p 80 -h /").ok()
    out = engine("run", "--rm", "--network", network, "busybox", "sh", "-c",
                 "for i in 1 2 3 4 5 6 7 8 9; do wget -q -O - http://web/index.html && exit 0; sleep 0.3; done; exit 1", timeout=60).ok().out
    assert out == "served\n"
    engine("rm", "--force", name).ok()
    engine("network", "rm", network).ok()


def test_build(engine, scratch):
    (scratch / "file").write_text("copied\n")
    (scratch / "Dockerfile").write_text(
        "FROM busybox\nCOPY file /file\nRUN echo first >/first && id -u >/user\nRUN cat /first /file >/both\nUSER 7\n"
        "RUN id -u >/tmp/seven\nENV A=b\nCMD [\"cat\", \"/both\", \"/user\", \"/tmp/seven\"]\n")
    tag = engine.new_name()
    engine("build", "-t", tag, *(["--pull=never"] if engine.name == "podman" else []), scratch, timeout=120).ok()
    assert engine("run", "--rm", *engine.plain, tag).ok().out == "first\ncopied\n0\n7\n"
    engine("rmi", tag).ok()
    (scratch / "Dockerfile").write_text("FROM busybox\nRUN exit 9\n")
    result = engine("build", *(["--pull=never"] if engine.name == "podman" else []), scratch, timeout=120)
    assert result.code != 0 and "9" in result.err + result.out


def test_many_at_once(engine):
    """Twenty containers at the same time."""
    running = [engine.start("run", "--rm", *engine.plain, "busybox", "echo", f"number {n}") for n in range(20)]
    for n, one in enumerate(running):
        assert one.wait(120).ok().out == f"number {n}\n"
    assert engine("ps", "-aq").out == ""
