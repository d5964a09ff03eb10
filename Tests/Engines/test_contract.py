"""How engines call a runtime, call by call, without the engines: flags as they spell them, what they parse, and how they judge
errors. Other runtimes break some of it, and engines live with that; these are the measure for skiff."""

import json
import os
import re
import socket
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from enginetest import limits
from enginetest.home import RUNTIME
from skifftest import host, process
from skifftest.bundle import Bundle
from skifftest.process import until
from skifftest.terminal import ConsoleSocket


@pytest.fixture
def bundle(scratch, programs):
    made = Bundle(scratch / "bundle", programs)
    made.process["args"] = ["/bin/sleep", "1000"]
    return made.write()


@pytest.fixture
def name(request):
    return f"{host.TOKEN}contract{abs(hash(request.node.name)) % 10**6}"


@pytest.fixture
def call(home, scratch, name):
    """call("create", …): with `--root`, `--log` and `--log-format` as containerd's shim gives them."""
    root, log = scratch / "state", scratch / "log.json"

    def run(*args, flags=None, **more):
        flags = ["--root", root, "--log", log, "--log-format", "json"] if flags is None else flags
        return process.run([home.runtime, *flags, *args], scratch=home.make("output"), **more)

    run.root, run.log = root, log
    yield run
    # This process is the parent of what exec started, and has to reap it while the runtime waits.
    removal = process.Running([home.runtime, "--root", root, "delete", "--force", name], scratch=home.make("output"))
    until(removal.poll, "delete ends")
    assert not (root / name).exists()


def created(call, bundle, name, *options, **more):
    call("create", "--bundle", bundle.path, *options, name, **more).ok()
    return call("state", name).ok().json["pid"]


def log_lines(call) -> list[dict]:
    return [json.loads(line) for line in call.log.read_text().splitlines()] if call.log.exists() else []


@pytest.mark.parametrize("flags", [
    ["--log-format=json", "--log", "L"], ["--root", "R", "--log", "L", "--log-format", "json"], ["--log", "L", "--log-format", "json"], [],
    ["--root", "R/"], ["--debug", "--root=R"]], ids=["podman", "shim", "BuildKit", "buildah", "Slurm", "runtime flags"])
def test_global_flags(call, bundle, name, scratch, flags):
    """In the default root, too: /run is this run's own."""
    flags = [f.replace("R", str(scratch / "state")).replace("L", str(call.log)) if f[0] in "RL-" and "=R" in f or f in ("R", "L", "R/") else f
             for f in flags]
    call("create", "--bundle", bundle.path, name, flags=flags).ok()
    assert call("state", name, flags=flags).ok().json["status"] == "created"
    call("delete", "--force", name, flags=flags).ok()


def test_create_is_silent_and_writes_the_pid(call, bundle, name, scratch):
    result = call("create", "--bundle", bundle.path, "--pid-file", scratch / "pid", name).ok()
    assert result.out == result.err == "" and log_lines(call) == []
    text = (scratch / "pid").read_text()
    assert re.fullmatch(r"\d+", text) and int(text) == call("state", name).json["pid"]


@pytest.mark.vm
def test_create_puts_init_into_its_cgroup(call, bundle, name):
    if not limits.version():
        pytest.skip("no controllers")
    bundle.linux["cgroupsPath"] = f"/{host.TOKEN}contract/{name}"
    bundle.write()
    pid = created(call, bundle, name)
    assert f":{'memory' if limits.version() == 1 else ''}:/{host.TOKEN}contract/{name}\n" in Path(f"/proc/{pid}/cgroup").read_text()
    call("delete", "--force", name).ok()


def test_create_gives_init_to_the_subreaper(call, bundle, name):
    pid = created(call, bundle, name)
    assert Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1] == str(os.getpid())


def test_create_keeps_no_output_but_inits(call, bundle, name, home):
    """A pipe given to create ends when the container does: nobody else holds it."""
    reading, writing = os.pipe()
    running = process.Running([home.runtime, "--root", call.root, "create", "--bundle", bundle.path, name], scratch=home.make("output"), stdout=writing)
    running.wait().ok()
    os.close(writing)
    holders = [p for p in Path("/proc").iterdir() if p.name.isdigit() and holds(p, os.readlink(f"/proc/self/fd/{reading}"))]
    assert [p.name for p in holders if p.name != str(os.getpid())] == [str(call("state", name).json["pid"])]
    call("delete", "--force", name).ok()
    until(lambda: True, "reaped")
    assert os.read(reading, 1) == b""
    os.close(reading)


def holds(directory: Path, link: str) -> bool:
    try:
        return any(os.readlink(entry) == link for entry in (directory / "fd").iterdir())
    except OSError:
        return False


