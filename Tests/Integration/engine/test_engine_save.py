"""save: what is in the archives, that they are the same every time, and that other tools take them and we theirs."""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

from skifftest import archives, process
from skifftest.archives import layer, member

needs = {name: pytest.mark.skipif(not shutil.which(name), reason=f"no {name}")
         for name in ("podman", "buildah", "skopeo", "umoci")}


@pytest.fixture
def store(empty_engine, busybox_archive):
    """An Engine whose own store has busybox:latest, without its blobs."""
    empty_engine("load", "--quiet", busybox_archive).ok()
    return empty_engine


@pytest.fixture
def tools():
    # podman takes only short paths for this.
    with tempfile.TemporaryDirectory(prefix="st-", dir="/tmp") as folder:
        yield archives.Tools(Path(folder), os.environ["PATH"])


def load(engine, source, *words) -> str:
    """Loads and gives the name with the digest."""
    return engine("load", "--quiet", *words, source).ok().out.strip()


def odd_layers() -> list[bytes]:
    """Two layers with all that a tar archive can say."""
    deep = "/".join(["directory-with-a-long-name-%02d" % i for i in range(10)])
    times = {"mtime": 1_600_000_000}
    first = layer(
        member("./", archives.tarfile.DIRTYPE, mode=0o751, **times),
        member("a", archives.tarfile.DIRTYPE, mode=0o1777, uid=5, gid=6, **times),
        (member("a/file", uid=3_000_000_000, gid=2_097_152, mtime=1_600_000_000.25), b"data"),
        (member("a/setuid", mode=0o4755, **times), b"#!"),
        member("a/hard", archives.tarfile.LNKTYPE, linkname="a/file"),
        member("a/soft", archives.tarfile.SYMTYPE, linkname="../nowhere/" + "x" * 120, **times),
        member("a/fifo", archives.tarfile.FIFOTYPE, **times),
        member("a/null", archives.tarfile.CHRTYPE, devmajor=1, devminor=3, **times),
        member("a/disk", archives.tarfile.BLKTYPE, devmajor=259, devminor=70000, **times),
        (member("a/" + "n" * 200, **times), b"long name"),
        (member("a/\udcff\udcfe", **times), b"not UTF-8"),
        (member("a/ümlaut " + "ä" * 90, **times), b"long UTF-8"),
        (member("a/old", mtime=-86_400), b"before 1970"),
        (member("a/caps", pax_headers={"SCHILY.xattr.user.one": "1", "SCHILY.xattr.user.two": "two\nlines"},
                **times), b"x"),
        (member(deep + "/file", **times), b"deep"),
        member("gone", archives.tarfile.DIRTYPE, **times), (member("gone/file", **times), b"1"),
        member("new", archives.tarfile.DIRTYPE, **times), (member("new/old", **times), b"2"),
        (member("removed", **times), b"3"))
    second = layer(
        member("new", archives.tarfile.DIRTYPE, **times), member("new/.wh..wh..opq"),
        (member("new/fresh", **times), b"4"), member(".wh.removed"), member(".wh.gone"))
    return [first, second]


def test_every_kind_of_file_comes_back(empty_engine):
    layers = odd_layers()
    source = archives.layout(empty_engine.scratch / "layout", layers)
    load(empty_engine, source)
    target = empty_engine.scratch / "saved.tar"
    empty_engine("save", "--output", target, "test:1").ok()
    before = {entry["name"].rstrip("/"): entry for entry in archives.entries(layers[0])}
    found = archives.saved_layers(target)
    after = {entry["name"]: entry for entry in found[0]}
    assert [entry["name"] for entry in found[0]] == sorted(
        after, key=lambda name: [part.encode(errors="surrogateescape") for part in name.split("/") if part != "."])
    for name, entry in before.items():
        mine = after[name]
        if entry["type"] == tarfile.LNKTYPE:
            assert {mine["type"], after["a/file"]["type"]} == {tarfile.LNKTYPE, tarfile.REGTYPE}
            continue
        if entry["type"] == tarfile.SYMTYPE:
            entry["mode"] = 0o777
        assert mine == {**entry, "name": name}, name
    parents = set(after) - set(before)
    assert all(name.startswith("directory-with") for name in parents), parents
    names = [entry["name"] for entry in found[1]]
    assert names == [".", ".wh.gone", "new", "new/.wh..wh..opq", "new/fresh", ".wh.removed"]
    # GNU tar must read it, too.
    with tarfile.open(target) as tar:
        tar.extractall(empty_engine.scratch / "out")
    for blob in (empty_engine.scratch / "out/blobs/sha256").iterdir():
        if blob.stat().st_size > 4096:
            process.run(["tar", "-tf", str(blob)], scratch=empty_engine.scratch, env=empty_engine.env).ok()


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_the_same_image_gives_the_same_bytes(empty_engine, form):
    """Also from another store, and from what was saved before."""
    source = archives.layout(empty_engine.scratch / "layout", odd_layers())
    load(empty_engine, source)
    saved = [empty_engine.scratch / f"{number}.tar" for number in range(4)]
    empty_engine("save", "--format", form, "-o", saved[0], "test:1").ok()
    with open(saved[1], "wb") as file:
        subprocess.run(empty_engine.words("save", "--format", form, "test:1"), check=True, stdout=file)
    empty_engine("rmi", "test:1").ok()
    load(empty_engine, saved[0])
    empty_engine("save", "--format", form, "-o", saved[2], "test:1").ok()
    empty_engine("rmi", "test:1").ok()
    load(empty_engine, source)
    empty_engine("save", "--format", form, "-o", saved[3], "test:1").ok()
    assert len({path.read_bytes() for path in saved}) == 1


