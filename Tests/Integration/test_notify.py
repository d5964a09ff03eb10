"""Readiness: NOTIFY_SOCKET of the runtime's caller, and the socket that the program gets instead (PRC-24)."""

import array
import os
import socket
import time
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.peer(crun="passes on READY=1 only, and Debian's needs systemd", runc="passes on READY=1 only")

INSIDE = "/run/notify/notify.sock"


class Supervisor:
    """A service manager's end."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.lines: list[str] = []

    def read(self, timeout=5.0, until=None):
        """All lines that came, or the lines up to one that holds `until`."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and not (until and any(until in line for line in self.lines)):
            self.socket.settimeout(max(0.05, end - time.monotonic()) if until else 0.3)
            try:
                data, ancillary, _, _ = self.socket.recvmsg(8192, socket.CMSG_SPACE(64))
            except TimeoutError:
                if not until:
                    break
                continue
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    for fd in array.array("i", content[:len(content) // 4 * 4]):
                        os.close(fd)
            self.lines += data.decode().splitlines()
        return self.lines


@contextmanager
def supervised(rt, address):
    supervisor = Supervisor(address)
    before = dict(rt.env)
    rt.env["NOTIFY_SOCKET"] = address.replace("\0", "@") if isinstance(address, str) else str(address)
    yield supervisor
    rt.env = before
    supervisor.socket.close()


@pytest.fixture(params=["path", "abstract"])
def supervisor(rt, scratch, request):
    address = str(scratch / "notify") if request.param == "path" else f"\0{scratch.name}"
    with supervised(rt, address) as found:
        yield found


def test_prc_24_start_returns_when_the_program_is_ready(rt, bundle, supervisor):
    go = bundle.rootfs / "go"
    bundle.probe(("wait-for", "/go"), ("notify", INSIDE), "sleep").write()
    c = rt.create(bundle)
    running = rt.background("start", c.id)
    time.sleep(0.3)
    assert not running.poll() and supervisor.read() == []
    go.write_text("")
    assert supervisor.read(until="BARRIER")[:2] == ["READY=1", f"MAINPID={c.pid}"]
    running.wait().ok()
    c.remove()


def test_prc_24_start_returns_when_the_program_ends_without_a_word(rt, bundle, supervisor):
    bundle.probe(("exit", "3")).write()
    c = rt.create(bundle)
    rt("start", c.id).ok()
    assert supervisor.read() == []
    c.wait_stopped()
    c.delete().ok()


def test_prc_24_a_detached_run_returns_when_the_program_is_ready(rt, bundle, supervisor):
    bundle.probe(("notify", INSIDE, "STATUS=loading\nMAINPID=1\nFDSTORE=1"), ("notify", INSIDE, "X=1\nREADY=1"), "sleep").write()
    name = rt.new_id()
    running = rt.background("run", "--detach", "--bundle", bundle.path, name)
    lines = supervisor.read(until="BARRIER")
    running.wait().ok()
    pid = rt("state", name).ok().json["pid"]
    assert lines == ["STATUS=loading", "READY=1", f"MAINPID={pid}", "BARRIER=1"]
    rt("delete", "--force", name).ok()


def test_prc_24_in_the_foreground_all_is_passed_on_and_the_runtime_stays_the_main_process(rt, bundle, supervisor):
    bundle.probe(("notify", INSIDE), ("notify", INSIDE, "STATUS=working"), ("notify", INSIDE, "STOPPING=1"), ("sleep", "0.2"), ("exit", "4")).write()
    assert rt("run", "--bundle", bundle.path, rt.new_id()).code == 4
    assert supervisor.read() == ["READY=1", "STATUS=working", "STOPPING=1"]


def test_prc_24_the_program_sees_its_own_socket_only(rt, bundle, supervisor):
    bundle.process["env"].append("NOTIFY_SOCKET=/stale")
    bundle.user_namespace()
    (bundle.rootfs / "run/notify").mkdir(parents=True, exist_ok=True)
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.probe(("notify", INSIDE), "report", ("access", "/run/notify", "2")).write()
    result = rt("run", "--bundle", bundle.path, rt.new_id()).ok()
    assert [e for e in result.first("report")["env"] if e.startswith("NOTIFY")] == [f"NOTIFY_SOCKET={INSIDE}"]
    assert result.first("notify")["errno"] == "" and result.first("access")["errno"] != ""
    assert supervisor.read() == ["READY=1"]


def test_prc_24_exec_does_not_know_the_socket(rt, bundle, supervisor):
    c = rt.create(bundle.probe(("notify", INSIDE), "sleep"))
    running = rt.background("start", c.id)
    supervisor.read(until="BARRIER")
    running.wait().ok()
    report = c.probe("report")[0]
    assert not [e for e in report["env"] if e.startswith("NOTIFY")]
    c.remove()


def test_prc_24_a_start_without_the_variable_does_not_wait(rt, bundle, supervisor):
    c = rt.create(bundle.probe("sleep"))
    rt("start", c.id, env={k: v for k, v in rt.env.items() if k != "NOTIFY_SOCKET"}).ok()
    c.remove()


@pytest.mark.skiff_only
def test_prc_24_nothing_is_left_of_the_socket(rt, bundle, supervisor):
    bundle.probe(("notify", INSIDE)).write()
    rt("run", "--bundle", bundle.path, rt.new_id()).ok()
    assert os.listdir(rt.root) == []
    bundle.process["args"] = ["/bin/none"]
    rt.refuse(bundle, "no such file or directory")
    assert os.listdir(rt.root) == []
