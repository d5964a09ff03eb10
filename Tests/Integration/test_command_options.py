"""Options of the OCI command line that hand something over or on (CLI-0, CLI-1, CLI-4, PRC-23 to PRC-25)."""

import array
import json
import os
import select
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

import pytest

from skifftest import process

skiff_only = pytest.mark.skiff_only


@contextmanager
def listening(path):
    """A unix socket; gives a function that takes one message and one descriptor from it."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen()

    def receive(timeout=10):
        server.settimeout(timeout)
        connection, _ = server.accept()
        connection.settimeout(timeout)
        data, ancillary, _, _ = connection.recvmsg(256, socket.CMSG_SPACE(16))
        assert connection.recv(1) == b"", "the connection stays open"
        connection.close()
        descriptors = array.array("i")
        for level, kind, content in ancillary:
            assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            descriptors.frombytes(content[:len(content) - len(content) % 4])
        assert len(descriptors) == 1
        return data, descriptors[0]

    yield receive
    server.close()


def pid_of(pidfd):
    text = Path(f"/proc/self/fdinfo/{pidfd}").read_text()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("Pid:")))


@pytest.mark.peer(crun="an annotation", runc="1.1 has none")
def test_cli_1_pidfd_socket_of_create(rt, bundle, scratch):
    with listening(scratch / "s") as receive:
        c = rt.create(bundle.probe("sleep"), "--pidfd-socket", scratch / "s")
        data, pidfd = receive()
    assert data == b"standard" and pid_of(pidfd) == c.pid
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    c.wait_stopped()
    os.close(pidfd)
    c.delete().ok()


@pytest.mark.peer(crun="an annotation", runc="1.1 has none")
def test_cli_3_pidfd_socket_of_run(rt, bundle, scratch):
    bundle.probe(("echo", "ready"), "sleep").write()
    name = rt.new_id()
    with listening(scratch / "s") as receive:
        running = rt.background("run", "--pidfd-socket", scratch / "s", "--bundle", bundle.path, name)
        _, pidfd = receive()
        running.wait_text("ready")
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    assert running.wait().code == 137
    assert select.select([pidfd], [], [], 5)[0]
    os.close(pidfd)


@pytest.mark.peer(crun="an annotation", runc="1.1 has none")
def test_cli_4_pidfd_socket_of_exec(rt, bundle, scratch):
    with rt.sleeping(bundle) as c, listening(scratch / "s") as receive:
        rt("exec", "--detach", "--pid-file", scratch / "pid", "--pidfd-socket", scratch / "s", c.id, "/bin/sleep", "100").ok()
        data, pidfd = receive()
        assert data == b"setns" and pid_of(pidfd) == int((scratch / "pid").read_text())
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.close(pidfd)


@pytest.mark.peer(crun="an annotation", runc="1.1 has none")
def test_cli_1_a_pidfd_socket_that_is_not_there_is_an_error(rt, bundle, scratch):
    rt.refuse(bundle, "pidfd", "/no/such/socket", options=["--pidfd-socket", "/no/such/socket"])
    with rt.sleeping(bundle) as c:
        c.exec("/bin/sleep", "100", options=["--pidfd-socket", "/no/such/socket", "--detach"]).failed("pidfd")
        assert len(c.probe("processes")[0]["processes"]) == 2


@skiff_only
def test_cli_1_config_names_another_file(rt, bundle, scratch):
    bundle.probe(("exit", "9")).write()
    other = scratch / "other.json"
    os.rename(bundle.path / "config.json", other)
    for place in (other, "other.json"):
        assert rt("run", "--config", place, "--bundle", bundle.path, rt.new_id(), cwd=scratch).code == 9
    rt("create", "--config", "/no/such.json", "--bundle", bundle.path, rt.new_id()).failed("/no/such.json")


@skiff_only
def test_prc_24_names_of_descriptors_are_passed_on(rt, bundle):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0)), listener.listen()
    descriptor = listener.fileno()

    def arrange():
        for number in (3, 4):
            os.dup2(descriptor, number), os.set_inheritable(number, True)

    bundle.process["env"] += ["LISTEN_FDS=9", "LISTEN_PID=77", "LISTEN_FDNAMES=stale"]
    bundle.probe("report").write()
    wrapper = ["/bin/sh", "-c", 'LISTEN_FDS=2 LISTEN_PID=$$ LISTEN_FDNAMES=web:admin exec "$@"', "sh"]
    result = process.run([*wrapper, *rt.words("run", "--bundle", bundle.path, rt.new_id())], scratch=rt.scratch, env=rt.env, preexec=arrange,
                         pass_fds=[3, 4]).ok()
    listener.close()
    report = result.first("report")
    assert [e for e in report["env"] if e.startswith("LISTEN_")] == ["LISTEN_FDS=2", "LISTEN_FDNAMES=web:admin", "LISTEN_PID=1"]
    assert sorted(report["fds"]) == ["0", "1", "2", "3", "4"]


@pytest.mark.peer(crun="takes them for its own")
@pytest.mark.parametrize("env", [{"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "x"}, {"LISTEN_FDS": "-1"}, {"LISTEN_FDS": "0"}])
def test_prc_24_descriptors_that_are_meant_for_others_are_not_passed_on(rt, bundle, env):
    bundle.probe("report").write()
    report = rt("run", "--bundle", bundle.path, rt.new_id(), env={**rt.env, **env}).ok().first("report")
    assert not [e for e in report["env"] if e.startswith("LISTEN_")] and sorted(report["fds"]) == ["0", "1", "2"]


@skiff_only
def test_prc_24_preserved_descriptors_come_after_those_of_socket_activation(rt, bundle, scratch):
    files = [os.open(scratch / name, os.O_RDWR | os.O_CREAT) for name in ("activated", "preserved")]

    def arrange():
        copies = [os.dup2(file, 50 + i) for i, file in enumerate(files)]
        os.dup2(copies[0], 3), os.dup2(copies[1], 4), os.set_inheritable(3, True), os.set_inheritable(4, True)

    bundle.probe(("descriptor", "3", "A"), ("descriptor", "4", "B")).write()
    wrapper = ["/bin/sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh"]
    process.run([*wrapper, *rt.words("run", "--preserve-fds", "1", "--bundle", bundle.path, rt.new_id())], scratch=rt.scratch, env=rt.env, preexec=arrange,
                pass_fds=[3, 4]).ok()
    for file in files:
        os.close(file)
    assert (scratch / "activated").read_text() == "A" and (scratch / "preserved").read_text() == "B"


@skiff_only
def test_prc_23_a_hole_among_the_preserved_descriptors_is_an_error(rt, bundle):
    def arrange():
        os.dup2(0, 3), os.dup2(0, 5), os.set_inheritable(3, True), os.set_inheritable(5, True)

    bundle.write()
    for verb in (["create"], ["run"]):
        result = rt(*verb, "--preserve-fds", "3", "--bundle", bundle.path, rt.new_id(), preexec=arrange, pass_fds=[3, 5])
        result.failed("descriptor 4 is not open")
    with rt.sleeping(bundle) as c:
        assert rt("exec", "--preserve-fds", "3", c.id, "/bin/true", preexec=arrange, pass_fds=[3, 5]).failed("descriptor 4").code == 255
        rt("exec", "--preserve-fds", "1", c.id, "/bin/true", preexec=arrange, pass_fds=[3, 5]).ok()


@pytest.mark.peer(crun="keeps the caller's")
def test_prc_25_processes_of_exec_share_the_containers_keyring(rt, bundle):
    """Never that of the caller, which may hold keys of the host."""
    with rt.sleeping(bundle) as c:
        one, two = (c.probe("report")[0] for _ in range(2))
        assert c.id in one["keyring_description"]
        assert one["keyring"] == two["keyring"]
        assert c.id in c.probe("report", options=["--user", "1000:1000"])[0]["keyring_description"]


@pytest.mark.peer(crun="makes one all the same")
def test_prc_25_no_new_keyring_holds_for_exec(rt, bundle):
    with rt.sleeping(bundle, "--no-new-keyring") as c:
        assert c.id not in c.probe("report")[0]["keyring_description"]


@skiff_only
@pytest.mark.parametrize("form", ["text", "json"])
def test_cli_0_debug_tells_each_step(rt, bundle, scratch, form):
    bundle.probe(("exit", "3")).write()
    log = scratch / "log"
    name = rt.new_id()
    result = rt("--debug", "--log", log, "--log-format", form, "run", "--bundle", bundle.path, name)
    assert result.code == 3 and result.err == ""
    text = log.read_text()
    if form == "json":
        entries = [json.loads(line) for line in text.splitlines()]
        assert {e["level"] for e in entries} == {"debug"} and all(set(e) == {"level", "msg", "time"} for e in entries)
    else:
        assert text.count("level=debug") == len(text.splitlines())
    for word in (str(bundle.path), name, "exit code 3"):
        assert word in text
    on_screen = rt("--debug", "run", "--bundle", bundle.path, rt.new_id())
    assert on_screen.code == 3 and "level=debug" in on_screen.err


@skiff_only
def test_cli_0_log_level(rt, bundle, scratch):
    bundle.capabilities("CAP_NO_SUCH_THING")
    bundle.probe(("echo", "x")).write()
    for level, holds in (("error", False), ("warning", True), ("debug", True)):
        log = scratch / f"log-{level}"
        rt("--log", log, "--log-level", level, "run", "--bundle", bundle.path, rt.new_id()).ok()
        assert (log.exists() and "CAP_NO_SUCH_THING" in log.read_text()) == holds, level
    rt("--log-level", "loud", "list").failed("loud", code=2)


@skiff_only
@pytest.mark.parametrize("destination, place", [("journald:web", "/run/systemd/journal/socket"), ("syslog:web", "/dev/log")])
def test_cli_0_log_to_the_journal_and_to_syslog(rt, scratch, destination, place):
    """With a socket of our own at the place, in a private mount namespace."""
    script = scratch / "serve.py"
    script.write_text(f"""
