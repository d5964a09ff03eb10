"""skiff called through a link named runc or crun (CLI-0, CLI-3, CLI-17): that program's command line to the letter."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from skifftest import process

pytestmark = pytest.mark.skiff_only


class Named:
    """The program under another name, with the same state directory as `rt`."""

    def __init__(self, rt, name):
        self.rt, self.name = rt, name
        self.path = str(rt.scratch / "names" / name)
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        os.symlink(rt.path, self.path)

    def bare(self, *args, **more):
        return process.run([self.path, *map(str, args)], scratch=self.rt.scratch, **{"env": self.rt.env, **more})

    def __call__(self, *args, **more):
        return self.bare("--root", self.rt.root, *args, **more)


@pytest.fixture(params=["runc", "crun"])
def named(rt, request):
    return Named(rt, request.param)


@pytest.fixture
def as_runc(rt):
    return Named(rt, "runc")


@pytest.fixture
def as_crun(rt):
    return Named(rt, "crun")


def test_cli_3_run_takes_an_id_and_the_bundle_of_the_current_directory(rt, named, bundle):
    bundle.probe(("exit", "7")).write()
    name = rt.new_id()
    assert named("run", name, cwd=bundle.path).code == 7
    assert named("run", "--keep", name, cwd=bundle.path).code == 7
    assert named("state", name).ok().json["status"] == "stopped"
    named("delete", name).ok()


def test_cli_3_options_are_taken_after_the_id(rt, named, bundle, scratch):
    bundle.probe("sleep").write()
    name = rt.new_id()
    named("run", name, "--detach", "--pid-file", scratch / "pid", "-b", bundle.path).ok()
    assert (scratch / "pid").read_text() == str(named("state", name).ok().json["pid"])
    named("delete", name, "--force").ok()


def test_cli_3_under_its_own_name_too(rt, bundle, scratch):
    bundle.probe("sleep").write()
    name = rt.new_id()
    rt("run", "--bundle", bundle.path, name, "--detach", "--pid-file", scratch / "pid").ok()
    assert rt("state", name).ok().json["status"] == "running"
    rt("delete", name, "-f").ok()
    rt("run", "--bundle", bundle.path, name, "too-many").failed("too-many", code=2)


def test_cli_3_failures_of_run_exit_with_1(rt, named, bundle):
    bundle.process["args"] = ["/bin/none"]
    bundle.write()
    assert named("run", rt.new_id(), cwd=bundle.path).failed("no such file or directory").code == 1


@pytest.mark.parametrize("name, words, code", [
    ("runc", ["exec", "missing", "true"], 255), ("crun", ["exec", "missing", "true"], 1),
    ("runc", ["--nosuch", "list"], 1), ("crun", ["--nosuch", "list"], 64), ("runc", ["nosuch"], 3), ("crun", ["nosuch"], 1),
    ("runc", ["state"], 1), ("crun", ["state"], 1), ("runc", ["list", "--format", "xml"], 1), ("crun", ["list", "--format", "xml"], 1),
])
def test_cli_0_exit_codes_are_those_of_the_program(rt, name, words, code):
    ours = Named(rt, name).bare("--root", rt.root, *words).failed()
    assert ours.code == code
    theirs = shutil.which(name)
    if theirs and os.path.realpath(theirs) != os.path.realpath(rt.path):
        peer = subprocess.run([theirs, "--root", rt.scratch / "peer", *words], capture_output=True, timeout=20)
        assert peer.returncode == code, "the expectation is wrong"


def test_cli_0_version_says_who_answers(rt, named):
    text = named.bare("--version").ok().out.splitlines()
    assert re.fullmatch(rf"{named.name} version \d+\.\d+\.\d+ \(skiff\)", text[0])
    assert text[1].startswith("commit: ")
    assert any(re.fullmatch(r"spec: \d+\.\d+\.\d+", line) for line in text)
    assert named.bare("-v").ok().out.splitlines() == text


def test_cli_0_version_of_crun_has_the_line_of_features(as_crun):
    text = as_crun.bare("-V").ok().out
    assert "rundir: /run/crun\n" in text and {"+SYSTEMD", "+SECCOMP", "+CRIU"} <= set(text.splitlines()[-1].split())


@pytest.mark.parametrize("name, env, expected", [
    ("skiff", {}, "/run/skiff"), ("skiff", {"XDG_RUNTIME_DIR": "X"}, "/run/skiff"), ("runc", {}, "/run/runc"), ("runc", {"XDG_RUNTIME_DIR": "X"}, "/run/runc"),
    ("crun", {}, "/run/crun"), ("crun", {"XDG_RUNTIME_DIR": "X"}, "X/crun"),
])
def test_cli_0_default_state_root(rt, scratch, bundle, name, env, expected):
    """Seen in the name of a state directory that does not exist there."""
    directory = str(scratch / "xdg")
    os.mkdir(directory)
    env = {k: v.replace("X", directory) for k, v in env.items()}
    expected = expected.replace("X", directory)
    id = rt.new_id()
    bundle.probe("sleep").write()
    program = Named(rt, name)
    program.bare("create", "--bundle", bundle.path, id, env={**rt.env, **env}).ok()
    assert Path(expected, id, "state.json").exists()
    program.bare("delete", "--force", id, env={**rt.env, **env}).ok()


def test_cli_0_default_state_root_of_a_user(rt, scratch):
    """A root of a user namespace, as rootless engines have it, keeps its state below XDG_RUNTIME_DIR."""
    directory = scratch / "xdg"
    directory.mkdir()
    env = {**rt.env, "XDG_RUNTIME_DIR": str(directory), "USER": "somebody"}
    for name in ("skiff", "runc", "crun"):
        (directory / name / "broken").mkdir(parents=True)
        program = Named(rt, name)
        words = ["--log-level=warning", "list"] if name == "crun" else ["list"]
        result = process.run(["unshare", "--user", "--map-root-user", program.path, *words], scratch=scratch, env=env).ok()
        assert "broken" in result.err or "broken" in result.out, name


def test_cli_0_help_of_runc_begins_with_a_name_and_says_who_answers(as_runc):
    for words in (["-h"], ["--help"], []):
        lines = as_runc.bare(*words).ok().out.splitlines()
        assert lines[0] == "NAME:" and lines[1].strip() == "runc - Open Container Initiative runtime"
        assert any("skiff" in line for line in lines[2:5])
    for verb in ("create", "run", "exec", "kill", "delete", "state", "list", "ps", "pause", "resume", "update", "spec", "start", "features"):
        for option in ("-h", "--help"):
            lines = as_runc.bare(verb, option).ok().out.splitlines()
            assert lines[0] == "NAME:" and lines[1].strip().startswith(f"runc {verb} ")
    as_runc.bare("foo", "-h").failed("No help topic for 'foo'")


def test_cli_0_verbs_over_images_are_unknown(named):
    for verb in ("load", "images", "rm", "stop", "inspect"):
        named(verb, "x").failed(verb)


def test_cli_0_options_with_one_dash_for_runc(rt, as_runc, bundle):
    bundle.probe(("exit", "3")).write()
    assert as_runc.bare("-root", rt.root, "run", "-bundle", bundle.path, rt.new_id()).code == 3
    assert as_runc.bare(f"-root={rt.root}", "run", f"-bundle={bundle.path}", rt.new_id()).code == 3


def test_cli_0_options_may_be_abbreviated_for_crun(rt, as_crun, bundle):
    bundle.probe(("exit", "3")).write()
    assert as_crun("run", "--bun", bundle.path, rt.new_id()).code == 3
    as_crun("run", "--no", "x").failed("ambiguous", code=64)


def test_cli_17_mounts_of_a_running_container_are_refused_by_name(rt, as_crun, bundle, scratch):
    (scratch / "mounts.json").write_text("[]")
    with rt.sleeping(bundle) as c:
        for what in ("add", "remove"):
            as_crun("mounts", what, c.id, scratch / "mounts.json").failed("mounts", what, "not supported", code=1)


def test_contract_log_and_standard_error(rt, named, scratch):
    log = scratch / "log"
    result = named("--log", log, "--log-format", "json", "state", "missing").failed("does not exist")
    entry = json.loads(log.read_text())
    assert entry["level"] == "error" and entry["msg"] == result.err.strip()
    plain = named("state", "missing").failed()
    assert ("level=error" in plain.err) == (named.name == "runc")


def test_cve_2019_5736_run_is_sealed_under_another_name(rt, named, bundle):
    """The program that the container's processes could reach is not the file on the disk."""
    bundle.probe(("echo", "ready"), "sleep").write()
    name = rt.new_id()
    running = process.Running([named.path, "--root", str(rt.root), "run", name], scratch=rt.scratch, env=rt.env, cwd=bundle.path)
    running.wait_text("ready")
    facts = os.stat(f"/proc/{running.pid}/exe")
    assert facts.st_dev != os.stat(rt.path).st_dev
    named("kill", name, "KILL").ok()
    running.wait()
