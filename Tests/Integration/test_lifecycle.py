"""create, start, state, kill, delete and what may follow what (LIFE-*, BND-6, ANN-*)."""

import os
import re
import signal
import threading
from pathlib import Path

import pytest



def test_life_1_create_prepares_everything_but_does_not_run_the_program(rt, bundle):
    bundle.writable().probe(("write", "/ran", "x"), ("echo", "ready"))
    c = rt.create(bundle)
    state = c.state()
    assert state["status"] == "created"
    assert not (bundle.rootfs / "ran").exists()
    assert os.readlink(f"/proc/{state['pid']}/ns/mnt") != os.readlink("/proc/self/ns/mnt")
    assert "/bin/probe" not in os.readlink(f"/proc/{state['pid']}/exe")
    c.start()
    c.wait_stopped()
    assert (bundle.rootfs / "ran").exists()
    c.remove()


def test_life_1_program_is_first_process_of_its_namespace(rt, bundle):
    assert rt.report(bundle)["pid"] == 1


def test_bnd_6_changing_the_configuration_after_create_changes_nothing(rt, bundle):
    c = rt.create(bundle.probe(("echo", "first")))
    bundle.probe(("echo", "second")).write()
    c.start()
    c.wait_stopped()
    assert [line["text"] for line in c.lines] == ["first"]
    c.remove()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "/a", "a b", "a\nb", "ä", "a:b", "a" * 2000, "a@b", "a;b"])
@pytest.mark.skiff_only
def test_life_2_invalid_ids_are_refused(rt, bundle, name):
    before = os.listdir(rt.root.parent)
    bundle.write()
    result = rt("create", "--bundle", bundle.path, name)
    if result.code == 0:
        rt("delete", "--force", name)
    result.failed()
    assert not rt.root.is_dir() or os.listdir(rt.root) == []
    assert {n for n in os.listdir(rt.root.parent) if not n.startswith(("out.", "err.", "state"))} == \
        {n for n in before if not n.startswith(("out.", "err.", "state"))}


@pytest.mark.parametrize("suffix", ["A", "z9", "_", "+", ".", "-", "a.b_c+d-e"])
def test_life_2_valid_ids_are_accepted(rt, bundle, suffix):
    assert rt.run(bundle.probe(("echo", "x")), id=rt.new_id() + suffix).ok().lines


def test_life_2_a_second_container_of_the_same_id_is_refused_and_the_first_lives_on(rt, bundle, make_bundle):
    with rt.sleeping(bundle) as c:
        other = make_bundle().write()
        rt("create", "--bundle", other.path, c.id).failed("exist")
        assert c.status == "running"
        assert c.probe(("echo", "alive"))[0]["text"] == "alive"


def test_life_2_of_concurrent_creates_of_one_id_exactly_one_wins(rt, bundle):
    bundle.probe("sleep").write()
    name = rt.new_id()
    for count in (6, 50):
        racing = [rt.background("create", "--bundle", bundle.path, name) for _ in range(count)]
        codes = [r.wait(60).code for r in racing]
        assert codes.count(0) == 1, codes
        assert rt("state", name).ok().json["status"] == "created"
        if count == 6:
            rt("delete", "--force", name).ok()
    assert rt("state", name).ok().json["status"] == "created"
    rt("delete", "--force", name).ok()


def test_life_4_start_works_once(rt, bundle):
    with rt.sleeping(bundle) as c:
        rt("start", c.id).failed()
        assert c.status == "running"
        c.kill("KILL").ok()
        c.wait_stopped()
        rt("start", c.id).failed()
        assert c.status == "stopped"


def test_life_4_start_of_an_unknown_container_fails(rt):
    rt("start", rt.new_id()).failed("not exist")


def test_life_4_start_is_silent(rt, bundle):
    c = rt.create(bundle.probe("sleep"))
    result = c.start()
    assert (result.out, result.err) == ("", "")
    c.remove()


@pytest.mark.peer(crun="knows upper case only")
@pytest.mark.parametrize("spelling", ["TERM", "SIGTERM", "15", "term"])
def test_life_5_signals_are_spelled_in_every_usual_way(rt, bundle, spelling):
    with rt.container(bundle.probe(("trap", "0"))) as c:
        c.wait_text("ready")
        c.kill(spelling).ok()
        c.wait_stopped()
        assert c.lines[-1]["signal"] == 15


def test_life_5_default_signal_is_term(rt, bundle):
    with rt.container(bundle.probe(("trap", "0"))) as c:
        c.wait_text("ready")
        rt("kill", c.id).ok()
        c.wait_stopped()
        assert c.lines[-1]["signal"] == 15


