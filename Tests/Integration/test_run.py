"""run: streams, exit codes, descriptors, names, scheduling (CLI-3, HST-*, PERS-1, PRC-20 … PRC-28)."""

import os
import signal
import socket

import pytest

from skifftest import process


def test_prc_20_scheduler(rt, bundle):
    if rt.name == "runc":
        rt.lacks("no scheduler")
    bundle.process["scheduler"] = {"policy": "SCHED_BATCH", "nice": 7}
    report = rt.report(bundle)
    if rt.name == "crun" and report["sched"]["policy"] == 0:
        rt.lacks("no scheduler")
    assert report["sched"]["policy"] == 3 and report["sched"]["nice"] == 7


@pytest.mark.skiff_only
def test_prc_21_io_priority(rt, bundle):
    bundle.process["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
    report = rt.report(bundle)
    assert (report["sched"]["ioprio_class"], report["sched"]["ioprio_level"]) == (2, 6)


@pytest.mark.skiff_only
@pytest.mark.parametrize("key, value", [("scheduler", {"policy": "SCHED_NONE"}), ("ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": 8}),
                                        ("ioPriority", {"class": "FOO", "priority": 1})])
def test_prc_20_21_invalid_scheduling_is_refused(rt, bundle, key, value):
    bundle.process[key] = value
    rt.refuse(bundle, key)


def test_prc_23_only_standard_streams_reach_the_program(rt, bundle):
    leaked = [os.open("/", os.O_RDONLY | os.O_DIRECTORY), os.open("/etc/passwd", os.O_RDONLY), *socket.socketpair()]
    numbers = [fd if isinstance(fd, int) else fd.fileno() for fd in leaked]
    bundle.probe("report").write()
    try:
        result = rt("run", "--bundle", bundle.path, rt.new_id(), pass_fds=numbers).ok()
    finally:
        for fd in leaked:
            os.close(fd) if isinstance(fd, int) else fd.close()
    assert sorted(result.first("report")["fds"]) == ["0", "1", "2"]


def test_prc_23_exec_gets_standard_streams_only(rt, bundle):
    leak = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        with rt.sleeping(bundle) as c:
            report = c.probe("report", pass_fds=[leak])[0]
    finally:
        os.close(leak)
    assert sorted(report["fds"]) == ["0", "1", "2"]


def test_prc_23_preserved_descriptors_reach_the_program_and_no_others(rt, bundle, scratch):
    path = scratch / "preserved"
    first = os.open(path, os.O_WRONLY | os.O_CREAT)
    other = os.open("/", os.O_RDONLY)

    def arrange():
        os.dup2(other, 5), os.set_inheritable(5, True)
        os.dup2(first, 3), os.set_inheritable(3, True)
        os.dup2(first, 4), os.set_inheritable(4, True)

    bundle.probe("report", ("descriptor", "3", "three "), ("descriptor", "4", "four")).write()
    result = rt("run", "--preserve-fds", "2", "--bundle", bundle.path, rt.new_id(), preexec=arrange, pass_fds=[3, 4, 5])
    os.close(first), os.close(other)
    assert sorted(result.ok().first("report")["fds"]) == ["0", "1", "2", "3", "4"]
    assert path.read_text() == "three four"


@pytest.mark.skiff_only
def test_prc_23_preserving_more_descriptors_than_there_are_is_an_error(rt, bundle):
    rt.refuse(bundle, "preserve-fds", options=["--preserve-fds", "50"])


@pytest.mark.peer(crun="does not pass LISTEN_FDS on")
def test_prc_24_socket_activation_reaches_the_program(rt, bundle):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0)), listener.listen()
    descriptor = listener.fileno()

    def arrange():
        os.dup2(descriptor, 3), os.set_inheritable(3, True)
        os.environ["LISTEN_PID"] = str(os.getpid())

    bundle.probe("report").write()
    wrapper = ["/bin/sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh"]
    result = process.run([*wrapper, *rt.words("run", "--bundle", bundle.path, rt.new_id())], scratch=rt.scratch,
                         env=rt.env, preexec=arrange, pass_fds=[3]).ok()
    listener.close()
    report = result.first("report")
    assert report["fds"].get("3", "").startswith("socket:")
    assert "LISTEN_FDS=1" in report["env"]
    assert "LISTEN_PID=1" in report["env"]


@pytest.mark.parametrize("options, fresh", [([], True), (["--no-new-keyring"], False)])
def test_prc_25_session_keyring(rt, bundle, options, fresh):
    bundle.probe("report").write()
    name = rt.new_id()
    report = rt("run", *options, "--bundle", bundle.path, name).ok().first("report")
    assert (name in report["keyring_description"]) == fresh


