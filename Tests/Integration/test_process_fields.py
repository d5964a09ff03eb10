"""Fields of `process` for the first process and those of exec: umask, limits, scheduling, affinity, labels (PRC-*), names,
personality (HST-*, PERS-*)."""

import os
import signal
from pathlib import Path

import pytest

from skifftest import host

TYPES = ["AS", "CORE", "CPU", "DATA", "FSIZE", "LOCKS", "MEMLOCK", "MSGQUEUE", "NICE", "NOFILE", "NPROC", "RSS", "RTPRIO",
         "RTTIME", "SIGPENDING", "STACK"]


# ---- umask ----

def test_prc_10_without_one_the_callers_umask_is_kept(rt, bundle):
    if rt.name != "skiff":
        pytest.skip("peers set one of their own")
    assert rt.report(bundle, preexec=lambda: os.umask(0o053))["umask"] == 0o053


def test_prc_10_exec_has_the_umask_of_the_configuration(rt, bundle):
    bundle.process["user"]["umask"] = 0o027
    with rt.sleeping(bundle) as container:
        assert container.probe("report")[0]["umask"] == 0o027


@pytest.mark.skiff_only
@pytest.mark.parametrize("value", [0o1000, -1, "022"])
def test_prc_10_a_wrong_umask_is_refused(rt, bundle, value):
    bundle.process["user"]["umask"] = value
    rt.refuse(bundle, "umask")


# ---- limits ----

@pytest.mark.parametrize("name", TYPES)
def test_prc_11_every_type_of_limit(rt, bundle, name):
    soft, hard = {"NICE": (1, 2), "RTPRIO": (1, 2)}.get(name, (1 << 33, 1 << 34))
    if name in ("NPROC", "SIGPENDING", "LOCKS", "NOFILE", "MSGQUEUE", "MEMLOCK"):
        soft, hard = 300, 400
    import resource
    number = getattr(resource, f"RLIMIT_{name}", 10)
    if 0 <= resource.prlimit(0, number)[1] < hard and not host.has_capability(24):
        pytest.skip("the machine's own limit is lower")
    bundle.process["rlimits"] = [{"type": f"RLIMIT_{name}", "soft": soft, "hard": hard}]
    assert rt.report(bundle)["rlimits"][name] == [soft, hard]


