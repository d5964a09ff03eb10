"""Calls that an agent answers: SCMP_ACT_NOTIFY (SEC-9 … SEC-13)."""

import errno
import os
import platform
import signal
from pathlib import Path

import pytest

from skifftest.agent import SeccompAgent, system_calls

ARCHITECTURES = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
GETPPID, PERSONALITY = 110, 135

pytestmark = [pytest.mark.skipif(platform.machine() != "x86_64", reason="call numbers of x86-64"),
              pytest.mark.peer(runc="Debian's may not know listeners", crun="Debian's has another form")]


@pytest.fixture
def socket_path():
    """Short enough for a socket."""
    path = Path(f"/tmp/seccomp-{os.getpid()}.sock")
    yield path
    path.unlink(missing_ok=True)


def notify(bundle, path: Path, *names: str, **more) -> None:
    bundle.linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW", "architectures": ARCHITECTURES, "listenerPath": str(path),
        "syscalls": [{"names": list(names), "action": "SCMP_ACT_NOTIFY"}], **more}


def privileges(bundle, how: str) -> None:
    """The filter goes on at another moment in each."""
    bundle.process["noNewPrivileges"] = how == "no_new_privs"
    if how == "administrator":
        bundle.capabilities("CAP_SYS_ADMIN", "CAP_KILL")
    if how == "user":
        bundle.process["user"] = {"uid": 1000, "gid": 1000}
        bundle.capabilities()


PRIVILEGES = pytest.mark.parametrize("how", ["no_new_privs", "plain", "administrator", "user"])


@PRIVILEGES
def test_sec_9_the_agent_answers_and_lets_go_on(rt, bundle, socket_path, how):
    privileges(bundle, how)
    notify(bundle, socket_path, "getppid", "personality")
    with SeccompAgent(socket_path, {GETPPID: 4242, PERSONALITY: -errno.ENOMEDIUM}) as agent:
        answered, refused, usual = rt.answers(bundle, ("syscall", GETPPID), ("syscall", PERSONALITY), ("syscall", 39))
    assert answered["result"] == 4242 and refused["errno"] == "ENOMEDIUM" and usual["result"] == 1
    assert agent.calls == [GETPPID, PERSONALITY]


def test_sec_9_sec_10_what_the_agent_is_told(rt, bundle, socket_path):
    notify(bundle, socket_path, "getppid", listenerMetadata="some text\n\"quoted\"")
    bundle.config["annotations"] = {"org.example": "yes"}
    bundle.probe("sleep")
    with SeccompAgent(socket_path) as agent:
        c = rt.create(bundle)
        pid = c.pid
        message = agent.received[0]
        c.remove()
    assert (len(agent.received), agent.descriptors, agent.trailing) == (1, [1], [b""])
    assert message["fds"] == ["seccompFd"] and message["pid"] == pid and message["metadata"] == 'some text\n"quoted"'
    assert message["ociVersion"] and set(message) == {"ociVersion", "fds", "pid", "metadata", "state"}
    state = message["state"]
    assert state["id"] == c.id and state["pid"] == pid and state["bundle"] == str(bundle.path)
    assert state["status"] == "creating" and state["annotations"] == {"org.example": "yes"}


def test_sec_10_without_metadata_none_is_sent(rt, bundle, socket_path):
    notify(bundle, socket_path, "getppid")
    with SeccompAgent(socket_path) as agent:
        rt.run(bundle.probe(("echo", "x"))).ok()
    assert "metadata" not in agent.received[0]


@pytest.mark.parametrize("path", [None, ""])
def test_sec_10_metadata_or_rules_without_a_path_are_refused(rt, bundle, path):
    more = {} if path is None else {"listenerPath": path}
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x", **more}
    rt.refuse(bundle, "listenerMetadata", "listenerPath")
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", **more, "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
    rt.refuse(bundle, "action", "listenerPath")


def test_sec_9_a_path_that_no_rule_needs_is_not_looked_at(rt, bundle):
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/no/such.sock", "listenerMetadata": "x"}
    rt.run(bundle.probe(("echo", "x"))).ok()


