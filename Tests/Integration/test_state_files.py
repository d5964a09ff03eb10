"""States that another version has written, or that speak of a process that is no more (LIFE-13, LIFE-14)."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures/state"
OLDER = sorted(p for p in FIXTURES.glob("*.json") if not p.name.startswith("newer"))

pytestmark = pytest.mark.skiff_only


def planted(rt, fixture: Path, name: str, pid: int = 0, start: int = 0) -> Path:
    """The entry of a container as another version left it; PID and START stand for those of a process."""
    directory = rt.root / name
    directory.mkdir(parents=True, mode=0o700)
    rt.root.chmod(0o700)
    text = fixture.read_text().replace('"@PID@"', str(pid)).replace('"@START@"', str(start)).replace("@ID@", name)
    (directory / "state.json").write_text(text)
    (directory / "config.json").write_text('{"ociVersion":"1.0.2"}')
    return directory


def start_time(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


@pytest.mark.parametrize("fixture", OLDER, ids=lambda p: p.stem)
def test_life_14_older_states_are_read(rt, fixture):
    name = rt.new_id()
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        planted(rt, fixture, name, sleeper.pid, start_time(sleeper.pid))
        state = rt("state", name).ok().json
        assert (state["id"], state["status"], state["pid"]) == (name, "running", sleeper.pid)
        assert state["bundle"] == "/some/bundle" and state["ociVersion"] == "1.0.2"
        assert name in rt("list").ok().out
        rt("delete", name).failed("running")
        rt("kill", name, "KILL").ok()
        assert sleeper.wait(5) == -signal.SIGKILL
        assert rt("state", name).ok().json["status"] == "stopped"
        rt("delete", name).ok()
        rt("state", name).failed("not exist")
    finally:
        sleeper.kill()
        sleeper.wait()


def test_life_14_there_are_older_states(rt):
    assert len(OLDER) >= 3


def test_life_14_a_newer_state_is_refused_by_name_and_others_are_listed(rt, bundle):
    newer = rt.new_id()
    directory = planted(rt, FIXTURES / "newer.json", newer)
    with rt.sleeping(bundle) as c:
        rt("state", newer).failed("newer")
        assert c.id in rt("list", "-q").out
    shutil.rmtree(directory)


@pytest.mark.parametrize("content", ["", "{", "[]", "\0\0\0\0", '{"version":1}', "null", '{"version":"x"}'])
def test_life_12_damaged_states_are_cleared_by_force(rt, content):
    name = rt.new_id()
    directory = planted(rt, OLDER[0], name)
    (directory / "state.json").write_text(content)
    assert rt("list").code in (0, 1)
    rt("delete", "--force", name).ok()
    rt("state", name).failed("not exist")
    assert not directory.exists()


REUSE = """
import os, subprocess, sys
from pathlib import Path
runtime, name, bundle = sys.argv[1].split("\\x1f"), *sys.argv[2:]
import time
call = lambda *a: subprocess.run([*runtime, *a], timeout=10, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
with open(os.devnull, "wb") as null:
    made = subprocess.run([*runtime, "run", "--detach", "--bundle", bundle, name], stdin=null, stdout=null, stderr=null)
assert made.returncode == 0
import json
pid = json.loads(call("state", name).stdout)["pid"]
os.kill(pid, 9)
while Path(f"/proc/{pid}").exists():  # an orphan: its new parent is this process
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        pass
time.sleep(0.05)  # a start time is counted in hundredths of a second
for _ in range(50):
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(pid - 1))
    other = os.fork()
    if other == 0:
        time.sleep(1000)
    if other == pid:
        break
    os.kill(other, 9); os.waitpid(other, 0)
assert other == pid, (other, pid)
state = json.loads(call("state", name).stdout)
assert state["status"] == "stopped" and state["pid"] == 0, state
assert call("kill", name, "KILL").returncode != 0
assert os.waitpid(other, os.WNOHANG) == (0, 0)
assert call("exec", name, "/bin/true").returncode != 0
deleted = call("delete", "--force", name)
assert deleted.returncode == 0, deleted.stderr
assert os.waitpid(other, os.WNOHANG) == (0, 0), "delete has killed a process that is not the container's"
os.kill(other, 9)
print("reused")
"""


def test_life_13_a_reused_pid_is_never_taken_for_the_container(rt, bundle, scratch):
    """In a pid namespace whose next number can be chosen, as after it has come round."""
    bundle.probe("sleep").write()
    script = scratch / "reuse.py"
    script.write_text(REUSE)
    words = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, str(script), "\x1f".join(rt.words()), rt.new_id(), str(bundle.path)]
    result = subprocess.run(words, capture_output=True, text=True, timeout=30, env={**os.environ, **rt.env})
    assert result.returncode == 0 and "reused" in result.stdout, result.stderr