@pytest.mark.parametrize("number", [10, 34, 64])
def test_life_5_real_time_and_user_signals_arrive(rt, bundle, number):
    with rt.container(bundle.probe(("trap", "0"))) as c:
        c.wait_text("ready")
        c.kill(number).ok()
        c.wait_stopped()
        assert c.lines[-1]["signal"] == number


@pytest.mark.skiff_only
def test_life_5_real_time_signals_by_name(rt, bundle):
    with rt.container(bundle.probe(("trap", "0"))) as c:
        c.wait_text("ready")
        c.kill("RTMIN+3").ok()
        c.wait_stopped()
        assert c.lines[-1]["signal"] == signal.SIGRTMIN + 3


@pytest.mark.parametrize("wrong", ["NOSUCH", "99", "-1", "9x"])
@pytest.mark.peer(crun="takes some numbers out of range", runc="takes numbers out of range")
def test_life_5_unknown_signals_are_refused(rt, bundle, wrong):
    with rt.sleeping(bundle) as c:
        rt("kill", c.id, wrong).failed()
        assert c.status == "running"


@pytest.mark.skiff_only
def test_an_empty_word_is_no_signal(rt, bundle):
    with rt.sleeping(bundle) as c:
        rt("kill", c.id, "").failed()
        assert c.status == "running"


def test_life_5_kill_of_a_stopped_container_fails(rt, bundle):
    c = rt.create(bundle.probe(("echo", "x")))
    c.start()
    c.wait_stopped()
    killed = c.kill("KILL")
    c.remove()
    killed.failed("not running")


def test_life_5_kill_of_a_created_container_ends_it(rt, bundle):
    c = rt.create(bundle.probe("sleep"))
    c.kill("KILL").ok()
    c.wait_stopped()
    c.delete().ok()


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "ABRT"])
@pytest.mark.peer(crun="its init is the first process of its namespace, which ignores them", runc="some")
def test_life_5_a_signal_that_ends_processes_ends_a_created_container(rt, bundle, name):
    c = rt.create(bundle.probe("sleep"))
    c.kill("USR1").ok()
    assert c.status == "created"
    c.kill(name).ok()
    c.wait_stopped()
    c.delete().ok()


@pytest.mark.skiff_only
def test_a_created_container_in_the_hosts_pid_namespace_heeds_signals(rt, bundle):
    c = rt.create(bundle.without_namespace("pid").probe("sleep"))
    c.kill("TERM").ok()
    c.wait_stopped()
    c.delete().ok()


def test_life_6_delete_of_a_running_container_is_refused(rt, bundle):
    with rt.sleeping(bundle) as c:
        c.delete().failed()
        assert c.status == "running"


def test_life_6_delete_force_ends_a_running_container(rt, bundle):
    c = rt.create(bundle.probe(("trap", "0")))
    c.start()
    c.delete("--force").ok()
    rt("state", c.id).failed()


def test_cli_6_delete_of_an_unknown_container_fails_but_succeeds_with_force(rt):
    rt("delete", rt.new_id()).failed("not exist")
    result = rt("delete", "--force", rt.new_id()).ok()
    assert result.out == ""


def test_life_6_delete_of_a_created_container_works(rt, bundle):
    c = rt.create(bundle)
    c.delete().ok() if rt.name == "skiff" else c.delete("--force").ok()
    rt("state", c.id).failed()


def test_life_7_the_id_is_free_after_delete(rt, bundle):
    name = rt.new_id()
    for _ in range(2):
        c = rt.create(bundle.probe(("echo", "x")), id=name)
        c.start()
        c.wait_stopped()
        c.remove()


def test_life_7_delete_ends_processes_that_the_program_left(rt, bundle):
    bundle.without_namespace("pid").probe(("orphans", "3"), ("echo", "ready"))
    with rt.container(bundle) as c:
        c.wait_text("ready")
    # nothing_left_behind looks for the orphans


def test_life_8_state_of_an_unknown_container_fails_and_makes_nothing(rt):
    rt("state", rt.new_id()).failed("not exist", code=1)
    assert not rt.root.is_dir() or os.listdir(rt.root) == []


def test_life_9_state_has_what_the_specification_asks_for(rt, bundle):
    bundle.config["annotations"] = {"org.example.key": "value", "empty": ""}
    c = rt.create(bundle.probe("sleep"))
    result = rt("state", c.id).ok()
    state = result.json
    assert result.err == ""
    assert re.fullmatch(r"1\.\d+\.\d+(-dev)?", state["ociVersion"])
    assert state["id"] == c.id
    assert state["status"] == "created"
    assert isinstance(state["pid"], int) and Path(f"/proc/{state['pid']}").exists()
    assert state["bundle"] == str(bundle.path)
    assert state["annotations"]["org.example.key"] == "value"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", state["created"])
    assert isinstance(state["owner"], str)
    c.start()
    assert c.status == "running"
    c.kill("KILL").ok()
    c.wait_stopped()
    state = c.state()
    assert state["status"] == "stopped" and state.get("pid", 0) == 0
    c.delete().ok()