def test_kept_blobs_give_the_original_digests(empty_engine, busybox_archive):
    original = load(empty_engine, busybox_archive, "--keep-blobs")
    saved = {form: empty_engine.scratch / form for form in ("oci-archive", "docker-archive", "oci-dir")}
    for form, target in saved.items():
        empty_engine("save", "--format", form, "-o", target, "busybox").ok()
    image = empty_engine("images", "--format", "json").ok().json[0]
    with tarfile.open(busybox_archive) as first, tarfile.open(saved["oci-archive"]) as second:
        blobs = [{m.name: tar.extractfile(m).read() for m in tar if m.isfile() and "blobs" in m.name}
                 for tar in (first, second)]
    assert blobs[0] == blobs[1]
    assert {p.name for p in (saved["oci-dir"] / "blobs/sha256").iterdir()} == {name[13:] for name in blobs[0]}
    empty_engine("rmi", "busybox").ok()
    assert not list((empty_engine.store / "blobs").iterdir())
    assert load(empty_engine, saved["oci-dir"], "--name", "busybox") == original
    load(empty_engine, saved["docker-archive"], "--name", "other")
    assert [i["id"] for i in empty_engine("images", "--format", "json").ok().json] == [image["id"]] * 2


def test_several_images_and_names(store):
    store("tag", "busybox", "tools:1", "other").ok()
    image = store("images", "-q").ok().out.strip()
    load(store, archives.layout(store.scratch / "layout", [layer((member("file"), b"1"))]))
    for form in ("oci-archive", "docker-archive"):
        target = store.scratch / f"{form}.tar"
        store("save", "--format", form, "-o", target, "busybox", "tools:1", "test:1").ok()
        assert [line.split("@")[0] for line in store("load", "-q", target).ok().out.split()] == (
            ["busybox:latest", "tools:1", "test:1"] if form == "oci-archive" else ["busybox:latest", "test:1"])
    store("save", "-o", store.scratch / "unnamed.tar", image).ok()
    assert load(store, store.scratch / "unnamed.tar").startswith("unnamed:latest@")


@pytest.mark.parametrize("words, message", [
    (("save", "-o", "x", "missing"), "no such image"),
    (("save", "-o", "x"), "IMAGE"),
    (("save", "-o", "x", "--format", "zip", "busybox"), "oci-archive"),
    (("save", "--format", "oci-dir", "busybox"), "a directory needs a name"),
    (("save", "-o", "no/such/directory/x", "busybox"), "ENOENT"),
    (("save", "-o", "/dev/full", "busybox"), "ENOSPC"),
])
def test_bad_input_makes_nothing(store, words, message):
    folder = store.scratch / "empty"
    folder.mkdir()
    result = store(*words, cwd=folder)
    assert result.code in (1, 2) and message in result.err, result
    assert not list(folder.iterdir()) and not [p for p in (store.store / "tmp").iterdir()]


def test_an_existing_file_stays(store):
    target = store.scratch / "file"
    target.write_text("mine")
    for form in ("oci-archive", "oci-dir"):
        store("save", "--format", form, "-o", target, "busybox").failed("it exists", "choose another name", code=1)
    assert target.read_text() == "mine" and not list(store.scratch.glob("file.part*"))


def test_a_full_disk_leaves_nothing(store):
    small = store.scratch / "small"
    small.mkdir()
    process.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], scratch=store.scratch, env=store.env).ok()
    try:
        for form in ("oci-archive", "docker-archive", "oci-dir"):
            store("save", "--format", form, "-o", small / "x", "busybox").failed("ENOSPC", code=1)
            assert not list(small.iterdir())
    finally:
        process.run(["umount", small], scratch=store.scratch, env=store.env).ok()