@PRIVILEGES
@pytest.mark.parametrize("path", ["/no/such.sock", "@abstract", "/etc/passwd", "/" + "long" * 40])
def test_sec_9_nobody_at_the_socket_is_an_error(rt, bundle, path, how):
    privileges(bundle, how)
    notify(bundle, Path(path), "mkdir")
    bundle.linux["seccomp"]["listenerPath"] = path
    rt.refuse(bundle, "seccomp listener", path[:90])
    rt.refuse(bundle, "seccomp listener", verb="run")


def test_sec_9_nobody_at_the_socket_any_more_fails_exec(rt, bundle, socket_path):
    notify(bundle, socket_path, "mkdir")
    with SeccompAgent(socket_path) as agent:
        with rt.sleeping(bundle) as c:
            agent.stop()
            c.exec("/bin/true").failed("seccomp listener", "ECONNREFUSED")
            assert c.status == "running"


@PRIVILEGES
def test_sec_11_every_exec_is_a_connection_of_its_own(rt, bundle, socket_path, how):
    privileges(bundle, how)
    notify(bundle, socket_path, "getppid")
    with SeccompAgent(socket_path, {GETPPID: 77}) as agent:
        with rt.sleeping(bundle) as c:
            process = {"args": ["/bin/probe", "syscall", str(GETPPID)], "noNewPrivileges": bundle.process["noNewPrivileges"],
                       "user": bundle.process["user"], "capabilities": bundle.process["capabilities"]}
            assert [c.exec_process(process).ok().lines[0]["result"] for _ in range(3)] == [77] * 3
            pid = c.pid
    assert len(agent.received) == 4
    for message in agent.received[1:]:
        assert message["state"]["pid"] == pid != message["pid"]
        assert message["state"]["status"] == "running"
    assert len({m["pid"] for m in agent.received}) == 4


@PRIVILEGES
def test_sec_11_start_hooks_are_under_the_same_listener_and_have_no_descriptors(rt, bundle, socket_path, how):
    """And no further connection is made for them."""
    privileges(bundle, how)
    notify(bundle, socket_path, "personality")
    bundle.bind(bundle.path, "/mnt")
    bundle.hook("startContainer", "/bin/sh", "-c", "ls /proc/self/fd >/mnt/fds; /bin/probe syscall 135 >/mnt/hook")
    bundle.path.chmod(0o777)
    with SeccompAgent(socket_path, {PERSONALITY: 55}) as agent:
        rt.run(bundle.probe(("echo", "x"))).ok()
    assert (bundle.path / "fds").read_text().split() == ["0", "1", "2", "3"]
    assert '"result":55' in (bundle.path / "hook").read_text().replace(" ", "")
    assert len(agent.received) == 1 and agent.calls == [PERSONALITY]


@PRIVILEGES
def test_sec_12_every_call_at_once(rt, bundle, socket_path, how):
    privileges(bundle, how)
    notify(bundle, socket_path, *system_calls())
    bundle.hook("startContainer", "/bin/true")
    with SeccompAgent(socket_path) as agent:
        c = rt.create(bundle.probe(("echo", "ran")))
        c.start()
        c.wait_stopped()
        assert c.lines[0]["text"] == "ran"
        c.remove()
        assert rt.run(bundle, "--pid-file", bundle.path / "pid").ok().lines[0]["text"] == "ran"
    assert len(agent.calls) > 20 and {59, 322} & set(agent.calls)  # execve or execveat