@pytest.mark.parametrize("program, text", [
    ("none", "executable file not found"), ("/none", "no such file or directory"), ("/etc/passwd", "permission denied"), ("/etc", "permission denied")],
    ids=["not in PATH", "missing", "not executable", "directory"])
def test_create_looks_the_program_up(call, bundle, name, program, text):
    """Exit code 1; one line of JSON in the log and the same text on standard error; lower case."""
    bundle.process["args"] = [program]
    bundle.write()
    result = call("create", "--bundle", bundle.path, name)
    lines = log_lines(call)
    assert result.code == 1 and len([line for line in lines if line["level"] == "error"]) == 1, f"{result!r} {lines}"
    assert text in lines[-1]["msg"] and text in result.err and set(lines[-1]) >= {"level", "msg", "time"}
    datetime.fromisoformat(lines[-1]["time"].replace("Z", "+00:00")[:26].rstrip("+:") if "." in lines[-1]["time"] else lines[-1]["time"].replace("Z", "+00:00"))
    assert call("state", name).code == 1


def test_log_holds_one_error(call, bundle, name):
    bundle.process["args"] = ["/none"]
    bundle.write()
    result = call("create", "--bundle", bundle.path, name)
    lines = log_lines(call)
    assert len(lines) == 1 and lines[0]["level"] == "error", lines
    assert lines[0]["msg"].splitlines()[0][:60] in result.err and len(result.err.strip().splitlines()) == 1, result.err


def test_log_is_added_to(call, bundle, name):
    call("delete", name)
    call("delete", name)
    assert len([line for line in log_lines(call) if line["level"] == "error"]) == 2


def test_start_is_silent(call, bundle, name):
    created(call, bundle, name)
    result = call("start", name).ok()
    assert result.out == result.err == ""


def test_run_takes_options_after_the_id(call, bundle, name):
    """As Slurm's manual shows them."""
    bundle.shell("exit 7")
    bundle.write()
    assert call("run", name, "-b", f"{bundle.path}/").code == 7


def test_run_passes_signals_and_the_code(call, bundle, name, home):
    bundle.shell("trap 'exit 9' TERM; echo ready; while :; do sleep 0.02; done")
    bundle.write()
    running = process.Running([home.runtime, "--root", call.root, "run", "--bundle", bundle.path, name], scratch=home.make("output"))
    running.wait_text("ready")
    running.signal(15)
    assert running.wait().code == 9


def started(call, bundle, name):
    created(call, bundle, name)
    call("start", name).ok()


def process_file(scratch, bundle, *args, terminal=False):
    path = scratch / "process.json"
    path.write_text(json.dumps({**bundle.process, "args": list(args), "terminal": terminal}))
    return path


def test_exec_as_podman_calls_it(call, bundle, name, scratch):
    started(call, bundle, name)
    pid_file = scratch / "exec pid"
    result = call("exec", "--pid-file", pid_file, "--process", process_file(scratch, bundle, "/bin/sh", "-c", "sleep 0.3; echo late >/tmp/x"),
                  "--detach", name).ok()
    assert result.out == result.err == "" and re.fullmatch(r"\d+", pid_file.read_text())
    assert Path(f"/proc/{pid_file.read_text()}/comm").read_text() in ("sh\n", "busybox\n")


def test_exec_with_a_terminal_in_the_document_only(call, bundle, name, scratch):
    """As the shim calls it: no --tty."""
    started(call, bundle, name)
    with ConsoleSocket(scratch / "console") as console:
        call("exec", "--process", process_file(scratch, bundle, "/bin/sh", "-c", "tty", terminal=True), "--console-socket", scratch / "console",
             "--detach", "--pid-file", scratch / "pid", name).ok()
        terminal = console.receive()
        terminal.expect("/dev/pts/0")
        terminal.close()


def test_exec_that_fails(call, bundle, name, scratch):
    started(call, bundle, name)
    result = call("exec", "--process", process_file(scratch, bundle, "/none"), "--detach", "--pid-file", scratch / "pid", name)
    assert result.code == 255 and "no such file or directory" in result.err and not (scratch / "pid").exists()


@pytest.mark.parametrize("signal", ["9", "KILL", "SIGKILL"])
def test_kill_by_number_and_name(call, bundle, name, signal):
    started(call, bundle, name)
    result = call("kill", name, signal).ok()
    assert result.out == result.err == ""
    until(lambda: call("state", name).json["status"] == "stopped", "it stops")


def test_kill_of_the_stopped(call, bundle, name):
    bundle.process["args"] = ["/bin/true"]
    bundle.write()
    started(call, bundle, name)
    until(lambda: call("state", name).json["status"] == "stopped", "it stops")
    result = call("kill", name, "15")
    assert result.code == 1 and re.search("container not running|no such process", result.err, re.IGNORECASE), repr(result)
    assert call("kill", "--all", name, "9").code == 0
    assert call("kill", "-a", name).code == 0