def test_life_9_the_bundle_is_absolute_when_given_relative(rt, bundle):
    bundle.probe("sleep").write()
    name = rt.new_id()
    rt("create", "--bundle", bundle.path.name, name, cwd=bundle.path.parent).ok()
    assert rt("state", name).ok().json["bundle"] == str(bundle.path)
    rt("delete", "--force", name).ok()


def test_life_9_the_bundle_defaults_to_the_current_directory(rt, bundle):
    bundle.probe(("echo", "here")).write()
    name = rt.new_id()
    rt("create", name, cwd=bundle.path).ok()
    assert rt("state", name).ok().json["bundle"] == str(bundle.path)
    rt("delete", "--force", name).ok()


def test_life_10_a_zombie_counts_as_stopped(rt, bundle):
    c = rt.create(bundle.probe(("exit", "3")))
    pid = c.pid
    c.start()
    # The program's parent is this test run, which has not waited for it.
    def ended():
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    deadline = threading.Event()
    for _ in range(500):
        if ended():
            break
        deadline.wait(0.005)
    assert ended()
    state = c.state()
    assert state["status"] == "stopped" and state.get("pid", 0) == 0
    c.delete().ok()


@pytest.mark.skiff_only
def test_life_10_a_state_entry_never_speaks_for_a_reused_pid(rt, bundle, scratch):
    with rt.sleeping(bundle) as c:
        # The same entry with the pid of another process, as after a wrap of pids: start time does not fit.
        real = str(c.pid)
        states = [p for p in rt.root.rglob("*.json") if c.id in str(p)]
        entry = next(p for p in states if re.search(rf"\b{real}\b", p.read_text()))
        text = entry.read_text()
        other = os.getpid()
        entry.write_text(re.sub(rf"\b{real}\b", str(other), text))
        assert rt("state", c.id).ok().json["status"] == "stopped"
        c.kill("CONT").failed()
        entry.write_text(text)
        assert c.status == "running"


def test_life_14_a_container_is_reached_from_another_directory_and_environment(rt, bundle):
    with rt.sleeping(bundle) as c:
        result = rt("state", c.id, cwd="/", env={"PATH": "/usr/bin:/bin"}).ok()
        assert result.json["status"] == "running"


@pytest.mark.peer(crun="an error of its own making")
def test_prc_1_start_without_a_process_fails_and_the_container_can_be_deleted(rt, bundle):
    del bundle.config["process"]
    name = rt.new_id()
    bundle.write()
    created = rt("create", "--bundle", bundle.path, name)
    if created.code == 0:  # 'process' is required from start on; create may ask for it already
        rt("start", name).failed("process")
        rt("delete", "--force", name).ok()
    else:
        created.failed("process")


def test_ann_2_unknown_annotations_are_shown_and_change_nothing(rt, bundle):
    bundle.config["annotations"] = {f"com.example.{n}": "v" * n for n in range(20)}
    c = rt.create(bundle.probe("sleep"))
    assert c.state()["annotations"] == bundle.config["annotations"]
    c.remove()


@pytest.mark.parametrize("annotations", [{"": "x"}, {"k": 1}, ["k"]])
@pytest.mark.peer(crun="no check", runc="no check of empty keys")
def test_ann_1_invalid_annotations_are_refused(rt, bundle, annotations):
    bundle.config["annotations"] = annotations
    rt.refuse(bundle, "annotations")


@pytest.mark.skiff_only
@pytest.mark.parametrize("after_ms", [0, 1, 2, 3, 4, 6, 8])
def test_life_12_a_killed_create_leaves_what_delete_force_clears(rt, bundle, after_ms):
    bundle.probe("sleep").write()
    name = rt.new_id()
    running = rt.background("create", "--bundle", bundle.path, name)
    threading.Event().wait(after_ms / 1000)
    running.stop()
    rt("delete", "--force", name).ok()
    assert rt("state", name).code != 0


def test_life_13_concurrent_verbs_on_one_container_never_misreport(rt, bundle):
    with rt.sleeping(bundle) as c:
        pid = c.pid
        rounds = [[rt.background("state", c.id), rt.background("exec", c.id, "/bin/true"),
                   rt.background("kill", c.id, "CONT")] for _ in range(5)]
        for states, execs, kills in rounds:
            assert states.wait().ok().json["pid"] == pid
            execs.wait().ok()
            kills.wait().ok()
