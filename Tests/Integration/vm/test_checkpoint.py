"""CLI-13 and CLI-14: checkpoint and restore by CRIU, whose version must fit the kernel."""

import json
import os
import signal
import subprocess
from pathlib import Path

from criutest import COUNTER, PATIENCE, count, counting, restored, saved, stopped_counting, until_it_counts, why
from skifftest import process
from skifftest.process import until
from skifftest.terminal import ConsoleSocket


def test_cli_14_a_counter_goes_on_counting(rt, bundle, scratch):
    c = rt.create(counting(bundle))
    c.start()
    until_it_counts(bundle)
    saved(rt, c, scratch / "images")
    reached = count(bundle)
    assert rt("state", c.id).code != 0, "the container is deleted after a checkpoint"
    assert stopped_counting(bundle)

    pid_file = scratch / "pid"
    c = restored(rt, bundle, scratch / "images", "--pid-file", pid_file, id=c.id)
    assert until_it_counts(bundle, reached) < reached + 500, "it goes on, it does not begin again"
    # From here on it is a container like any other.
    state = c.state()
    assert state["status"] == "running" and pid_file.read_text() == str(state["pid"])
    assert c.id in Path(f"/proc/{state['pid']}/cgroup").read_text()
    assert c.exec("/bin/cat", "/proc/self/cgroup").ok().out.strip() == "0::/"
    assert "sh" in c.exec("/bin/sh", "-c", "cat /proc/1/comm").ok().out
    rt("pause", c.id).ok()
    assert c.status == "paused" and stopped_counting(bundle)
    rt("resume", c.id).ok()
    until_it_counts(bundle, count(bundle))
    c.remove()


def test_cli_13_leave_running(rt, bundle, scratch):
    with rt.container(counting(bundle)) as c:
        until_it_counts(bundle)
        saved(rt, c, scratch / "images", "--leave-running")
        assert c.status == "running"
        until_it_counts(bundle, count(bundle))


def test_cli_13_pre_dump_and_parent_path(rt, bundle, scratch):
    c = rt.create(counting(bundle))
    c.start()
    until_it_counts(bundle)
    saved(rt, c, scratch / "images/first", "--pre-dump", "--work-path", scratch / "work")
    assert c.status == "running" and (scratch / "work/dump.log").exists()
    until_it_counts(bundle, count(bundle))
    wrong = rt("checkpoint", "--image-path", scratch / "images/second", "--parent-path", "../third", c.id)
    wrong.failed("--parent-path", "../third")
    assert c.status == "running"
    saved(rt, c, scratch / "images/second", "--parent-path", "../first")
    assert os.readlink(scratch / "images/second/parent") == "../first"
    reached = count(bundle)
    c = restored(rt, bundle, scratch / "images/second")
    until_it_counts(bundle, reached)
    c.remove()


def test_cli_13_the_reason_of_criu_is_in_the_message(rt, bundle, scratch):
    """A large file without a name is refused unless it may be linked back."""
    script = "exec 9>/tmp/large; head -c 2000000 /dev/zero >&9; rm /tmp/large; " + COUNTER
    with rt.container(bundle.writable().shell(script)) as c:
        until_it_counts(bundle)
        result = rt("checkpoint", "--image-path", scratch / "images", c.id, timeout=PATIENCE)
        result.failed("criu: ", "ghost", str(scratch / "images/dump.log"), code=1)
        assert c.status == "running", "a failed checkpoint leaves the container as it was"
        until_it_counts(bundle, count(bundle))
        log = rt.words("--log-format", "json", "--log", scratch / "log", "checkpoint", "--image-path", scratch / "images", c.id)
        process.run(log, scratch=scratch, env=rt.env, timeout=PATIENCE)
        entry = json.loads((scratch / "log").read_text().splitlines()[-1])
        assert entry["code"] == "checkpoint-failed", entry