def test_kill_of_the_missing(call, name):
    result = call("kill", name, "9")
    assert result.code == 1 and "does not exist" in result.err


def test_delete(call, bundle, name):
    assert call("delete", "--force", name).code == 0  # as it happens for every container
    assert call("delete", name).code == 1
    started(call, bundle, name)
    assert call("delete", name).code == 1
    call("delete", "--force", name).ok()
    created(call, bundle, name)
    if RUNTIME != "crun":  # refuses containers that were created only
        call("delete", name).ok()


def test_state(call, bundle, name):
    started(call, bundle, name)
    result = call("state", name).ok()
    state = result.json
    assert result.err == "" and set(state) >= {"ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"}, state
    assert state["status"] == "running" and state["bundle"] == str(bundle.path) and state["id"] == name
    call("kill", name, "9").ok()
    until(lambda: (s := call("state", name).json)["status"] == "stopped" and s["pid"] == 0, "it stops")
    assert call("state", name + "x").code == 1


def test_ps(call, bundle, name):
    started(call, bundle, name)
    assert call("ps", "--format", "json", name).ok().out == f"[{call('state', name).json['pid']}]\n"


@pytest.mark.vm
def test_update_where_zero_means_unset(call, bundle, name, scratch):
    if not limits.version():
        pytest.skip("no controllers")
    bundle.linux["cgroupsPath"] = f"/{host.TOKEN}contract/{name}"
    bundle.linux["resources"].update({"memory": {"limit": 64 << 20}, "cpu": {"shares": 512}, "blockIO": {"weight": 0}})
    bundle.write()
    started(call, bundle, name)
    (scratch / "resources").write_text('{"memory":{"limit":0},"cpu":{"shares":256,"quota":0,"period":0},"pids":{"limit":0},"blockIO":{"weight":0}}')
    call("update", f"--resources={scratch}/resources", name).ok()
    call("update", "--resources", "-", name, stdin=b'{"memory":{"limit":100663296}}').ok()

    shown = [Path(path).read_text() for path in limits.paths("memory", "shares", group=f"/{host.TOKEN}contract/{name}")]
    limits.check("".join(shown), memory=96 << 20, shares=256)
    call("delete", "--force", name).ok()


def test_pause_and_resume(call, bundle, name):
    started(call, bundle, name)
    call("pause", name).ok()
    assert call("state", name).json["status"] == "paused"
    call("resume", name).ok()
    assert call("state", name).json["status"] == "running"


def test_checkpoint_help(call):
    assert call("checkpoint", "--help", flags=[]).code == 0


def test_features(call):
    if RUNTIME == "runc":
        pytest.skip("Debian's runc is older than this verb")
    assert "ociVersionMin" in call("features", flags=[]).ok().json


def test_version(call):
    out = call("--version", flags=[]).ok().out
    assert re.match(rf"{RUNTIME} version \S+\n", out) and "commit" in out and "spec: 1." in out


def test_leaked_descriptors(call, bundle, name, home):
    """The shim leaks a socket at 3, podman its pipes."""
    ours, theirs = socket.socketpair()
    bundle.shell("ls -l /proc/self/fd | grep -c socket; true")
    bundle.write()
    command = f"exec 3<&{theirs.fileno()} 7<&{theirs.fileno()}; exec '{home.runtime}' --root '{call.root}' run --bundle '{bundle.path}' '{name}' </dev/null"
    done = subprocess.run(["bash", "-c", command], pass_fds=[theirs.fileno()], capture_output=True, text=True)
    ours.close(), theirs.close()
    assert done.stdout == "0\n", done


def test_preserved_descriptors(call, bundle, name, home, scratch):
    bundle.shell("cat <&3")
    bundle.write()
    (scratch / "text").write_text("through 3")
    command = f"exec 3<'{scratch}/text'; exec '{home.runtime}' --root '{call.root}' run --preserve-fds 1 --bundle '{bundle.path}' '{name}' </dev/null"
    assert subprocess.run(["bash", "-c", command], capture_output=True, text=True).stdout == "through 3"


def test_prestart_hook_reads_the_state(call, bundle, name, scratch):
    """docker's sets up the network: the state on standard input, the namespaces there, the program not started."""
    script = scratch / "hook"
    script.write_text(f"#!/bin/sh\ncat >{scratch}/seen\nreadlink /proc/$(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p' {scratch}/seen)/ns/net >{scratch}/net\n")
    script.chmod(0o755)
    bundle.hook("prestart", str(script))
    bundle.write()
    pid = created(call, bundle, name)
    state = json.loads((scratch / "seen").read_text())
    assert state["pid"] == pid and state["id"] == name and state["bundle"] == str(bundle.path)
    assert (scratch / "net").read_text().strip() in (os.readlink(f"/proc/{pid}/ns/net"), "")
