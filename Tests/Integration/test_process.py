"""The process section of the configuration, seen by the program itself (PRC-*, HST-*)."""

import os
from pathlib import Path

import pytest

from skifftest import process

CAPABILITY_NUMBERS = {"CAP_CHOWN": 0, "CAP_KILL": 5, "CAP_SETUID": 7, "CAP_NET_BIND_SERVICE": 10, "CAP_NET_RAW": 13,
                      "CAP_AUDIT_WRITE": 29}


def mask(*names: str) -> str:
    return f"{sum(1 << CAPABILITY_NUMBERS[n] for n in names):016x}"


def capability_lines(report: dict) -> dict[str, str]:
    return {key[3:].lower(): value for key, value in report["status"].items() if key.startswith("Cap")}


def test_prc_5_cwd_is_entered(rt, bundle):
    bundle.process["cwd"] = "/tmp"
    assert rt.report(bundle)["cwd"] == "/tmp"


def test_prc_5_missing_cwd_is_made_in_a_writable_root(rt, bundle):
    bundle.writable().process["cwd"] = "/made/by/runtime"
    assert rt.report(bundle)["cwd"] == "/made/by/runtime"


@pytest.mark.parametrize("cwd", ["relative", "", "./x"])
@pytest.mark.peer(crun="no check")
def test_prc_5_relative_cwd_is_refused(rt, bundle, cwd):
    bundle.process["cwd"] = cwd
    rt.refuse(bundle, "cwd")


def test_prc_5_cwd_that_only_the_final_user_may_enter(rt, bundle):
    private = bundle.rootfs / "home/private"
    private.mkdir()
    os.chown(private, 1000, 1000)
    private.chmod(0o700)
    bundle.capabilities()
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.process["cwd"] = "/home/private"
    assert rt.report(bundle)["cwd"] == "/home/private"


def test_prc_6_environment_is_exactly_as_given(rt, bundle):
    bundle.process["env"] = ["PATH=/bin", "A=1", "EMPTY=", "SPACE=a b", "EQUALS=a=b", "HOME=/nowhere", "UNICODE=ä"]
    assert rt.report(bundle)["env"] == bundle.process["env"]


def test_prc_6_home_comes_from_the_containers_passwd(rt, bundle):
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.capabilities()
    assert "HOME=/home" in rt.report(bundle)["env"]


@pytest.mark.parametrize("args", [[], None])
@pytest.mark.peer(crun="no check")
def test_prc_7_no_program_is_refused(rt, bundle, args):
    bundle.process["args"] = args
    rt.refuse(bundle, "args")


def test_prc_7_program_is_found_on_the_containers_path(rt, bundle):
    bundle.process["env"] = ["PATH=/nowhere:/bin"]
    bundle.process["args"] = ["probe", "echo", "found"]
    assert rt.run(bundle).ok().lines[0]["text"] == "found"


@pytest.mark.parametrize("program, words", [
    ("no-such-program", ["no-such-program", "executable file not found"]),
    ("/bin/no-such-program", ["/bin/no-such-program", "no such file or directory"]),
    ("/etc/passwd", ["/etc/passwd", "permission denied"]),
    ("/etc", ["/etc"]),
])
def test_prc_7_a_program_that_cannot_run_is_named_at_create(rt, bundle, program, words):
    bundle.process["args"] = [program]
    rt.refuse(bundle, *words)


@pytest.mark.skiff_only
@pytest.mark.parametrize("program, code", [("no-such-program", 127), ("/bin/none", 127), ("/etc/passwd", 126), ("/etc", 126)])
def test_prc_7_run_exits_with_126_and_127_as_shells_do(rt, bundle, program, code):
    bundle.process["args"] = [program]
    rt.run(bundle).failed(program, code=code)


def test_prc_7_script_without_interpreter_line_is_an_error(rt, bundle):
    script = bundle.rootfs / "bin/script"
    script.write_text("echo hello\n")
    script.chmod(0o755)
    bundle.process["args"] = ["/bin/script"]
    rt.run(bundle).failed("exec format error")


def test_prc_7_script_with_interpreter_line_runs(rt, bundle):
    script = bundle.rootfs / "bin/script"
    script.write_text("#!/bin/sh\necho hello $1\n")
    script.chmod(0o755)
    bundle.process["args"] = ["script", "there"]
    assert rt.run(bundle).ok().out == "hello there\n"


