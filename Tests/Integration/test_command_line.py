"""The command line that engines rely on (CLI-*, engine contract)."""

import json
import os
import re
import socket
from pathlib import Path

import pytest

from skifftest import process
from skifftest.process import until

skiff_only = pytest.mark.skiff_only


def now_formatted(text: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", text))


def test_cli_0_version_has_the_lines_that_engines_read(rt):
    text = process.run([rt.path, "--version"], scratch=rt.scratch).ok().out
    assert re.search(rf"^{rt.name} version \S+", text)
    assert re.search(r"^spec: \d+\.\d+\.\d+", text, re.M)


def test_cli_0_help(rt):
    text = process.run([rt.path, "--help"], scratch=rt.scratch).ok().out
    for verb in ("create", "start", "state", "kill", "delete", "run", "exec", "list", "spec"):
        assert verb in text


@skiff_only
@pytest.mark.parametrize("verb", ["create", "start", "state", "kill", "delete", "run", "exec", "list", "ps", "spec", "features", "pause", "resume"])
def test_every_verb_has_help_on_standard_output(rt, verb):
    result = process.run([rt.path, verb, "--help"], scratch=rt.scratch).ok()
    assert verb in result.out and result.err == ""


@skiff_only
@pytest.mark.parametrize("words, message", [
    (["nosuchverb"], "nosuchverb"), (["--nosuchflag"], "nosuchflag"), (["create", "--nosuchflag", "x"], "nosuchflag"),
    (["create", "a", "b"], "b"), (["start"], ""), (["kill"], ""), (["state"], ""), (["state", "a", "b"], "b"), (["list", "--format", "xml"], "xml"),
    (["--log-format", "yaml", "list"], "yaml"), (["create", "--preserve-fds", "x", "id"], "preserve-fds"), (["create", "--preserve-fds", "-1", "id"], "preserve-fds"),
    (["create", "--bundle"], "bundle"),
])
def test_wrong_usage_exits_with_2_and_says_what(rt, words, message):
    rt(*words).failed(message, code=2)


@skiff_only
def test_cli_0_errors_are_one_line_with_the_programs_name(rt):
    lines = rt("state", rt.new_id()).failed().err.strip().splitlines()
    assert lines[0].startswith("skiff")


@pytest.mark.parametrize("verb", ["create", "run"])
def test_contract_a_failure_is_one_json_line_in_the_log_and_the_same_text_on_standard_error(rt, bundle, scratch, verb):
    log = scratch / "log.json"
    bundle.process["args"] = ["/bin/none"]
    bundle.write()
    result = process.run([rt.path, "--root", rt.root, "--log", log, "--log-format", "json", verb, "--bundle", bundle.path, rt.new_id()],
                         scratch=scratch, env=rt.env).failed("no such file or directory")
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    errors = [e for e in entries if e["level"] == "error"]
    assert len(errors) == 1 and now_formatted(errors[0]["time"])
    assert "no such file or directory" in errors[0]["msg"].lower()
    if rt.name == "skiff":
        assert errors[0]["msg"] in result.err


@skiff_only
def test_contract_the_log_is_appended_to_and_other_verbs_write_it_too(rt, scratch):
    log = scratch / "log.json"
    for verb in (["state"], ["start"], ["delete"], ["kill"]):
        process.run([rt.path, "--root", rt.root, "--log", log, "--log-format=json", *verb, "missing"], scratch=scratch).failed()
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [e["level"] for e in entries] == ["error"] * 4


@skiff_only
def test_contract_success_writes_no_error_line(rt, bundle, scratch):
    log = scratch / "log.json"
    bundle.probe(("echo", "x")).write()
    result = process.run([rt.path, "--root", rt.root, "--log", log, "--log-format", "json", "run", "--bundle", bundle.path, rt.new_id()],
                         scratch=scratch).ok()
    assert result.err == ""
    assert not log.exists() or '"error"' not in log.read_text()


@pytest.mark.parametrize("flags", [["--root={root}"], ["--root", "{root}/"], ["--debug", "--root={root}"], ["--root={root}", "--log={log}", "--log-format=text"],
                                   ["--systemd-cgroup", "--root={root}"]])
def test_contract_forms_of_global_flags(rt, bundle, scratch, flags):
    if "--systemd-cgroup" in flags and rt.name != "skiff":
        pytest.skip("needs systemd")
    bundle.probe(("echo", "x")).write()
    words = [f.format(root=rt.root, log=scratch / "log") for f in flags]
    result = process.run([rt.path, *words, "run", "--bundle", bundle.path, rt.new_id()], scratch=scratch, env=rt.env)
    if "--systemd-cgroup" in flags:
        assert result.code == 0 or "systemd" in result.err, result
    else:
        result.ok()


def test_contract_the_pid_file_holds_digits_only_and_is_there_before_create_returns(rt, bundle, scratch):
    pid_file = scratch / "pid"
    c = rt.create(bundle.probe("sleep"), "--pid-file", pid_file)
    text = pid_file.read_text()
    assert text.isdigit() and int(text) == c.pid
    c.remove()


def test_contract_a_pid_file_that_cannot_be_written_is_an_error(rt, bundle):
    rt.refuse(bundle, "/no/such/dir/pid", options=["--pid-file", "/no/such/dir/pid"])


def test_contract_init_belongs_to_the_callers_subreaper(rt, bundle):
    c = rt.create(bundle.probe("sleep"))
    parent = Path(f"/proc/{c.pid}/stat").read_text().rpartition(")")[2].split()[1]
    assert int(parent) == os.getpid()
    c.remove()


@pytest.mark.peer(crun="options must come first")
def test_contract_options_after_the_id(rt, bundle):
    bundle.probe(("echo", "x")).write()
    assert rt("run", rt.new_id(), "-b", f"{bundle.path}/").ok().lines[0]["text"] == "x"


def test_contract_create_holds_its_streams_open_only_in_the_container(rt, bundle):
    """Whoever reads create's output must see its end when the container has closed it."""
    bundle.process["args"] = ["/bin/sh", "-c", "exec >/dev/null 2>&1 </dev/null; echo; exec sleep 100"]
    bundle.write()
    name = rt.new_id()
    read, write = os.pipe()
    running = process.Running(rt.words("create", "--bundle", bundle.path, name), scratch=rt.scratch, env=rt.env, stdout=write)
    os.close(write)
    running.wait().ok()
    rt("start", name).ok()
    os.set_blocking(read, False)

    def ended():
        try:
            return os.read(read, 4096) == b""
        except BlockingIOError:
            return False

    until(ended, "end of create's output", timeout=5)
    os.close(read)
    rt("delete", "--force", name).ok()


def test_contract_a_socket_leaked_at_3_does_not_reach_the_container(rt, bundle):
    ours, theirs = socket.socketpair()

    def arrange():
        os.dup2(theirs.fileno(), 3)
        os.set_inheritable(3, True)

    bundle.probe(("echo", "ready"), "sleep").write()
    name = rt.new_id()
    rt("create", "--bundle", bundle.path, name, preexec=arrange, pass_fds=[3]).ok()
    rt("start", name).ok()
    theirs.close()
    ours.settimeout(3)
    assert ours.recv(10) == b""  # nobody has the other end any more
    ours.close()
    rt("delete", "--force", name).ok()


@pytest.mark.peer(crun="binds an empty NOTIFY_SOCKET")
def test_contract_environment_of_engines_does_no_harm(rt, bundle):
    bundle.probe("report").write()
    extra = {"_OCI_SYNCPIPE": "3", "_OCI_STARTPIPE": "4", "_OCI_ATTACHPIPE": "5", "GOMAXPROCS": "2", "TTRPC_ADDRESS": "/x", "NOTIFY_SOCKET": ""}
    report = rt("run", "--bundle", bundle.path, rt.new_id(), env={**rt.env, **extra}).ok().first("report")
    assert not [e for e in report["env"] if e.startswith("_OCI")]


def test_contract_kill_takes_numbers_and_text_of_errors_is_recognised(rt, bundle):
    with rt.container(bundle.probe(("trap", "0"))) as c:
        c.wait_text("ready")
        rt("kill", c.id, "10").ok()
        c.wait_stopped()
        c.kill("15").failed("not running")
        rt("kill", "--all", c.id, "9").ok()
        rt("kill", "-a", c.id).ok()
    rt("kill", c.id, "9").failed("does not exist")


def test_contract_delete_codes(rt, bundle):
    c = rt.create(bundle.probe("sleep"))
    c.start()
    assert c.delete().code == 1
    rt("delete", "--force", c.id).ok()
    rt("delete", "--force", c.id).ok()
    assert rt("delete", c.id).code == 1


def test_contract_failed_create_exits_with_1(rt, bundle):
    bundle.process["args"] = ["/bin/none"]
    assert rt.refuse(bundle).code == 1


def test_contract_no_pivot_and_no_new_keyring_are_accepted(rt, bundle):
    bundle.probe(("echo", "x")).write()
    rt("run", "--no-new-keyring", "--bundle", bundle.path, rt.new_id()).ok()
    if rt.name == "skiff":
        result = rt("run", "--no-pivot", "--bundle", bundle.path, rt.new_id())
        assert result.code == 0 or "pivot" in result.err


@pytest.mark.peer(crun="shows the root as in the configuration")
def test_contract_state_prints_nothing_on_standard_error(rt, bundle):
    with rt.sleeping(bundle) as c:
        result = rt("state", c.id).ok()
        assert result.err == "" and json.loads(result.out)["rootfs"] == str(bundle.rootfs)


@pytest.mark.peer(crun="several lines")
def test_contract_ps_json_is_one_line(rt, bundle):
    with rt.sleeping(bundle) as c:
        assert rt("ps", "--format", "json", c.id).ok().out == f"[{c.pid}]\n"


def test_cli_3_detached_run(rt, bundle, scratch):
    pid_file = scratch / "pid"
    bundle.probe("sleep").write()
    name = rt.new_id()
    rt("run", "--detach", "--pid-file", pid_file, "--bundle", bundle.path, name).ok()
    assert rt("state", name).ok().json["status"] == "running"
    assert int(pid_file.read_text()) == rt("state", name).json["pid"]
    rt("delete", "--force", name).ok()


def test_cli_3_run_deletes_the_container_at_the_end(rt, bundle):
    name = rt.new_id()
    rt.run(bundle.probe(("exit", "3")), id=name)
    rt("state", name).failed("does not exist")


def test_cli_3_keep_leaves_the_container(rt, bundle):
    name = rt.new_id()
    bundle.probe(("exit", "3")).write()
    if rt.name == "crun":
        rt.lacks("no --keep")
    assert rt("run", "--keep", "--bundle", bundle.path, name).code == 3
    assert rt("state", name).ok().json["status"] == "stopped"
    rt("delete", name).ok()


def test_cli_3_a_killed_run_leaves_a_container_that_can_be_deleted(rt, bundle):
    bundle.probe(("echo", "ready"), "sleep").write()
    name = rt.new_id()
    running = rt.background("run", "--bundle", bundle.path, name)
    running.wait_text("ready")
    running.stop()
    rt("delete", "--force", name).ok()


@pytest.mark.peer(crun="cannot remove the group")
def test_cli_3_run_takes_in_orphans(rt, bundle):
    bundle.without_namespace("pid").probe(("orphans", "2"), ("exit", "4"))
    assert rt.run(bundle).code == 4
    # nothing_left_behind looks for the orphans
