"""list, ps, and verbs over several containers (CLI-5, CLI-6, CLI-8, CLI-9, CLI-15)."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from skifftest.process import until
from test_names import Named

skiff_only = pytest.mark.skiff_only


def test_cli_8_list_has_every_field_of_runc(rt, bundle):
    with rt.sleeping(bundle) as c:
        (row,) = rt("list", "--format", "json").ok().json
        assert row["id"] == c.id and row["pid"] == c.pid and row["status"] == "running" and row["bundle"] == str(bundle.path)
        assert {"ociVersion", "id", "pid", "status", "bundle", "rootfs", "created", "owner"} <= set(row) or rt.name == "crun"
        lines = rt("list").ok().out.splitlines()
        assert len(lines) == 2 and c.id in lines[1] and str(c.pid) in lines[1] and "running" in lines[1]
        assert rt("list", "--quiet").ok().out == f"{c.id}\n"


@pytest.mark.parametrize("broken", ["empty", "no-state", "garbage", "link", "file", "unfinished"])
@pytest.mark.peer(crun="fails for some", runc="another state file")
def test_cli_8_list_survives_broken_entries(rt, bundle, broken):
    with rt.sleeping(bundle) as c:
        place = rt.root / "broken"
        if broken == "file":
            place.write_text("x")
        elif broken == "link":
            place.symlink_to("/etc")
        else:
            place.mkdir()
            if broken == "garbage":
                (place / "state.json").write_text("{nonsense")
            elif broken == "empty":
                (place / "state.json").write_text("")
            elif broken == "unfinished":
                shutil.copy(rt.root / c.id / "config.json", place)
        for format in ("table", "json"):
            result = rt("list", "--format", format).ok()
            assert c.id in result.out
        assert [row["id"] for row in rt("list", "-f", "json").json] == [c.id]
        assert c.id in rt("list", "-q").ok().out.splitlines()
        if broken not in ("file", "link"):
            rt("delete", "--force", "broken").ok()
            assert not place.exists()
        else:
            place.unlink()


def test_cli_8_a_missing_root_holds_no_containers(rt):
    if rt.name == "runc":
        pytest.skip("takes it for a mistake")
    assert rt("list", "-q").ok().out == ""
    assert len(rt("list").ok().out.splitlines()) == 1
    if rt.name == "skiff":
        assert not rt.root.exists(), "looking makes nothing"


@skiff_only
def test_cli_8_under_runcs_name_a_missing_root_that_was_named_is_a_mistake(rt):
    Named(rt, "runc")("list").failed("no such file or directory", code=1)


@skiff_only
@pytest.mark.parametrize("name, heading", [("runc", r"ID +PID +STATUS +BUNDLE +CREATED +OWNER"), ("crun", r"NAME +PID +STATUS +BUNDLE PATH +CREATED +OWNER")])
def test_cli_8_headings_under_other_names(rt, bundle, name, heading):
    with rt.sleeping(bundle) as c:
        lines = Named(rt, name)("list").ok().out.splitlines()
        assert re.fullmatch(heading, lines[0]) and lines[1].startswith(c.id)


def test_cli_9_ps_knows_processes_of_nested_cgroups_and_of_exec(rt, bundle):
    with rt.sleeping(bundle) as c:
        rt("exec", "--detach", c.id, "/bin/sleep", "100").ok()
        pids = rt("ps", "--format", "json", c.id).ok().json
        assert c.pid in pids and len(pids) == 2


@pytest.mark.peer(crun="takes no options")
@pytest.mark.skipif(not shutil.which("ps"), reason="no ps(1)")
def test_cli_9_ps_with_options_of_ps(rt, bundle):
    with rt.sleeping(bundle) as c:
        lines = rt("ps", c.id, "-e", "-o", "pid,comm").ok().out.splitlines()
        assert lines[0].split() == ["PID", "COMMAND"] and [int(line.split()[0]) for line in lines[1:]] == [c.pid]
        assert rt("ps", c.id, "-e", "-x").ok().out.split()[:5] == ["PID", "TTY", "STAT", "TIME", "COMMAND"]
        rt("ps", c.id, "-e", "-o", "comm").failed("PID")
        rt("ps", c.id, "--nosuch").failed("ps")
        rt("ps", "--format", "xml", c.id).failed("xml" if rt.name == "skiff" else "")


@skiff_only
@pytest.mark.skipif(not shutil.which("ps"), reason="no ps(1)")
def test_cli_9_ps_under_other_names(rt, bundle):
    as_runc, as_crun = Named(rt, "runc"), Named(rt, "crun")
    c = rt.create(bundle.probe("sleep"))
    c.start()
    pid = c.pid
    assert re.match(r"UID +PID +PPID +C +STIME +TTY +TIME +CMD", as_runc("ps", c.id).ok().out)
    assert as_crun("ps", c.id).ok().out == f"PID\n{pid}\n"
    c.kill("KILL").ok()
    c.wait_stopped()
    assert len(as_runc("ps", c.id).ok().out.splitlines()) == 1 and as_runc("ps", "-f", "json", c.id).ok().json == []
    rt("ps", c.id).failed("not running")
    c.delete().ok()


@skiff_only
def test_cli_9_ps_without_the_program_ps(rt, bundle):
    with rt.sleeping(bundle) as c:
        env = {**rt.env, "PATH": "/nonexistent"}
        assert str(c.pid) in rt("ps", c.id, env=env).ok().out
        rt("ps", c.id, "-ef", env=env).failed("procps")


@pytest.mark.peer(runc="has no such option")
def test_cli_5_kill_of_all_whose_names_match(rt, bundle, make_bundle):
    made = []
    for prefix in ("one", "two", "other"):
        b = make_bundle().probe("sleep")
        made.append(rt.create(b, id=f"{prefix}-{rt.new_id()}"))
        made[-1].start()
    rt("kill", "--regex", "^(one|two)-", "KILL").ok()
    for c in made[:2]:
        c.wait_stopped()
    assert made[2].status == "running"
    rt("delete", "--regex", "^(one|two)-").ok()
    assert rt("list", "-q").ok().out.split() == [made[2].id]
    rt("delete", "--force", "--regex", ".").ok()
    assert rt("list", "-q").ok().out == ""


@skiff_only
def test_cli_6_delete_by_expression_goes_on_after_a_failure(rt, bundle, make_bundle):
    running = rt.create(bundle.probe("sleep"), id=f"a-{rt.new_id()}")
    running.start()
    other = rt.create(make_bundle().probe("sleep"), id=f"b-{rt.new_id()}")
    rt("delete", "--regex", ".").failed(running.id, "running", code=1)
    assert rt("list", "-q").ok().out.split() == [running.id]
    Named(rt, "crun")("delete", "--regex", "^b").ok()
    rt("delete", "--regex", "(").failed("regular expression", code=2)
    running.remove()
    assert other.delete().code == 1


@pytest.mark.parametrize("word", ["0", "9", "KILL", "kill", "SIGKILL", "sigkill", "RTMIN+1", "SIGRTMAX-1"])
@pytest.mark.peer(crun="fewer spellings", runc="fewer spellings")
def test_cli_5_spellings_of_signals(rt, bundle, word):
    c = rt.create(bundle.probe("sleep"))
    c.start()
    c.kill(word).ok()
    if word.lower().endswith(("kill", "9")):
        c.wait_stopped()
        c.kill("0").failed("not running")
        rt("kill", "--all", c.id, "0").ok()
        c.delete().ok()
    else:
        c.remove()


@skiff_only
def test_cli_15_spec_into_another_file(rt, scratch):
    rt("spec", "--bundle", scratch, "--file", "other.json").ok()
    assert json.loads((scratch / "other.json").read_text())["ociVersion"]
    (scratch / "other.json").write_text("old")
    rt("spec", "--bundle", scratch, "--file", "other.json").ok()
    assert json.loads((scratch / "other.json").read_text())
    assert not (scratch / "config.json").exists()


def test_cli_15_spec_refuses_to_overwrite(rt, scratch):
    (scratch / "config.json").write_text("mine")
    rt("spec", cwd=scratch).failed("config.json")
    assert (scratch / "config.json").read_text() == "mine"