# MARK: other tools


@needs["skopeo"]
@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_skopeo_copies_there_and_back(store, tools, form):
    """Digests stay: of the manifest with OCI, of configuration and layers with docker's form, which has no manifest."""
    target, folder, back = (store.scratch / name for name in ("saved.tar", "folder", "back.tar"))
    store("save", "--format", form, "-o", target, "busybox").ok()
    keep = ["--preserve-digests"] if form == "oci-archive" else []
    tools.skopeo("copy", *keep, f"{form}:{target}", f"oci:{folder}:x")
    tools.skopeo("copy", *keep, f"oci:{folder}:x", f"{form}:{back}:localhost/back:1")
    if form == "oci-archive":
        first, second = load(store, target), load(store, back, "--name", "back")
        assert first.split("@")[1] == second.split("@")[1]
    else:
        first = json.loads(tools.skopeo("inspect", "--config", f"docker-archive:{target}").out)
        second = json.loads(tools.skopeo("inspect", "--config", f"docker-archive:{back}").out)
        assert first["rootfs"] == second["rootfs"]
        load(store, back)
    assert store.run("localhost/back:1" if form != "oci-archive" else "back", "echo", "hi").ok().out == "hi\n"


@needs["podman"]
@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_podman_loads_what_we_save(store, tools, form):
    target = store.scratch / "saved.tar"
    store("save", "--format", form, "-o", target, "busybox").ok()
    assert "busybox:latest" in tools.podman("load", "-q", "-i", target).out
    found = json.loads(tools.podman("image", "inspect", "busybox").out)[0]
    shown = store("image", "inspect", "busybox").ok().json[0]
    assert found["Config"]["Env"] == shown["Config"]["Env"] and len(found["RootFS"]["Layers"]) == 1
    mounted = tools.podman("image", "mount", "busybox").out.strip()
    assert os.path.exists(mounted + "/bin/busybox")
    tools.podman("image", "unmount", "--all")


@needs["podman"]
@pytest.mark.parametrize("form", ["oci-archive", "docker-archive", "oci-dir", "docker-dir"])
def test_we_load_what_podman_saves(store, tools, busybox_archive, form):
    tools.podman("load", "-q", "-i", busybox_archive)
    name = tools.podman("images", "--format", "{{.Repository}}:{{.Tag}}").out.split()[0]
    target = store.scratch / "podman"
    tools.podman("save", "-q", "--format", form, "-o", target, name)
    if form == "docker-dir":  # the form of skopeo's dir:, which is no exchange format
        store("load", "-q", target).failed("read manifest.json of", code=1)
        return
    load(store, target, "--name", "theirs")
    assert store.run("theirs", "echo", "hi").ok().out == "hi\n"


@needs["umoci"]
@needs["skopeo"]
def test_we_load_what_umoci_makes(store, tools):
    folder = store.scratch / "folder"
    store("save", "--format", "oci-dir", "-o", folder, "busybox").ok()
    tools.skopeo("copy", f"oci:{folder}:busybox:latest", f"oci:{store.scratch}/plain:one")
    tools.umoci("unpack", "--image", f"{store.scratch}/plain:one", store.scratch / "bundle")
    root = store.scratch / "bundle/rootfs"
    (root / "bin/sh").unlink()
    shutil.rmtree(root / "tmp")
    (root / "new").write_text("new")
    tools.umoci("repack", "--image", f"{store.scratch}/plain:two", store.scratch / "bundle")
    load(store, f"oci:{store.scratch}/plain:two", "--name", "theirs")
    assert store.run("theirs", "busybox", "cat", "/new").ok().out == "new"
    store.run("theirs", "sh").failed(code=127)
    store("save", "-o", store.scratch / "again.tar", "theirs").ok()
    removed = {entry["name"] for entry in archives.saved_layers(store.scratch / "again.tar")[1]}
    assert {"bin/.wh.sh", ".wh.tmp", "new"} <= removed


@needs["buildah"]
def test_we_load_what_buildah_commits(store, tools, busybox_archive):
    name = tools.buildah("from", f"oci-archive:{busybox_archive}").out.split()[-1]
    mounted = tools.buildah("mount", name).out.strip()
    with open(mounted + "/made", "w") as file:
        file.write("by buildah")
    tools.buildah("umount", name)
    tools.buildah("config", "--cmd", "cat /made", name)
    for form in ("oci-archive", "docker-archive"):
        target = store.scratch / f"{form}.tar"
        tools.buildah("commit", "-q", name, f"{form}:{target}:localhost/made:1")
        load(store, target, "--name", "theirs")
        assert store.run("theirs").ok().out == "by buildah"
