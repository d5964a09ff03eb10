"""`cp` in both directions, and `diff`."""

import os
import time

import pytest


@pytest.fixture
def box(engine):
    """A running container named box."""
    id = engine.detached("--name", "box", "busybox", "sleep", "600")
    yield id
    engine("rm", "-f", "box").ok()


@pytest.fixture
def tree(engine):
    """A directory of the host with a bit of everything."""
    top = engine.scratch / "tree"
    (top / "sub/deep").mkdir(parents=True)
    (top / "program").write_text("#!/bin/sh\necho ran\n")
    (top / "program").chmod(0o751)
    (top / "sub/empty").touch()
    (top / "sub/link").symlink_to("../program")
    (top / "sub/deep/name with space").write_text("words\n")
    (top / "sub").chmod(0o2750)
    os.utime(top / "program", (1_500_000_000, 1_500_000_000))
    return top


def content(top) -> dict:
    """Paths below `top` with kind, mode and text."""
    found = {}
    for path in sorted(top.rglob("*")):
        name, mode = str(path.relative_to(top)), path.lstat().st_mode
        found[name] = (mode, os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else None)
    return found


def test_a_file_goes_in_and_out_with_mode_and_time(engine, box, tree):
    engine("cp", tree / "program", "box:/usr/bin/mine").ok()
    assert engine("exec", "box", "mine").ok().out == "ran\n"
    assert engine("exec", "box", "stat", "-c", "%a %u:%g %Y", "/usr/bin/mine").ok().out == "751 0:0 1500000000\n"
    engine("cp", tree / "program", "box:/tmp").ok()
    engine("exec", "box", "test", "-x", "/tmp/program").ok()
    engine("cp", "box:/usr/bin/mine", engine.scratch / "back").ok()
    status = (engine.scratch / "back").stat()
    assert (status.st_mode & 0o7777, int(status.st_mtime), status.st_uid) == (0o751, 1_500_000_000, 0)
    engine("cp", "box:/usr/bin/mine", engine.scratch).ok()
    assert (engine.scratch / "mine").read_text() == (tree / "program").read_text()


@pytest.mark.parametrize("is_running", [True, False])
def test_directories_in_the_three_forms(engine, box, tree, is_running):
    engine("exec", "box", "mkdir", "/there").ok()
    if not is_running:
        engine("stop", "-t", "0", "box").ok()
    engine("cp", tree, "box:/there").ok()  # into it
    engine("cp", tree, "box:/new").ok()  # becomes it
    engine("cp", f"{tree}/.", "box:/tmp").ok()  # what is inside
    engine("cp", f"{tree}/.", "box:/made").ok()
    for source, target in (("/there/tree", "1"), ("/new", "2"), ("/made/.", "3"), ("/made/", "4")):
        engine("cp", f"box:{source}", engine.scratch / target).ok()
        assert content(engine.scratch / target) == content(tree), source
    (engine.scratch / "5").mkdir()
    engine("cp", "box:/there/tree", engine.scratch / "5").ok()
    engine("cp", "box:/tmp/.", engine.scratch / "5").ok()
    assert content(engine.scratch / "5/tree") == content(tree)
    assert (engine.scratch / "5/sub/deep/name with space").read_text() == "words\n"


def test_relative_paths_and_large_files(engine, box):
    data = os.urandom(9_000_001)
    (engine.scratch / "large").write_bytes(data)
    engine("cp", "large", "box:large", cwd=engine.scratch).ok()
    engine("cp", "box:/large", "./returned:1", cwd=engine.scratch).ok()
    assert (engine.scratch / "returned:1").read_bytes() == data


