"""Hostile strings, files and names; the state directory (I-14, I-18, I-22, I-27, I-29)."""

import os
import stat
from pathlib import Path

import pytest

from skifftest import process

NUL = {"args": lambda b: b.process.update(args=["/bin/probe", "echo", "a\0b"]), "env": lambda b: b.process.update(env=["A=\0x"]),
       "cwd": lambda b: b.process.update(cwd="/tmp\0/x"), "hostname": lambda b: b.config.update(hostname="a\0b"),
       "destination": lambda b: b.mount("/mnt\0x"), "source": lambda b: b.bind("/etc\0x", "/mnt"),
       "options": lambda b: b.mount("/mnt", "tmpfs", "tmpfs", "size=1k\0"), "root": lambda b: b.config["root"].update(path="rootfs\0x")}


@pytest.mark.peer(crun="cuts at NUL", runc="accepts some")
@pytest.mark.parametrize("place", list(NUL))
def test_i_14_a_nul_in_a_string_is_refused(rt, bundle, place):
    NUL[place](bundle)
    rt.refuse(bundle, place)


def test_i_14_a_comma_in_a_mount_source_is_no_option(rt, bundle, scratch):
    source = scratch / "with,ro,comma"
    source.mkdir()
    (source / "file").write_text("x")
    assert rt.answers(bundle.bind(source, "/mnt"), ("write", "/mnt/new", "x"))[0]["errno"] == ""


@pytest.mark.parametrize("kind", ["fifo", "zero", "huge", "outside", "directory"])
def test_2026_47262_a_hostile_passwd_is_read_with_bounds(rt, bundle, scratch, kind):
    passwd = bundle.rootfs / "etc/passwd"
    passwd.unlink()
    if kind == "fifo":
        os.mkfifo(passwd)
    elif kind == "zero":
        passwd.symlink_to("/dev/zero")
    elif kind == "huge":
        with passwd.open("wb") as file:
            file.truncate(4 << 30)
    elif kind == "directory":
        passwd.mkdir()
    else:
        (scratch / "passwd").write_text("root:x:0:0::/stolen:/bin/sh\n")
        passwd.symlink_to("../" * 12 + str(scratch / "passwd").lstrip("/"))
    if rt.name != "skiff" and kind in ("huge", "fifo", "zero"):
        pytest.skip("may hang")
    result = rt.run(bundle.probe("report"), timeout=10)
    assert result.code in (0, 1, 125)
    if result.code == 0:
        assert "HOME=/stolen" not in result.first("report")["env"]


def test_i_22_the_state_directory_is_closed_to_others_whatever_the_umask(rt, bundle):
    bundle.probe("sleep").write()
    name = rt.new_id()
    rt("create", "--bundle", bundle.path, name, preexec=lambda: os.umask(0)).ok()
    try:
        for directory, _, names in os.walk(rt.root):
            for path in [directory, *(f"{directory}/{n}" for n in names)]:
                mode = os.lstat(path).st_mode
                if rt.name == "skiff" and not stat.S_ISSOCK(mode):  # whoever connects must pass the directory
                    assert not mode & 0o022, (path, oct(mode))
        top = os.stat(rt.root).st_mode & 0o777
        inner = os.stat(rt.root / name).st_mode & 0o777 if (rt.root / name).exists() else top
        assert top & 0o066 == 0 or inner & 0o066 == 0, (oct(top), oct(inner))
    finally:
        rt("delete", "--force", name)


@pytest.mark.skiff_only
def test_2015_1331_a_planted_link_in_the_state_directory_is_refused(rt, bundle, canary):
    rt.root.mkdir(mode=0o700)
    name = rt.new_id()
    (rt.root / name).symlink_to(canary)
    rt("create", "--bundle", bundle.write().path, name).failed()
    rt("delete", "--force", name)
    (rt.root / name).unlink(missing_ok=True)


@pytest.mark.skiff_only  # others follow such an id and delete what it names
@pytest.mark.parametrize("name", ["../canary", "..", "a/../../canary", "/etc"])
def test_2025_0750_an_id_never_becomes_a_path(rt, bundle, canary, name):
    rt.root.mkdir(mode=0o700)
    for verb in (["state"], ["delete"], ["delete", "--force"], ["kill"], ["start"], ["exec"]):
        words = [*verb, name, *(["/bin/true"] if verb == ["exec"] else ["KILL"] if verb == ["kill"] else [])]
        result = rt(*words)
        if verb != ["delete", "--force"]:
            result.failed()


def test_2020_15257_no_abstract_socket(rt, bundle):
    def abstract():
        return {line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines()[1:] if "@" in line}
    before = abstract()
    with rt.sleeping(bundle.without_namespace("network").drop_mount("/sys").drop_mount("/sys/fs/cgroup")):
        assert abstract() == before


def test_i_29_a_container_that_floods_a_closed_reader_does_no_harm(rt, bundle, scratch):
    bundle.probe(("flood", "64")).write()
    read, write = os.pipe()
    running = process.Running(rt.words("run", "--bundle", bundle.path, rt.new_id()), scratch=scratch, env=rt.env, stdout=write)
    os.close(write)
    os.read(read, 1 << 16)
    os.close(read)
    running.wait()