def test_prc_8_user_and_group(rt, bundle):
    bundle.process["user"] = {"uid": 1234, "gid": 5678}
    bundle.capabilities()
    report = rt.report(bundle)
    assert report["uids"] == [1234] * 3 and report["gids"] == [5678] * 3


@pytest.mark.peer(runc="31 bits only")
def test_prc_8_largest_ids(rt, bundle):
    bundle.process["user"] = {"uid": 4294967294, "gid": 4294967294}
    bundle.capabilities()
    assert rt.report(bundle)["uids"] == [4294967294] * 3


@pytest.mark.parametrize("user", [{"uid": -1, "gid": 0}, {"uid": 4294967296, "gid": 0}, {"uid": "0", "gid": 0},
                                  {"uid": 1.5, "gid": 0}, {"uid": 0, "gid": 18446744073709551616}])
@pytest.mark.peer(crun="takes some numbers out of range")
def test_prc_8_ids_out_of_range_are_refused(rt, bundle, user):
    bundle.process["user"] = user
    rt.refuse(bundle)


@pytest.mark.peer(crun="takes the id that means \"none\"", runc="takes the id that means \"none\"")
def test_prc_8_the_id_that_means_none_is_refused(rt, bundle):
    bundle.process["user"] = {"uid": 4294967295, "gid": 0}
    rt.refuse(bundle, "uid")


def test_prc_8_unmapped_user_is_refused(rt, bundle):
    bundle.user_namespace(size=1000).process["user"] = {"uid": 1000, "gid": 0}
    rt.refuse(bundle, "1000")


def test_prc_9_additional_groups_are_exactly_as_listed(rt, bundle):
    bundle.process["user"] = {"uid": 0, "gid": 0, "additionalGids": [5, 10, 1000]}
    assert rt.report(bundle)["groups"] == [5, 10, 1000]


def test_prc_9_without_a_list_there_are_no_groups_whatever_the_caller_has(rt, bundle):
    bundle.probe("report").write()
    result = rt("run", "--bundle", bundle.path, rt.new_id(), preexec=lambda: os.setgroups([4, 24, 27]))
    assert result.ok().first("report")["groups"] == []


def test_prc_10_umask_is_applied(rt, bundle):
    bundle.process["user"]["umask"] = 0o027
    assert rt.report(bundle)["umask"] == 0o027


def test_prc_11_rlimits_match_exactly(rt, bundle):
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                                 {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
                                 {"type": "RLIMIT_NPROC", "soft": 300, "hard": 400},
                                 {"type": "RLIMIT_FSIZE", "soft": 1 << 40, "hard": 1 << 41},
                                 {"type": "RLIMIT_STACK", "soft": 1 << 22, "hard": 1 << 23}]
    limits = rt.report(bundle)["rlimits"]
    assert limits["NOFILE"] == [100, 200] and limits["CORE"] == [0, 0] and limits["NPROC"] == [300, 400]
    assert limits["FSIZE"] == [1 << 40, 1 << 41] and limits["STACK"] == [1 << 22, 1 << 23]


@pytest.mark.peer(crun="no check", runc="no check")
def test_prc_11_duplicate_rlimits_are_refused(rt, bundle):
    bundle.process["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}] * 2
    rt.refuse(bundle, "RLIMIT_CORE")


def test_prc_11_unknown_rlimit_is_refused(rt, bundle):
    bundle.process["rlimits"] = [{"type": "RLIMIT_FOO", "soft": 0, "hard": 0}]
    rt.refuse(bundle, "RLIMIT_FOO")


def test_prc_11_soft_above_hard_is_refused(rt, bundle):
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 200, "hard": 100}]
    rt.refuse(bundle)


def test_prc_12_capability_sets_are_exactly_as_listed(rt, bundle):
    bundle.process["capabilities"] = {
        "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_NET_RAW"], "permitted": ["CAP_CHOWN", "CAP_KILL"],
        "effective": ["CAP_CHOWN", "CAP_KILL"], "inheritable": [], "ambient": []}
    bundle.process["user"] = {"uid": 0, "gid": 0}
    sets = capability_lines(rt.report(bundle))
    assert sets["bnd"] == mask("CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_NET_RAW")
    assert sets["inh"] == sets["amb"] == mask()
    # With no_new_privs, exec as root gives nothing that was not permitted before.
    assert sets["eff"] == sets["prm"] == mask("CAP_CHOWN", "CAP_KILL")