@pytest.mark.skiff_only
def test_prc_11_duplicates_for_exec_are_refused(rt, bundle):
    with rt.sleeping(bundle) as container:
        result = container.exec_process({"rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}] * 2})
        result.failed("rlimits[1]", "occurs twice")


# ---- scheduling ----

@pytest.mark.skiff_only
@pytest.mark.parametrize("given, policy, nice, priority, flags", [
    ({"policy": "SCHED_OTHER", "nice": 5}, 0, 5, 0, 0),
    ({"policy": "SCHED_BATCH", "nice": -3}, 3, -3, 0, 0),
    ({"policy": "SCHED_IDLE"}, 5, 0, 0, 0),
    ({"policy": "SCHED_FIFO", "priority": 7}, 1, 0, 7, 0),
    ({"policy": "SCHED_RR", "priority": 1, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}, 2, 0, 1, 1),
    ({"policy": "SCHED_OTHER", "flags": []}, 0, 0, 0, 0),
])
def test_prc_20_policies(rt, bundle, given, policy, nice, priority, flags):
    bundle.process["scheduler"] = given
    result = rt.run(bundle.probe("report"))
    if policy in (1, 2) and result.code and "EPERM" in result.err:
        result.failed("set the scheduler", "sched_setattr(2)")
        pytest.skip("the kernel gives this cgroup no real-time bandwidth")
    sched = result.ok().first("report")["sched"]
    assert (sched["policy"], sched["priority"], sched["flags"]) == (policy, priority, flags)
    assert sched["nice"] == nice


@pytest.mark.skiff_only
def test_prc_20_deadline_works_or_says_which_call_refused(rt, bundle):
    bundle.process["scheduler"] = {"policy": "SCHED_DEADLINE", "runtime": 1000000, "deadline": 10000000, "period": 10000000}
    result = rt.run(bundle.probe("report"))
    if result.code:
        result.failed("set the scheduler", "sched_setattr(2)")
    else:
        assert result.first("report")["sched"]["policy"] == 6


@pytest.mark.skiff_only
@pytest.mark.parametrize("given, words", [
    ({"policy": "SCHED_OTHER", "nice": 20}, ["scheduler.nice", "-20 and 19"]),
    ({"policy": "SCHED_OTHER", "priority": 1}, ["scheduler.priority", "only for SCHED_FIFO and SCHED_RR"]),
    ({"policy": "SCHED_FIFO", "priority": 0}, ["scheduler.priority", "1 and 99"]),
    ({"policy": "SCHED_FIFO", "priority": 100}, ["scheduler.priority", "1 and 99"]),
    ({"policy": "SCHED_BATCH", "runtime": 5}, ["scheduler", "only for SCHED_DEADLINE"]),
    ({"policy": "SCHED_DEADLINE"}, ["scheduler", "0 < runtime"]),
    ({"policy": "SCHED_DEADLINE", "runtime": 9, "deadline": 8}, ["scheduler", "runtime <= deadline"]),
    ({"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_FOO"]}, ["scheduling flag", "SCHED_FLAG_FOO"]),
    ({"nice": 1}, ["scheduler", "policy", "required"]),
])
def test_prc_20_wrong_combinations_are_refused(rt, bundle, given, words):
    bundle.process["scheduler"] = given
    rt.refuse(bundle, *words)


@pytest.mark.skiff_only
@pytest.mark.parametrize("name, number, level", [("IOPRIO_CLASS_RT", 1, 0), ("IOPRIO_CLASS_BE", 2, 7), ("IOPRIO_CLASS_IDLE", 3, 0)])
def test_prc_21_classes(rt, bundle, name, number, level):
    bundle.process["ioPriority"] = {"class": name, "priority": level}
    sched = rt.report(bundle)["sched"]
    assert (sched["ioprio_class"], sched["ioprio_level"]) == (number, level)


@pytest.mark.skiff_only
@pytest.mark.parametrize("given, words", [
    ({"class": "IOPRIO_CLASS_BE", "priority": 8}, ["ioPriority.priority", "0 and 7"]),
    ({"class": "IOPRIO_CLASS_BE", "priority": -1}, ["ioPriority.priority", "0 and 7"]),
    ({"class": "IOPRIO_CLASS_NONE", "priority": 1}, ["I/O", "IOPRIO_CLASS_NONE"]),
    ({"priority": 1}, ["ioPriority", "class", "required"]),
])
def test_prc_21_wrong_values_are_refused(rt, bundle, given, words):
    bundle.process["ioPriority"] = given
    rt.refuse(bundle, *words)


@pytest.mark.skiff_only
def test_prc_20_21_exec_is_scheduled_as_the_container_or_as_its_document_says(rt, bundle):
    bundle.process.update(scheduler={"policy": "SCHED_BATCH", "nice": 4}, oomScoreAdj=321,
                          ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6})
    with rt.sleeping(bundle) as container:
        plain = container.probe("report")[0]
        file = container.exec_process({}).ok().first("report")
        own = container.exec_process({"scheduler": {"policy": "SCHED_IDLE"}, "oomScoreAdj": 400}).ok().first("report")
    for report in (plain, file):
        sched = report["sched"]
        assert (sched["policy"], sched["nice"], sched["ioprio_class"], sched["ioprio_level"]) == (3, 4, 2, 6)
        assert report["oom_score_adj"].strip() == "321"
        assert report["rlimits"]["NOFILE"] == [1024, 1024]
    assert own["sched"]["policy"] == 5 and own["oom_score_adj"].strip() == "400"


# ---- affinity of exec ----

needs_two = pytest.mark.processors


@needs_two
@pytest.mark.skiff_only
@pytest.mark.parametrize("given, expected", [
    ({"final": "1"}, [1]), ({"initial": "0", "final": "1"}, [1]), ({"initial": "1"}, None), ({"final": "0-1"}, [0, 1]),
    ({"final": "0,1"}, [0, 1]), ({}, None),
])
def test_prc_22_affinity_of_exec(rt, bundle, given, expected):
    bundle.process["execCPUAffinity"] = given
    everything = sorted(os.sched_getaffinity(0))
    with rt.sleeping(bundle) as container:
        assert sorted(os.sched_getaffinity(container.pid)) == everything, "the first process is not affected"
        plain = container.probe("report")[0]["sched"]["affinity"]
        file = container.exec_process({}).ok().first("report")["sched"]["affinity"]
    assert plain == file == (expected or everything)


@needs_two
@pytest.mark.skiff_only
def test_prc_22_the_document_of_exec_wins(rt, bundle):
    bundle.process["execCPUAffinity"] = {"final": "0"}
    with rt.sleeping(bundle) as container:
        result = container.exec_process({"execCPUAffinity": {"final": "1"}}).ok()
    assert result.first("report")["sched"]["affinity"] == [1]