def test_cli_14_a_failed_restore_leaves_nothing(rt, bundle, scratch):
    c = rt.create(counting(bundle))
    c.start()
    until_it_counts(bundle)
    saved(rt, c, scratch / "images")
    for image in (scratch / "images").glob("core-*.img"):
        image.write_bytes(b"")
    name = rt.new_id()
    result = rt("restore", "--detach", "--image-path", scratch / "images", "--bundle", bundle.path, name, timeout=PATIENCE)
    result.failed("criu", "restore.log", code=1)
    assert rt("state", name).code != 0


def test_cli_14_in_the_foreground_with_pipes_binds_devices_and_limits(rt, bundle, scratch):
    """Standard output is the restorer's; a directory of the host is mounted again; limits hold again; the exit
    code is the program's."""
    shared = scratch / "shared"
    shared.mkdir()
    bundle.bind(shared, "/mnt/deep/shared")
    bundle.linux["resources"].update({"pids": {"limit": 30}, "memory": {"limit": 256 << 20}})
    bundle.shell("exec 2>&1; trap 'echo ended; exit 7' TERM; i=0; while :; do i=$((i+1)); echo count $i; "
                 "echo $i >/mnt/deep/shared/count; sleep 0.1; done")
    bundle.write()
    first, second = os.pipe(), os.pipe()
    name = rt.new_id()
    running = rt.background("run", "--bundle", bundle.path, name, stdout=first[1])
    os.close(first[1])
    until(lambda: (shared / "count").exists() and int((shared / "count").read_text() or 0) > 3, "it counts", PATIENCE)
    saved(rt, type("C", (), {"id": name}), scratch / "images")
    assert running.wait(PATIENCE).code == 137
    reached = int((shared / "count").read_text())
    running = rt.background("restore", "--image-path", scratch / "images", "--bundle", bundle.path, name, stdout=second[1])
    os.close(second[1])
    until(lambda: running.poll() or int((shared / "count").read_text() or 0) > reached + 2, "it counts again", PATIENCE)
    assert not running.poll(), f"{running.result!r}\n{why(scratch / 'images', 'restore.log')}"
    pid = rt("state", name).ok().json["pid"]
    group = Path("/sys/fs/cgroup" + Path(f"/proc/{pid}/cgroup").read_text().strip().split("::")[1])
    assert (group / "pids.max").read_text().strip() == "30"
    assert (group / "memory.max").read_text().strip() == str(256 << 20)
    rt("kill", name, "TERM").ok()
    assert running.wait(PATIENCE).code == 7
    assert rt("state", name).code != 0
    with os.fdopen(second[0]) as output:
        lines = output.read().splitlines()
    assert lines[-1] == "ended" and int(lines[0].split()[1]) > 1, lines[:3]
    os.close(first[0])


def test_cli_14_a_terminal_comes_over_the_console_socket(rt, bundle, scratch):
    bundle.writable().process["terminal"] = True
    bundle.shell("stty -echo; while read line; do echo \"got $line\"; done")
    with ConsoleSocket(scratch / "first") as socket:
        c = rt.create(bundle, "--console-socket", socket.path)
        terminal = socket.receive(PATIENCE)
        c.start()
        terminal.send("one\n")
        terminal.expect("got one", PATIENCE)
        saved(rt, c, scratch / "images")
        terminal.close()
    with ConsoleSocket(scratch / "second") as socket:
        c = restored(rt, bundle, scratch / "images", "--console-socket", socket.path)
        terminal = socket.receive(PATIENCE)
        terminal.send("two\n")
        terminal.expect("got two", PATIENCE)
        c.remove()
        terminal.close()


def test_cli_14_namespaces_that_were_there_before_are_joined_again(rt, bundle, scratch):
    holder = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
    try:
        until(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "the namespace")
        bundle.namespace("network", f"/proc/{holder.pid}/ns/net")
        c = rt.create(counting(bundle))
        c.start()
        until_it_counts(bundle)
        saved(rt, c, scratch / "images")
        reached = count(bundle)
        c = restored(rt, bundle, scratch / "images")
        until_it_counts(bundle, reached)
        assert os.readlink(f"/proc/{c.pid}/ns/net") == os.readlink(f"/proc/{holder.pid}/ns/net")
        c.remove()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