def test_volumes_and_memory_of_a_running_container_are_seen(engine):
    (engine.scratch / "shared").mkdir()
    engine.detached("--name", "box", "-v", f"{engine.scratch}/shared:/data", "--tmpfs", "/quick", "busybox", "sleep", "60")
    (engine.scratch / "file").write_text("x\n")
    engine("cp", engine.scratch / "file", "box:/data/in").ok()
    engine("cp", engine.scratch / "file", "box:/quick/in").ok()
    assert (engine.scratch / "shared/in").read_text() == "x\n"
    assert engine("exec", "box", "cat", "/quick/in").ok().out == "x\n"
    engine("rm", "-f", "box").ok()


def test_links_of_a_container_never_lead_out_of_it(engine, box):
    outside = engine.scratch / "outside"
    outside.mkdir()
    (outside / "secret").write_text("of the host\n")
    (engine.scratch / "file").write_text("x\n")
    for link in (outside, f"../../../../../..{outside}", f"/proc/1/root/../../{outside}"):
        engine("exec", "box", "ln", "-sfn", link, "/trap").ok()
        engine("cp", engine.scratch / "file", "box:/trap/file")
        engine("cp", engine.scratch / "file", "box:/trap")
        engine("cp", "box:/trap/secret", engine.scratch / "stolen").failed("secret")
    assert os.listdir(outside) == ["secret"] and not (engine.scratch / "stolen").exists()
    engine("exec", "box", "ln", "-sfn", outside / "secret", "/trap").ok()
    engine("cp", "box:/trap", engine.scratch / "copy")
    assert os.readlink(engine.scratch / "copy") == str(outside / "secret")  # as a link, its text only


@pytest.mark.parametrize("words, expected", [
    (["{scratch}/nothing", "box:/tmp"], "nothing"),
    (["box:/nothing", "{scratch}"], "nothing"),
    (["box:/etc/passwd", "{scratch}/no/such/place"], "no/such"),
    (["{scratch}/nothing", "nobox:/tmp"], "nobox"),
    (["box:/etc/passwd", "box:/tmp"], "path of the host"),
    (["/etc/passwd", "/tmp"], "container:path"),
    (["box:", "{scratch}"], "path"),
])
def test_what_cannot_be_copied(engine, box, words, expected):
    before = sorted(os.listdir(engine.scratch))
    engine("cp", *(w.format(scratch=engine.scratch) for w in words)).failed(expected)
    assert [n for n in sorted(os.listdir(engine.scratch)) if n not in before and n[:4] not in ("out.", "err.")] == []


def test_differences(engine, tree):
    id = engine.detached("--name", "box", "busybox", "sh", "-c",
                         "touch /new; echo x >> /etc/passwd; rm /etc/group; mkdir -p /made/inner; ln -s /new /made/link; "
                         "rm /bin/vi; touch /bin/vi; sleep 600")
    deadline = time.monotonic() + 10
    while engine("exec", "box", "test", "-e", "/bin/vi").code or engine("exec", "box", "test", "-s", "/bin/vi").code == 0:
        assert time.monotonic() < deadline
    expected = ["C /bin", "C /bin/vi", "C /etc", "D /etc/group", "C /etc/passwd", "A /made", "A /made/inner",
                "A /made/link", "A /new"]
    assert engine("diff", "box").ok().out.splitlines() == expected
    engine("stop", "-t", "0", "box").ok()
    engine("cp", f"{tree}/sub", "box:/made").ok()
    added = ["A /made/sub", "A /made/sub/deep", "A /made/sub/deep/name with space", "A /made/sub/empty", "A /made/sub/link"]
    assert engine("diff", id[:12]).ok().out.splitlines() == expected[:-1] + added + expected[-1:]
    engine("rm", "box").ok()


def test_a_container_that_changed_nothing_has_no_differences(engine):
    (engine.scratch / "file").touch()
    id = engine.detached("-v", f"{engine.scratch}:/data/in", "-v", f"{engine.scratch}/file:/etc/mine", "--tmpfs",
                         "/quick", "busybox", "true")
    engine("wait", id).ok()
    assert engine("diff", id).ok().out == ""
    engine("rm", id).ok()
