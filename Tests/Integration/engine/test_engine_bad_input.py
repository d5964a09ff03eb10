"""What cannot be run says why in one line, with the right exit code, and leaves nothing."""

import pytest

CASES = [
    (2, ["--nosuch", "busybox"], ["unknown option --nosuch"]),
    (2, [], ["missing argument"]),
    (2, ["--memory", "lots", "busybox"], ["--memory", "lots", "such as 64m"]),
    (2, ["--cpus", "-1", "busybox"], ["--cpus"]),
    (2, ["--pids-limit", "many", "busybox"], ["--pids-limit"]),
    (2, ["--network", "bridge", "busybox"], ["--network", "bridge", "none or host"]),
    (2, ["--security-opt", "nonsense", "busybox"], ["--security-opt"]),
    (2, ["--ulimit", "nofile", "busybox"], ["--ulimit"]),
    (2, ["-v", "relative", "busybox"], ["--volume"]),
    (2, ["-v", "/a:b", "busybox"], ["not absolute"]),
    (2, ["--env-file", "/nonexistent", "busybox"], ["--env-file", "/nonexistent", "ENOENT"]),
    (2, ["-e", "=x", "busybox"], ["--env"]),
    (2, ["--hostname", "a b", "busybox"], ["--hostname"]),
    (2, ["--stop-signal", "NOPE", "busybox"], ["--stop-signal", "NOPE"]),
    (125, ["nosuchimage"], ["nosuchimage", "no such image", "skiff load"]),
    (125, ["Bad Name"], ["Bad Name"]),
    (125, ["oci-archive:/nonexistent.tar"], ["/nonexistent.tar"]),
    (125, ["--name", "a/b", "busybox"], ["a/b"]),
    (125, ["--name", "..", "busybox"], [".."]),
    (125, ["-u", "nobodyhere", "busybox"], ["nobodyhere", "/etc/passwd"]),
    (125, ["-u", "99999999999", "busybox"], ["99999999999"]),
    (125, ["--group-add", "nogroup1", "busybox"], ["nogroup1"]),
    (125, ["-v", "/nonexistent:/x", "busybox"], ["/nonexistent", "ENOENT", "mkdir"]),
    (125, ["--device", "/nonexistent", "busybox"], ["/nonexistent"]),
    (125, ["--device", "/etc/passwd", "busybox"], ["is no device"]),
    (125, ["--cap-add", "CAP_NOPE", "busybox"], ["CAP_NOPE"]),
    (125, ["--ulimit", "nosuch=1", "busybox"], ["nosuch"]),
    (125, ["-w", "relative", "busybox"], ["relative", "not absolute"]),
    (125, ["--security-opt", "seccomp=/nonexistent", "busybox"], ["/nonexistent"]),
    (125, ["--sysctl", "kernel.nosuch=1", "busybox"], ["kernel.nosuch"]),
    (125, ["--cpuset-cpus", "999", "busybox", "true"], ["cpuset"]),
    (127, ["busybox", "nosuchprogram"], ["nosuchprogram", "not found"]),
    (127, ["busybox", "/no/such"], ["/no/such"]),
    (126, ["busybox", "/etc/passwd"], ["/etc/passwd", "permission denied"]),
    (126, ["busybox", "/etc"], ["/etc"]),
]


@pytest.mark.parametrize("code,words,message", CASES, ids=lambda v: " ".join(v)[:40] if isinstance(v, list) else str(v))
@pytest.mark.parametrize("detached", [False, True], ids=["", "detached"])
def test_refused(engine, code, words, message, detached):
    result = engine("run", *(["-d"] if detached else []), *words)
    last = result.err.strip().splitlines()[-1]
    assert result.code == code, repr(result)
    for word in message:
        assert word.lower() in last.lower(), repr(result)
    assert result.out == ""


def test_a_name_is_taken_once(engine):
    engine.detached("--name", "one", "busybox", "sleep", "60")
    engine("run", "-d", "--name", "one", "busybox", "true").failed("one", "already in use", code=125)
    engine("rm", "-f", "one").ok()
    engine("run", "--rm", "--name", "one", "busybox", "true").ok()


@pytest.mark.parametrize("verb", ["stop", "rm", "wait", "attach", "unpause", "restart"])
def test_no_such_container(engine, verb):
    engine(verb, "nosuch").failed("nosuch", "no such container", code=1)


def test_verbs_that_need_a_running_container(engine):
    id = engine.detached("--name", "done", "busybox", "true")
    engine("wait", "done").ok()
    engine("exec", "done", "true").failed("does not run", code=125)
    engine("attach", "done").failed("does not run")
    engine("kill", "done").failed("does not run")
    engine("pause", "done").failed("does not run")
    engine("stop", "done").ok()
    engine("rm", id).ok()


def test_a_running_container_is_not_removed_without_force(engine):
    engine.detached("--name", "busy", "busybox", "sleep", "60")
    engine("rm", "busy").failed("busy", "runs", "skiff stop busy", code=1)
    engine("rm", "-f", "busy").ok()
    engine("rm", "-f", "busy").ok()
