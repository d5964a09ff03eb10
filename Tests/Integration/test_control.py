"""list, ps, kill --all, pause and resume (CLI-5, CLI-8, CLI-9, CLI-10)."""

import json
import re
from pathlib import Path

import pytest

from skifftest.process import until


def test_cli_8_list_shows_containers_and_survives_a_broken_entry(rt, bundle):
    with rt.sleeping(bundle) as c:
        broken = rt.root / "broken"
        broken.mkdir()
        (broken / "state.json").write_text("{")
        found = rt("list", "--format", "json").ok().json
        mine = [e for e in found if e["id"] == c.id]
        assert len(mine) == 1 and mine[0]["status"] == "running" and mine[0]["pid"] == c.pid
        (broken / "state.json").unlink()
        broken.rmdir()
        assert rt("list", "-q").ok().out.split() == [c.id]
        table = rt("list").ok().out.splitlines()
        assert re.match(r"(ID|NAME)\s+PID\s+STATUS\s+BUNDLE", table[0])
        assert c.id in table[1] and "running" in table[1]


def test_cli_8_list_of_a_missing_root_is_empty(rt):
    result = rt("list", "--format", "json").ok()
    assert result.out.strip() == "" or json.loads(result.out) in ([], None)
    assert rt("list", "-q").ok().out.strip() == ""


def test_cli_9_ps_lists_the_processes_of_the_container(rt, bundle):
    bundle.probe(("orphans", "2"), ("echo", "ready"), "sleep")
    with rt.container(bundle) as c:
        c.wait_text("ready")
        result = rt("ps", "--format", "json", c.id).ok()
        assert result.out.endswith("\n")
        pids = result.json
        assert len(pids) == 3 and c.pid in pids
        assert all(isinstance(p, int) and Path(f"/proc/{p}").exists() for p in pids)
        assert str(c.pid) in rt("ps", c.id).ok().out


def test_cli_5_kill_all_reaches_every_process(rt, bundle):
    bundle.without_namespace("pid").probe(("orphans", "2"), ("echo", "ready"), "sleep")
    with rt.container(bundle) as c:
        c.wait_text("ready")
        c.kill("KILL", "--all").ok()
        until(lambda: not json.loads(rt("ps", "--format", "json", c.id).out or "null") or c.status == "stopped", "all end")
        c.wait_stopped()


def test_cli_5_kill_all_of_a_stopped_container_succeeds(rt, bundle):
    c = rt.create(bundle.probe(("echo", "x")))
    c.start()
    c.wait_stopped()
    c.kill("KILL", "--all").ok()
    c.remove()


@pytest.mark.peer(crun="resumes what is not paused")
def test_cli_10_pause_and_resume(rt, bundle):
    with rt.sleeping(bundle) as c:
        rt("pause", c.id).ok()
        assert c.status == "paused"
        c.exec("/bin/true").failed("paus")
        rt("resume", c.id).ok()
        assert c.status == "running"
        rt("resume", c.id).failed()
        c.exec("/bin/true").ok()


def test_cli_10_a_paused_container_can_be_force_deleted(rt, bundle):
    c = rt.create(bundle.probe("sleep"))
    c.start()
    rt("pause", c.id).ok()
    c.delete("--force").ok()