import os, socket, subprocess, sys
directory = os.path.dirname({place!r})
os.makedirs(directory, exist_ok=True) if not os.path.isdir(directory) else None
subprocess.run(["mount", "-t", "tmpfs", "none", directory], check=True)
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind({place!r})
code = subprocess.run(sys.argv[1:]).returncode
server.settimeout(5)
sys.stdout.write(server.recv(65536).decode())
sys.exit(code)
""")
    before = os.path.isdir("/run/systemd/journal")
    result = process.run(["unshare", "-m", "python3", script, *rt.words("--log", destination, "state", "missing")], scratch=scratch, env=rt.env)
    if not before and os.path.isdir("/run/systemd/journal"):
        os.removedirs("/run/systemd/journal")
    result.failed("does not exist", code=1)
    if destination.startswith("journald"):
        assert result.out.startswith("PRIORITY=3\nSYSLOG_IDENTIFIER=web\nMESSAGE=skiff: state missing:")
    else:
        assert result.out.startswith("<11>web: skiff: state missing:")


@skiff_only
def test_cli_0_a_log_that_cannot_be_written_is_refused_before_anything_is_done(rt, bundle):
    rt.globals += ["--log", "/no/such/directory/log"]
    result = rt.run(bundle)
    rt.globals = []
    result.failed("--log", "/no/such/directory/log", "no such file or directory")
    assert not rt.root.exists()


@skiff_only
def test_cli_0_the_log_file_is_made(rt, scratch):
    rt("--log", scratch / "log", "list").ok()
    assert (scratch / "log").read_bytes() == b""


@skiff_only
@pytest.mark.parametrize("mode, works", [("true", True), ("auto", True), ("false", False)])
def test_cli_0_rootless_decides_about_a_cgroup_that_cannot_be_made(rt, bundle, scratch, mode, works):
    """The trees of control groups are read-only, as for a user to whom nothing was delegated."""
    bundle.drop_mount("/sys/fs/cgroup")
    bundle.linux["resources"] = {}
    bundle.probe(("echo", "x")).write()
    script = "grep -E ' - cgroup2? ' /proc/self/mountinfo | cut -d' ' -f5 | while read m; do mount -o remount,bind,ro $m || exit 99; done; exec \"$@\""
    name = rt.new_id()
    result = process.run(["unshare", "-m", "/bin/sh", "-c", script, "sh", *rt.words("--rootless", mode, "run", "--bundle", bundle.path, name)], scratch=scratch,
                         env=rt.env)
    if works:
        result.ok()
    else:
        result.failed("cgroup", "--rootless true")
    rt("state", name).failed("does not exist")