def test_prc_12_a_user_keeps_no_capabilities_without_ambient(rt, bundle):
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    sets = capability_lines(rt.report(bundle))
    assert sets["eff"] == sets["prm"] == sets["inh"] == sets["amb"] == mask()
    assert sets["bnd"] == mask("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")


def test_prc_13_ambient_capabilities_work_for_a_user(rt, bundle):
    bundle.capabilities("CAP_NET_BIND_SERVICE", ambient=True)
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.probe("report", ("bind", "80"))
    report, bound = rt.run(bundle).ok().lines
    sets = capability_lines(report)
    assert set(sets.values()) == {mask("CAP_NET_BIND_SERVICE")}
    assert bound["errno"] == ""


def test_prc_13_a_capability_bites_where_it_is_missing(rt, bundle):
    bundle.capabilities("CAP_KILL")
    (bundle.rootfs / "etc/file").write_text("x")
    answers = rt.answers(bundle.writable(), ("chown", "/etc/file", "1", "1"), ("mknod", "/n", "c", "1", "3"), ("sethostname", "x"))
    assert [a["errno"] for a in answers] == ["EPERM"] * 3


def test_prc_14_an_unknown_capability_is_a_warning(rt, bundle, scratch):
    bundle.capabilities("CAP_KILL", "CAP_NO_SUCH_THING").probe("report").write()
    log = scratch / "log"
    result = process.run([rt.path, "--log", log, "--root", rt.root, "run", "--bundle", bundle.path, rt.new_id()],
                         scratch=scratch, env=rt.env)
    assert capability_lines(result.ok().first("report"))["bnd"] == mask("CAP_KILL")
    if rt.name == "skiff":
        assert "CAP_NO_SUCH_THING" in log.read_text() + result.err


def test_prc_15_no_capabilities_object_means_none(rt, bundle):
    del bundle.process["capabilities"]
    sets = capability_lines(rt.report(bundle))
    assert sets["inh"] == sets["amb"] == mask()
    assert sets["eff"] == sets["bnd"]


@pytest.mark.parametrize("asked", [True, False])
def test_prc_16_no_new_privileges(rt, bundle, asked):
    bundle.process["noNewPrivileges"] = asked
    assert rt.report(bundle)["status"]["NoNewPrivs"] == str(int(asked))


@pytest.mark.parametrize("asked, becomes_root", [(True, False), (False, True)])
def test_prc_16_setuid_program_gains_nothing_under_no_new_privileges(rt, bundle, programs, asked, becomes_root):
    target = bundle.rootfs / "bin/setuid-probe"
    target.write_bytes(programs["probe"].read_bytes())
    target.chmod(0o4755)
    bundle.process["noNewPrivileges"] = asked
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.process["args"] = ["/bin/setuid-probe", "report"]
    assert rt.run(bundle).ok().first("report")["uids"][1] == (0 if becomes_root else 1000)


@pytest.mark.applies(not Path("/sys/module/apparmor/parameters/enabled").exists())
def test_prc_17_an_apparmor_profile_without_apparmor_is_refused(rt, bundle):
    bundle.process["apparmorProfile"] = "no-such-profile"
    result = rt.run(bundle)
    if rt.name == "skiff":
        result.failed("apparmor")


def test_prc_19_oom_score_adj_is_written(rt, bundle):
    bundle.process["oomScoreAdj"] = 321
    assert rt.report(bundle)["oom_score_adj"] == "321\n"


def test_prc_19_unset_oom_score_adj_is_left_alone(rt, bundle):
    assert rt.report(bundle)["oom_score_adj"] == Path("/proc/self/oom_score_adj").read_text()


@pytest.mark.parametrize("wrong", [1001, -1001, "5"])
@pytest.mark.peer(crun="takes a string")
def test_prc_19_oom_score_adj_out_of_range_is_refused(rt, bundle, wrong):
    bundle.process["oomScoreAdj"] = wrong
    rt.refuse(bundle, "oom")