@pytest.mark.skiff_only
@pytest.mark.parametrize("key", ["initial", "final"])
@pytest.mark.parametrize("value", ["", "a", "1-", "3-1", "0,,1", "-1", "99999"])
def test_prc_22_a_wrong_list_is_refused(rt, bundle, key, value):
    bundle.process["execCPUAffinity"] = {key: value}
    if value == "":
        rt.report(bundle)
        return
    if value == "99999":
        with rt.sleeping(bundle) as container:
            container.exec("/bin/true").failed(f"execCPUAffinity.{key}", "below 8192")
        return
    rt.refuse(bundle, f"execCPUAffinity.{key}", "0-3,7")


# ---- signals and affinity of the caller ----

def test_prc_26_signals_are_reset_for_exec(rt, bundle):
    def ignore():
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])

    with rt.sleeping(bundle) as container:
        report = container.exec("/bin/probe", "report", preexec=ignore).ok().first("report")
    assert report["blocked"] == [] and report["pdeathsig"] == 0
    if rt.name == "skiff":
        assert report["ignored"] == []


@needs_two
@pytest.mark.skiff_only
def test_prc_28_affinity_of_the_caller_of_exec(rt, bundle):
    with rt.sleeping(bundle) as container:
        result = container.exec("/bin/probe", "report", preexec=lambda: os.sched_setaffinity(0, {0})).ok()
    assert result.first("report")["sched"]["affinity"] == sorted(os.sched_getaffinity(0))


@needs_two
@pytest.mark.skiff_only
def test_prc_28_a_cpuset_is_what_the_program_gets(rt, bundle):
    bundle.linux["resources"]["cpu"] = {"cpus": "1"}
    result = rt.run(bundle.probe("report"), preexec=lambda: os.sched_setaffinity(0, {0}))
    if result.code and "cpuset" in result.err:
        pytest.skip("no cpuset controller in this view")
    assert result.ok().first("report")["sched"]["affinity"] == [1]


# ---- labels ----

@pytest.mark.skiff_only
def test_prc_18_an_selinux_label(rt, bundle):
    label = "system_u:system_r:container_t:s0"
    bundle.process["selinuxLabel"] = label
    if not Path("/sys/fs/selinux/enforce").exists():
        rt.refuse(bundle, label, "SELinux is not enabled")
        return
    assert rt.answers(bundle, ("read", "/proc/self/attr/current"))[0]["text"].rstrip("\0\n") == label


@pytest.mark.skiff_only
@pytest.mark.parametrize("key, words", [("selinuxLabel", ["SELinux is not enabled"]), ("apparmorProfile", ["AppArmor is not enabled"])])
@pytest.mark.applies(not Path("/sys/fs/selinux/enforce").exists() and not Path("/sys/module/apparmor/parameters/enabled").exists())
def test_prc_17_18_labels_for_exec(rt, bundle, key, words):
    with rt.sleeping(bundle) as container:
        container.exec_process({key: "a:b:c:s0"}).failed(*words)


@pytest.mark.skiff_only
def test_prc_17_the_profile_unconfined_needs_no_apparmor(rt, bundle):
    bundle.process["apparmorProfile"] = "unconfined"
    rt.report(bundle)


# ---- terminal ----

@pytest.mark.skiff_only
@pytest.mark.parametrize("size, field", [({"height": 65536, "width": 1}, "consoleSize.height"), ({"height": 1, "width": -1}, "width")])
def test_prc_4_a_size_that_no_terminal_has_is_refused(rt, bundle, size, field):
    bundle.process["consoleSize"] = size
    rt.refuse(bundle, field)


# ---- names and personality ----

@pytest.mark.skiff_only
def test_hst_2_domainname(rt, bundle):
    before = Path("/proc/sys/kernel/domainname").read_text()
    bundle.config["domainname"] = "d" * 64
    with rt.sleeping(bundle) as container:
        assert container.probe("report")[0]["domainname"] == "d" * 64
    assert Path("/proc/sys/kernel/domainname").read_text() == before
    bundle.config["domainname"] = "d" * 65
    rt.refuse(bundle, "domainname", "64 bytes")


@pytest.mark.skiff_only
@pytest.mark.parametrize("domain, number, machine", [("LINUX", 0, os.uname().machine), ("LINUX32", 8, "i686")])
def test_pers_1_exec_is_equal(rt, bundle, domain, number, machine):
    bundle.linux["personality"] = {"domain": domain}
    with rt.sleeping(bundle) as container:
        report = container.probe("report")[0]
    assert report["personality"] & 0xFF == number and report["machine"] == machine