@pytest.mark.peer(runc="keeps the mask")
def test_prc_26_signals_are_reset(rt, bundle):
    bundle.probe("report").write()

    def ignore():
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM])

    report = rt("run", "--bundle", bundle.path, rt.new_id(), preexec=ignore).ok().first("report")
    assert report["blocked"] == [] and report["pdeathsig"] == 0
    if rt.name == "skiff":
        assert report["ignored"] == []


def test_prc_27_no_process_of_the_runtime_is_visible(rt, bundle):
    report = rt.report(bundle)
    assert report["processes"] == [1] and report["pid"] == 1 and report["ppid"] == 0
    assert report["sid"] == report["pgid"] == 1


@pytest.mark.processors
def test_prc_28_affinity_of_the_caller_is_not_inherited_beyond_its_cpuset(rt, bundle):
    bundle.probe("report").write()
    report = rt("run", "--bundle", bundle.path, rt.new_id(), preexec=lambda: os.sched_setaffinity(0, {0})).ok().first("report")
    if rt.name == "skiff":
        assert report["sched"]["affinity"] == sorted(os.sched_getaffinity(0))


@pytest.mark.parametrize("code", [0, 1, 42, 125, 126, 127, 128, 200, 255])
def test_cli_3_run_exits_with_the_programs_code(rt, bundle, code):
    assert rt.run(bundle.probe(("exit", code))).code == code


@pytest.mark.parametrize("number", [9, 15, 11])
def test_cli_3_run_exits_with_128_plus_the_signal(rt, bundle, number):
    bundle.process["args"] = ["/bin/sh", "-c", f"/bin/probe raise {number}; exit $?"]
    assert rt.run(bundle).code == 128 + number
    # The program itself, as pid 1 of a namespace, cannot be killed by a signal it sends itself; in the host's it can.
    bundle.without_namespace("pid").probe(("raise", number))
    assert rt.run(bundle).code == 128 + number


def test_cli_3_run_forwards_signals(rt, bundle):
    bundle.probe(("trap", "7")).write()
    running = rt.background("run", "--bundle", bundle.path, rt.new_id())
    running.wait_text("ready")
    running.signal(10)
    assert running.wait().code == 7
    assert running.lines[-1]["signal"] == 10


def test_cli_3_standard_input_reaches_the_program_and_ends(rt, bundle):
    result = rt.run(bundle.probe("cat"), stdin=b"one\ntwo\n\x00\xff").ok()
    assert result.out_path.read_bytes() == b"one\ntwo\n\x00\xff"


def test_cli_3_standard_output_and_error_are_kept_apart(rt, bundle):
    result = rt.run(bundle.probe(("echo", "out"), ("complain", "err"))).ok()
    assert "out" in result.out and "err" not in result.out and result.err == "err\n"


def test_hst_1_hostname_and_domainname(rt, bundle):
    bundle.config["hostname"], bundle.config["domainname"] = "box-1", "example.org"
    report = rt.report(bundle)
    assert report["hostname"] == "box-1"
    if report["domainname"] != "example.org" and rt.name != "skiff":
        rt.lacks("no domainname")
    assert report["domainname"] == "example.org"


def test_hst_1_hostname_of_65_bytes_is_refused(rt, bundle):
    bundle.config["hostname"] = "h" * 65
    rt.refuse(bundle, "hostname")


def test_hst_1_hostname_of_64_bytes_is_set(rt, bundle):
    bundle.config["hostname"] = "h" * 64
    assert rt.report(bundle)["hostname"] == "h" * 64


@pytest.mark.parametrize("key", ["hostname", "domainname"])
def test_hst_3_without_an_own_namespace_the_hosts_name_is_safe(rt, bundle, key):
    bundle.config.pop("hostname")
    bundle.config[key] = "evil"
    bundle.without_namespace("uts")
    if rt.name != "skiff" and key == "domainname":
        rt.lacks("no domainname")
    rt.refuse(bundle, "uts")


def test_pers_1_personality(rt, bundle):
    bundle.linux["personality"] = {"domain": "LINUX32"}
    report = rt.report(bundle)
    if rt.name == "runc" and report["personality"] == 0:
        rt.lacks("no personality")
    assert report["personality"] == 8 and report["machine"] == "i686"


@pytest.mark.parametrize("value", [{"domain": "SOLARIS"}, {"domain": "LINUX", "flags": ["X"]}])
@pytest.mark.peer(runc="does not know it", crun="ignores flags")
def test_pers_1_unknown_personality_is_refused(rt, bundle, value):
    bundle.linux["personality"] = value
    rt.refuse(bundle, "personality")
