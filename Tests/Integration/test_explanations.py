"""Why a container's start fails, in words: what an exec lacks, memory, hooks (PRC-7, RES-1, HOOK-10)."""

import os
import re
import shutil
from pathlib import Path

import pytest

from skifftest.errors import create, elf, put, run_file, told
from test_cgroups import has

pytestmark = pytest.mark.skiff_only


@pytest.fixture
def rt(rt, scratch):
    rt.globals += ["--log-format", "json"]
    return rt


@pytest.mark.parametrize("text, words", [
    (b"#!/bin/nosuch\n", ["interpreter-missing", "'/bin/nosuch' is missing in the container"]),
    (b"#! \t/bin/nosuch  -e\n", ["interpreter-missing", "'/bin/nosuch' is missing"]),
    (b"#!/bin/sh\r\necho\r\n", ["interpreter-missing", "line ends of Windows"]),
    (b"#!/bin/dangling\n", ["interpreter-missing", "'/bin/dangling' is missing", "a link to '/gone'"]),
    (b"#!/bin/dynamic\n", ["loader-missing", "'/bin/dynamic' needs the dynamic loader '/lib/ld.so'"]),
    (b"#!/etc/passwd\n", ["program-not-executable", "interpreter '/etc/passwd'", "its mode is 644"]),
    (b"#!\n", ["program-format", "neither a program nor a script"]),
    (b"", ["program-format", "is empty"]),
    (b"echo hello\n", ["program-format", "neither a program nor a script"]),
])
def test_prc_7_what_a_script_lacks_is_named(rt, bundle, text, words):
    (bundle.rootfs / "bin/dangling").symlink_to("/gone")
    put(bundle, "/bin/dynamic", elf(loader="/lib/ld.so"))
    (bundle.rootfs / "etc/passwd").chmod(0o644)
    error = run_file(rt, bundle, "/bin/script", text, code=127 if words[0].endswith("missing") else 126)
    assert error["code"] == words[0]
    for word in words[1:]:
        assert word in error["hint"], error


def test_prc_7_missing_loader_is_named(rt, bundle):
    error = run_file(rt, bundle, "/bin/dynamic", elf(loader="/lib/ld-musl.so.1"), code=127)
    assert error["code"] == "loader-missing" and error["errno"] == "ENOENT"
    assert error["hint"] == "the program needs the dynamic loader '/lib/ld-musl.so.1', which is missing in the container"
    assert "no such file or directory" in error["msg"]


def test_prc_7_a_real_dynamic_program_names_its_loader(rt, bundle):
    program = next(p for p in map(shutil.which, ("mount", "ls", "cat")) if p)
    error = run_file(rt, bundle, "/bin/dynamic", Path(program).read_bytes(), code=127)
    assert error["code"] == "loader-missing" and "'/lib" in error["hint"]


def test_prc_7_another_machine_is_named(rt, bundle):
    mine, other = (62, "arm64") if os.uname().machine == "x86_64" else (183, "amd64")
    error = run_file(rt, bundle, "/bin/foreign", elf(machine=245 - mine), code=126)
    assert error["code"] == "program-format" and f"is for {other}, this machine is" in error["hint"]


@pytest.mark.parametrize("path, words", [
    ("/bin/plain", ["no one may execute it: its mode is 644"]),
    ("/bin/owners", ["its mode is 700 and its owner 0:0"]),
    ("/hidden/probe", ["a directory on the way to it may not be entered"]),
    ("/noexec/probe", ["noexec"]),
    ("/bin", ["is a directory"]),
    ("/dev/null", ["not a regular file"]),
])
def test_prc_7_why_a_program_may_not_be_executed(rt, bundle, path, words):
    put(bundle, "/bin/plain", b"#!/bin/sh\n", 0o644)
    put(bundle, "/bin/owners", b"#!/bin/sh\n", 0o700)
    (bundle.rootfs / "hidden").mkdir(mode=0o700)
    (bundle.path / "shared").mkdir()
    shutil.copy2(bundle.rootfs / "bin/probe", bundle.path / "shared/probe")
    (bundle.rootfs / "noexec").mkdir()
    bundle.bind(bundle.path / "shared", "/noexec", "bind", "noexec")
    bundle.process.update({"args": [path], "user": {"uid": 1000, "gid": 1000}})
    bundle.capabilities()
    error = create(rt, bundle)
    assert error["code"] == "program-not-executable"
    for word in words:
        assert word in error["msg"], error


def test_prc_7_exec_names_what_is_missing_too(rt, bundle):
    put(bundle, "/bin/script", b"#!/bin/nosuch\n")
    with rt.sleeping(bundle) as c:
        error = told(c.exec("/bin/script"))
        assert error["code"] == "interpreter-missing" and "'/bin/nosuch'" in error["hint"]
        assert told(c.exec("nosuch"))["code"] == "program-not-found"
        assert told(c.exec("/bin"))["code"] == "program-not-executable"


def test_prc_7_a_dangling_link_is_followed_in_words(rt, bundle):
    (bundle.rootfs / "bin/dangling").symlink_to("/opt/gone")
    bundle.process["args"] = ["/bin/dangling"]
    error = create(rt, bundle)
    assert error["code"] == "program-not-found"
    assert error["hint"] == "it is a link to '/opt/gone', which is not there"


@pytest.mark.skipif(not has("memory"), reason="this machine has no memory controller in this view")
@pytest.mark.parametrize("limit", [4096, 65536])
def test_res_1_a_memory_limit_too_low_is_told_with_its_figures(rt, bundle, limit):
    bundle.linux["resources"]["memory"] = {"limit": limit}
    bundle.process["args"] = ["/bin/true"]
    error = told(rt.run(bundle))
    assert error["code"] == "memory-too-low" and error["operand"] == "linux.resources.memory.limit"
    assert f"the memory limit of {limit} bytes is too low" in error["msg"] and "peak of" in error["msg"]
    need = int(re.search(r"up to (\d+) bytes", error["hint"]).group(1))
    bundle.linux["resources"]["memory"] = {"limit": need}
    rt.run(bundle).ok()


@pytest.mark.parametrize("text, ending", [
    ("echo first >&2; echo last words >&2; exit 3", "exit code 3: last words"),
    ("echo why >&2; kill -9 $$", "ended by SIGKILL: why"),
    ("exit 1", "exit code 1"),
])
@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer"])
def test_hook_10_a_failed_hook_is_told_with_all_that_is_known(rt, bundle, kind, text, ending):
    good, bad = bundle.path / "good", bundle.path / "bad"
    good.write_text("#!/bin/sh\ncat >/dev/null\n")
    bad.write_text(f"#!/bin/sh\ncat >/dev/null\n{text}\n")
    good.chmod(0o755), bad.chmod(0o755)
    bundle.hook(kind, good)
    bundle.hook(kind, bad)
    error = create(rt, bundle)
    assert error["code"] == "hook-failed" and error["operand"] == f"hooks.{kind}[1] {bad}"
    assert error["step"] == f"error running {kind} hook #1: {bad}" and error["msg"].endswith(ending)


def test_hook_10_a_hook_that_is_not_there_says_so(rt, bundle):
    bundle.hook("createRuntime", "/nowhere/hook")
    error = create(rt, bundle)
    assert error["code"] == "hook-failed" and "/nowhere/hook: ENOENT" in error["msg"]