@pytest.mark.skiff_only
@pytest.mark.parametrize("how", ["no_new_privs", "plain", "administrator"])
def test_sec_12_a_runtime_that_may_not_look_into_init_hands_over_too(rt, bundle, socket_path, how):
    privileges(bundle, how)
    rt.wrapper = ["setpriv", "--bounding-set=-sys_ptrace"]
    notify(bundle, socket_path, *system_calls())
    with SeccompAgent(socket_path, {PERSONALITY: 66}) as agent:
        with rt.sleeping(bundle) as c:
            process = {"args": ["/bin/probe", "syscall", str(PERSONALITY), "--", "processes"], "noNewPrivileges": bundle.process["noNewPrivileges"],
                       "user": bundle.process["user"], "capabilities": bundle.process["capabilities"]}
            answer, seen = c.exec_process(process).ok().lines
            assert answer["result"] == 66 and len(seen["processes"]) == 2
    assert len(agent.received) == 2


def test_sec_12_every_call_at_once_in_exec(rt, bundle, socket_path):
    notify(bundle, socket_path, *system_calls())
    with SeccompAgent(socket_path):
        with rt.sleeping(bundle) as c:
            assert c.probe(("echo", "ran"))[0]["text"] == "ran"


@PRIVILEGES
def test_sec_12_each_call_alone(rt, bundle, socket_path, how):
    """All those that something calls between the filter and the program, found by listening to all of them."""
    privileges(bundle, how)
    bundle.probe(("echo", "ran"))
    notify(bundle, socket_path, *system_calls())
    with SeccompAgent(socket_path) as agent:
        rt.run(bundle).ok()
        numbers = {number for number in agent.calls if number >= 0}
    names = {number: name for number, name in zip(numbers, _names(numbers))}
    assert len(names) > 5
    with SeccompAgent(socket_path) as agent:
        for name in names.values():
            notify(bundle, socket_path, name)
            assert rt.run(bundle, timeout=10).ok().lines[0]["text"] == "ran", name


def _names(numbers) -> list[str]:
    import ctypes
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_syscall_resolve_num_arch.restype = ctypes.c_char_p
    return [library.seccomp_syscall_resolve_num_arch(library.seccomp_arch_native(), n).decode() for n in numbers]


def test_sec_12_with_a_terminal(rt, bundle, socket_path):
    from skifftest.terminal import TerminalProgram
    notify(bundle, socket_path, *system_calls())
    bundle.process["terminal"] = True
    bundle.probe(("echo", "ran")).write()
    with SeccompAgent(socket_path):
        with TerminalProgram(rt.words("run", "--bundle", bundle.path, rt.new_id())) as t:
            t.expect("ran")
            assert t.wait() == 0


@pytest.mark.parametrize("flag", ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
                                  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
def test_sec_8_flags_of_a_filter_with_a_listener(rt, bundle, socket_path, flag):
    notify(bundle, socket_path, "getppid", flags=[flag])
    with SeccompAgent(socket_path, {GETPPID: 7}):
        assert rt.answers(bundle, ("syscall", GETPPID))[0]["result"] == 7


def test_sec_9_calls_fail_with_enosys_once_the_agent_is_gone(rt, bundle, socket_path):
    notify(bundle, socket_path, "getppid")
    with SeccompAgent(socket_path) as agent:
        c = rt.create(bundle.probe(("syscall", GETPPID)))
        agent.stop()
        c.start()
        c.wait_stopped()
        assert c.lines[0]["errno"] == "ENOSYS"
        c.remove()


def test_sec_9_an_agent_that_never_answers_does_not_stop_kill_and_delete(rt, bundle, socket_path):
    notify(bundle, socket_path, "recvmsg")
    with SeccompAgent(socket_path, accepting=False):
        name = rt.new_id()
        bundle.write()
        creating = rt.background("create", "--bundle", bundle.path, name)
        with pytest.raises(AssertionError):
            creating.wait(0.5)  # which also kills it
        rt("delete", "--force", name).ok()
        assert rt("state", name).code != 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_sec_9_a_container_that_waits_for_its_agent_can_be_killed(rt, bundle, socket_path, number):
    notify(bundle, socket_path, "getppid")
    with SeccompAgent(socket_path, accepting=False):
        with rt.container(bundle.probe(("echo", "ready"), ("syscall", GETPPID))) as c:
            c.wait_text("ready")
            c.kill("KILL").ok()
            c.wait_stopped()
