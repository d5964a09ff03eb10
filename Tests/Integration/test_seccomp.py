"""Seccomp (SEC-*)."""

import json
import platform
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ARCHITECTURES = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
GETPPID, GETPGID, SETPRIORITY, PERSONALITY = 110, 121, 141, 135  # x86-64: calls that nothing else here needs

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="call numbers of x86-64")


def allow_all_but(*rules: dict, **more) -> dict:
    return {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ARCHITECTURES, "syscalls": list(rules), **more}


def rule(*names: str, action: str = "SCMP_ACT_ERRNO", **more) -> dict:
    return {"names": list(names), "action": action, **more}


def test_sec_14_no_section_means_no_filter(rt, bundle):
    assert rt.report(bundle)["status"]["Seccomp"] == "0"


def test_sec_1_a_filter_is_in_force(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(rule("getppid"))
    assert rt.report(bundle)["status"]["Seccomp"] == "2"


def test_sec_1_exec_is_under_the_same_filter(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(rule("getpgid"))
    with rt.sleeping(bundle) as c:
        report, refused = c.probe("report", ("syscall", GETPGID))
    assert report["status"]["Seccomp"] == "2" and refused["errno"] == "EPERM"


@pytest.mark.parametrize("more, name", [({}, "EPERM"), ({"errnoRet": 13}, "EACCES"), ({"errnoRet": 38}, "ENOSYS")])
def test_sec_2_errno(rt, bundle, more, name):
    bundle.linux["seccomp"] = allow_all_but(rule("personality", **more))
    assert rt.answers(bundle, ("syscall", PERSONALITY, "0xffffffff"))[0]["errno"] == name


def test_sec_2_default_errno(rt, bundle):
    profile = json.loads((PROJECT / "Tests/Fixtures/engine-configs/podman.json").read_text())["linux"]["seccomp"]
    assert profile["defaultErrnoRet"] == 38
    bundle.linux["seccomp"] = profile
    assert rt.answers(bundle, ("syscall", 9999))[0]["errno"] == "ENOSYS"


@pytest.mark.peer(crun="no check", runc="no check")
def test_sec_2_errno_on_an_action_without_one_is_refused(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(rule("personality", action="SCMP_ACT_KILL_PROCESS", errnoRet=5))
    rt.refuse(bundle, "errnoRet", verb="run")


@pytest.mark.parametrize("action", ["SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS"])
def test_sec_1_killing_actions(rt, bundle, action):
    bundle.linux["seccomp"] = allow_all_but(rule("personality", action=action))
    assert rt.run(bundle.probe(("syscall", PERSONALITY), ("echo", "survived"))).code == 128 + 31


def test_sec_1_trap_raises_sigsys(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(rule("personality", action="SCMP_ACT_TRAP"))
    assert rt.run(bundle.probe(("syscall", PERSONALITY))).code == 128 + 31


def test_sec_1_trace_without_a_tracer_is_enosys(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(rule("personality", action="SCMP_ACT_TRACE"))
    assert rt.answers(bundle, ("syscall", PERSONALITY))[0]["errno"] == "ENOSYS"


def test_sec_1_log_and_allow_let_through(rt, bundle):
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_LOG", "architectures": ARCHITECTURES,
                               "syscalls": [rule("personality", action="SCMP_ACT_ALLOW")]}
    assert rt.answers(bundle, ("syscall", PERSONALITY, "0xffffffff"))[0]["errno"] == ""


# (operator, value, second value, arguments that match, arguments that do not)
HIGH = 1 << 32
COMPARISONS = [
    ("SCMP_CMP_EQ", 5, 0, [5], [4, 6, 5 + HIGH]), ("SCMP_CMP_NE", 5, 0, [4, 6, 5 + HIGH], [5]),
    ("SCMP_CMP_LT", 5, 0, [0, 4], [5, 6, HIGH]), ("SCMP_CMP_LE", 5, 0, [4, 5], [6, HIGH]),
    ("SCMP_CMP_GT", 5, 0, [6, HIGH], [5, 0]), ("SCMP_CMP_GE", 5, 0, [5, 6, HIGH], [4]),
    ("SCMP_CMP_GT", HIGH, 0, [HIGH + 1, 2 * HIGH], [HIGH, HIGH - 1, 7]), ("SCMP_CMP_LT", HIGH + 5, 0, [HIGH + 4, 7], [HIGH + 5, 2 * HIGH]),
    ("SCMP_CMP_EQ", HIGH + 5, 0, [HIGH + 5], [5, HIGH]),
    ("SCMP_CMP_MASKED_EQ", 0xF0, 0x50, [0x50, 0x5F, 0x150, HIGH + 0x50], [0x40, 0xF0, 0]),
    ("SCMP_CMP_MASKED_EQ", 0xFF << 32, 3 << 32, [3 * HIGH, 3 * HIGH + 9], [3, 0, 2 * HIGH]),
]


@pytest.mark.parametrize("operator, value, second, matching, others", COMPARISONS)
def test_sec_3_comparisons_are_exact_in_64_bits(rt, bundle, operator, value, second, matching, others):
    bundle.linux["seccomp"] = allow_all_but(
        rule("getppid", errnoRet=77, args=[{"index": 2, "value": value, "valueTwo": second, "op": operator}]))
    answers = rt.answers(bundle, *[("syscall", GETPPID, 0, 0, v) for v in [*matching, *others]])
    assert [a["errno"] == "EBADFD" for a in answers] == [True] * len(matching) + [False] * len(others)


def test_sec_3_conditions_of_one_rule_must_all_hold(rt, bundle):
    conditions = [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]
    bundle.linux["seccomp"] = allow_all_but(rule("getppid", errnoRet=77, args=conditions))
    answers = rt.answers(bundle, *[("syscall", GETPPID, *a) for a in ((1, 2), (1, 3), (0, 2), (0, 0))])
    assert [a["errno"] == "EBADFD" for a in answers] == [True, False, False, False]


def test_sec_4_rules_of_one_call_are_alternatives(rt, bundle):
    rules = [rule("getppid", errnoRet=77, args=[{"index": 0, "value": v, "op": "SCMP_CMP_EQ"}]) for v in (1, 5)]
    bundle.linux["seccomp"] = allow_all_but(*rules)
    answers = rt.answers(bundle, *[("syscall", GETPPID, a) for a in (1, 5, 3)])
    assert [a["errno"] == "EBADFD" for a in answers] == [True, True, False]


def test_sec_5_other_abis_do_not_lead_around_the_filter(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(rule("getpid", errnoRet=77))
    native, x32, i386 = rt.answers(bundle, ("syscall", 39), ("syscall", 39 + 0x40000000), ("int80", 20))
    assert native["errno"] == "EBADFD"
    assert x32["errno"] in ("EBADFD", "ENOSYS") and i386["errno"] in ("EBADFD", "ENOSYS")


def test_sec_5_an_abi_that_is_not_listed_is_refused(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(rule("getppid"), architectures=["SCMP_ARCH_X86_64"])
    result = rt.run(bundle.probe(("int80", 20), ("echo", "survived")))
    assert result.code == 128 + 31 or result.lines[0]["errno"] != ""


def test_sec_6_unknown_names_are_skipped(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(rule("no_such_call", "personality"))
    assert rt.answers(bundle, ("syscall", PERSONALITY))[0]["errno"] == "EPERM"


@pytest.mark.peer(crun="no check", runc="no check")
def test_sec_6_a_rule_without_names_is_refused(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(rule())
    rt.refuse(bundle, "names")


@pytest.mark.peer(crun="has no such rule")
def test_sec_7_calls_newer_than_the_profile_are_enosys(rt, bundle):
    profile = json.loads((PROJECT / "Tests/Fixtures/engine-configs/docker.json").read_text())["linux"]["seccomp"]
    bundle.linux["seccomp"] = profile
    assert rt.answers(bundle, ("syscall", 9999))[0]["errno"] == "ENOSYS"


@pytest.mark.parametrize("key, value", [("defaultAction", "SCMP_ACT_NOPE"), ("architectures", ["SCMP_ARCH_PDP11"]), ("flags", ["SECCOMP_FILTER_FLAG_NOPE"]),
                                        ("syscalls", [rule("getppid", action="NOPE")]),
                                        ("syscalls", [rule("getppid", args=[{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}])]),
                                        ("syscalls", [rule("getppid", args=[{"index": 0, "value": 1, "op": "SCMP_CMP_ALMOST"}])])])
@pytest.mark.peer(crun="no check of some")
def test_sec_1_3_8_unknown_values_are_refused(rt, bundle, key, value):
    bundle.linux["seccomp"] = {**allow_all_but(rule("getppid")), key: value}
    rt.refuse(bundle, "seccomp", verb="run")


def test_sec_4_conditions_on_one_argument_are_alternatives(rt, bundle):
    """libseccomp takes one condition for an argument, so that such a rule becomes several, as runc splits it."""
    conditions = [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 5, "op": "SCMP_CMP_EQ"},
                  {"index": 1, "value": 9, "op": "SCMP_CMP_EQ"}]
    bundle.linux["seccomp"] = allow_all_but(rule("getppid", errnoRet=77, args=conditions))
    answers = rt.answers(bundle, *[("syscall", GETPPID, *a) for a in ((1, 0), (5, 0), (3, 9), (3, 8), (0, 0))])
    assert [a["errno"] == "EBADFD" for a in answers] == [True, True, True, False, False]


@pytest.mark.parametrize("names", [["getpid"], ["getpid", "getppid", "no_such_call"]])
def test_sec_5_rules_hold_for_every_listed_abi(rt, bundle, names):
    """i386 numbers by int 0x80 and x32 numbers, whose kernel support may be missing."""
    bundle.linux["seccomp"] = allow_all_but(rule(*names, errnoRet=77))
    native, x32, i386, other = rt.answers(bundle, ("syscall", 39), ("syscall", 39 + 0x40000000), ("int80", 20), ("int80", 24))
    assert native["errno"] == "EBADFD" and x32["errno"] in ("EBADFD", "ENOSYS")
    assert i386["errno"] in ("EBADFD", "ENOSYS") and other["errno"] in ("", "ENOSYS")


@pytest.mark.parametrize("call", [("int80", 20), ("int80", 9999), ("syscall", 39 + 0x40000000)])
@pytest.mark.parametrize("architectures", [[], ["SCMP_ARCH_NATIVE"], ["SCMP_ARCH_X86_64"]])
def test_sec_5_abis_that_are_not_listed_never_get_through(rt, bundle, architectures, call):
    profile = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 77, "syscalls": [rule(*_everything_but("getpid"), action="SCMP_ACT_ALLOW")]}
    if architectures:
        profile["architectures"] = architectures
    bundle.linux["seccomp"] = profile
    result = rt.run(bundle.probe(call, ("echo", "survived")))
    assert result.code == 128 + 31 or result.lines[0]["errno"] != "", result


def _everything_but(name: str) -> list[str]:
    from skifftest.agent import system_calls
    return [n for n in system_calls() if n != name]


@pytest.mark.skiff_only
def test_sec_7_every_listed_abi_has_its_own_newest_call(rt, bundle):
    """The newest call of the profile is execveat: 322 on x86-64, 358 on i386, 545 on x32."""
    names = [n for n in _everything_but("getppid") if _number(n) <= 322]
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 77, "architectures": ARCHITECTURES,
                               "syscalls": [rule(*names, action="SCMP_ACT_ALLOW")]}
    old, new, i386_old, i386_new, x32_new = rt.answers(
        bundle, ("syscall", GETPPID), ("syscall", 460), ("int80", 64), ("int80", 9999), ("syscall", 0x40000000 + 9999))
    assert (old["errno"], new["errno"]) == ("EBADFD", "ENOSYS")
    assert i386_old["errno"] in ("EBADFD", "ENOSYS") and i386_new["errno"] == x32_new["errno"] == "ENOSYS"


def _number(name: str) -> int:
    import ctypes
    return ctypes.CDLL("libseccomp.so.2").seccomp_syscall_resolve_name(name.encode())


@pytest.mark.parametrize("default", ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE"])
def test_sec_7_only_a_default_of_errno_makes_new_calls_enosys(rt, bundle, default):
    bundle.linux["seccomp"] = {"defaultAction": default, "syscalls": [rule(*_everything_but("x"), action="SCMP_ACT_ALLOW")]}
    assert rt.answers(bundle, ("syscall", 9999))[0]["errno"] == "ENOSYS"  # the kernel's own; no filter is in its way


@pytest.mark.parametrize("default", ["SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP"])
def test_sec_14_no_rules_and_a_killing_default_end_the_program_at_its_first_call(rt, bundle, default):
    bundle.linux["seccomp"] = {"defaultAction": default}
    result = rt.run(bundle.probe(("echo", "survived")))
    assert result.code != 0 and result.out == ""


@pytest.mark.peer(crun="no check", runc="no check")
@pytest.mark.parametrize("action", ["KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP", "ALLOW", "LOG", "NOTIFY"])
def test_sec_2_errno_fits_no_other_action(rt, bundle, action):
    bundle.linux["seccomp"] = {**allow_all_but(rule("personality", action=f"SCMP_ACT_{action}", errnoRet=5)), "listenerPath": "/x"}
    rt.refuse(bundle, "errnoRet")
    if action != "NOTIFY":
        bundle.linux["seccomp"] = {"defaultAction": f"SCMP_ACT_{action}", "defaultErrnoRet": 5}
        rt.refuse(bundle, "defaultErrnoRet")


@pytest.mark.peer(crun="no check", runc="no check")
@pytest.mark.parametrize("value", [4096, 65536, -1, "EPERM", 1.5])
def test_sec_2_an_errno_that_is_none_is_refused(rt, bundle, value):
    bundle.linux["seccomp"] = allow_all_but(rule("personality", errnoRet=value))
    rt.refuse(bundle, "errnoRet")


def test_sec_1_rules_of_several_calls_do_not_disturb_each_other(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(
        rule("getppid", errnoRet=77, args=[{"index": 0, "value": 3, "op": "SCMP_CMP_EQ"}]),
        rule("getpgid", errnoRet=71), rule("personality", action="SCMP_ACT_LOG"))
    one, two, three, four = rt.answers(bundle, ("syscall", GETPPID, 3), ("syscall", GETPPID, 4), ("syscall", GETPGID), ("syscall", PERSONALITY, "0xffffffff"))
    assert [one["errno"], two["errno"], three["errno"], four["errno"]] == ["EBADFD", "", "EPROTO", ""]


def test_sec_8_waiting_killable_without_a_listener(rt, bundle):
    bundle.linux["seccomp"] = allow_all_but(rule("personality"), flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
    if rt.name != "skiff":
        pytest.skip("Debian's do not know it")
    assert rt.answers(bundle, ("syscall", PERSONALITY))[0]["errno"] == "EPERM"


@pytest.mark.skiff_only
def test_sec_9_notify_as_the_default_is_refused(rt, bundle):
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/x"}
    rt.refuse(bundle, "defaultAction", "SCMP_ACT_NOTIFY")


@pytest.mark.parametrize("flags", [["SECCOMP_FILTER_FLAG_LOG"], ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"], ["SECCOMP_FILTER_FLAG_TSYNC"]])
@pytest.mark.peer(runc="Debian's knows LOG and TSYNC only")
def test_sec_8_flags(rt, bundle, flags):
    bundle.linux["seccomp"] = allow_all_but(rule("personality"), flags=flags)
    assert rt.answers(bundle, ("syscall", PERSONALITY))[0]["errno"] == "EPERM"


@pytest.mark.parametrize("no_new_privileges", [True, False])
def test_sec_13_a_profile_that_forbids_what_the_runtime_itself_needs(rt, bundle, no_new_privileges):
    """With no_new_privs the filter comes last; without, it must allow what follows it, and setting ids is before."""
    bundle.process["noNewPrivileges"] = no_new_privileges
    bundle.process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [5]}
    names = ["mount", "umount2", "pivot_root", "sethostname", "unshare", "setns", "mknodat", "chroot", "fsopen", "move_mount", "clone3"]
    if no_new_privileges:
        names += ["capset", "setresuid", "setuid", "setgroups", "setgid", "setresgid"]
    bundle.linux["seccomp"] = allow_all_but(rule(*names))
    if rt.name != "skiff" and no_new_privileges:
        rt.lacks("loads the filter too early")
    assert rt.report(bundle)["uids"] == [1000] * 3


@pytest.mark.parametrize("engine", ["docker", "podman", "containerd-seccomp"])
def test_profiles_of_engines_hold_and_let_work(rt, bundle, engine):
    config = json.loads((PROJECT / f"Tests/Fixtures/engine-configs/{engine}.json").read_text())
    bundle.linux["seccomp"] = config["linux"]["seccomp"]
    bundle.capabilities("CAP_CHOWN", "CAP_KILL")
    report, kexec, bpf, handle = rt.answers(bundle, "report", ("syscall", 246), ("syscall", 321), ("open-by-handle", "/"))
    assert report["status"]["Seccomp"] == "2"
    for refused in (kexec, bpf, handle):
        assert refused["errno"] in ("EPERM", "ENOSYS"), refused


@pytest.mark.skiff_only
def test_a_cached_program_filters_the_same(rt, bundle, make_bundle):
    for _ in range(2):
        bundle = make_bundle()
        bundle.linux["seccomp"] = allow_all_but(rule("getppid", errnoRet=77, args=[{"index": 0, "value": 9, "op": "SCMP_CMP_EQ"}]))
        answers = rt.answers(bundle, ("syscall", GETPPID, 9), ("syscall", GETPPID, 8))
        assert [a["errno"] == "EBADFD" for a in answers] == [True, False]
