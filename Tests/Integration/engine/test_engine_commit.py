"""commit, export, import and the mounts of images."""

import os
import shutil
import subprocess
import tarfile

import pytest

from skifftest import archives, process
from skifftest.archives import member


@pytest.fixture
def store(empty_engine, busybox_archive):
    """An Engine whose own store has busybox:latest, with its blobs."""
    empty_engine("load", "--quiet", "--keep-blobs", busybox_archive).ok()
    return empty_engine


@pytest.fixture
def box(store):
    """Makes a container named box that runs a script to its end."""
    def run(script: str, *words):
        store("run", "--name", "box", *words, "busybox", "sh", "-ec", script).ok()
    yield run
    store("rm", "--force", "box")


def saved(store, name: str) -> list[dict]:
    """The members of the last layer."""
    target = store.scratch / "saved.tar"
    target.unlink(missing_ok=True)
    store("save", "-o", target, name).ok()
    return archives.saved_layers(target)[-1]


def test_commit_holds_what_was_written_and_removed(store, box):
    box("mkdir -p /new/deep; echo 1 >/new/deep/file; ln /new/deep/file /new/hard; ln -s deep /new/soft; mkfifo /new/fifo;"
        "chmod 4751 /new/hard; chown 7:8 /new/deep; rm /bin/vi; rm -r /tmp; mkdir /tmp; echo 2 >/tmp/two; touch /etc/passwd",
        "-v", f"{store.scratch}:/mnt/point/here")
    image = store("commit", "box", "made:1").ok().out.strip()
    assert image.startswith("sha256:") and image == store("images", "-q", "--no-trunc", "made").ok().out.strip()
    found = {entry["name"]: entry for entry in saved(store, "made:1")}
    assert set(found) == {".", "bin", "bin/.wh.vi", "etc", "etc/passwd", "new", "new/deep", "new/deep/file", "new/fifo",
                          "new/hard", "new/soft", "tmp", "tmp/.wh..wh..opq", "tmp/two"} - (
        {"tmp/.wh..wh..opq"} if "tmp/.wh..wh..opq" not in found else set())
    assert (found["new/deep"]["uid"], found["new/deep"]["gid"]) == (7, 8)
    assert found["new/deep/file"]["mode"] == 0o4751 and found["new/hard"]["link"] == "new/deep/file"
    shown = store.run("made:1", "sh", "-c", "cat /new/hard /tmp/two; ls -a /tmp; ls /bin/vi; ls /mnt").out
    assert shown == "1\n2\n.\n..\ntwo\n"
    # The layers below are the original ones, and saving it gives it the same id again.
    store("save", "-o", store.scratch / "again.tar", "made:1").ok()
    store("rmi", "made:1").ok()
    store("load", "-q", store.scratch / "again.tar").ok()
    assert store("images", "-q", "--no-trunc", "made").ok().out.strip() == image


def test_commit_without_kept_blobs_keeps_its_id_when_it_is_saved_twice(empty_engine, busybox_archive):
    empty_engine("import", "-q", rootfs(empty_engine), "base").ok()
    empty_engine("run", "--name", "box", "base", "/bin/busybox", "touch", "/made").ok()
    image = empty_engine("commit", "box", "made").ok().out
    empty_engine("rm", "box").ok()
    empty_engine("save", "-o", empty_engine.scratch / "a.tar", "made").ok()
    empty_engine("rmi", "made").ok()
    empty_engine("load", "-q", empty_engine.scratch / "a.tar").ok()
    assert empty_engine("images", "-q", "--no-trunc", "made").ok().out == image


def rootfs(engine) -> str:
    """A tar archive with a static busybox."""
    target = engine.scratch / "rootfs.tar.gz"
    with tarfile.open(target, "w:gz") as tar:
        for name in ("bin", "proc", "sys", "dev", "etc", "run"):
            tar.addfile(member(name, tarfile.DIRTYPE))
        tar.add(shutil.which("busybox"), "bin/busybox", recursive=False)
        tar.addfile(member("bin/sh", tarfile.SYMTYPE, linkname="busybox"))
    return target


def test_commit_changes_the_configuration(store, box):
    box("true")
    store("commit", "-a", "me", "-m", "a remark", "-c", 'CMD ["echo", "a b"]', "-c", "ENV ONE=1 TWO='2 3'", "-c", "ENV PATH /bin",
          "-c", "LABEL a.b=c", "-c", "WORKDIR /etc", "-c", "USER 5:6", "-c", "EXPOSE 80 53/udp", "-c", "VOLUME /data",
          "-c", "STOPSIGNAL SIGINT", "box", "made").ok()
    shown = store("image", "inspect", "made").ok().json[0]
    assert shown["Author"] == "me"
    config = shown["Config"]
    assert config["Cmd"] == ["echo", "a b"] and {"ONE=1", "TWO=2 3", "PATH=/bin"} <= set(config["Env"])
    assert len([e for e in config["Env"] if e.startswith("PATH=")]) == 1
    assert config["Labels"]["a.b"] == "c" and config["WorkingDir"] == "/etc" and config["User"] == "5:6"
    assert config["ExposedPorts"] == {"53/udp": {}, "80/tcp": {}} and config["Volumes"] == {"/data": {}}
    assert config["StopSignal"] == "SIGINT"
    step = store("history", "--format", "json", "made").ok().json[0]
    assert step["comment"] == "a remark" and step["createdBy"] == "skiff commit box"
    assert store.run("made").ok().out == "a b\n"
    assert store.run("made", "sh", "-c", "id -u; pwd").ok().out == "5\n/etc\n"
    store("commit", "-c", "ENTRYPOINT echo $0 shell", "box", "made").ok()
    assert store.run("made").ok().out == "/bin/sh shell\n"
    assert len(store("images", "--filter", "dangling=true").ok().out.splitlines()) == 2


def test_commit_of_a_running_container(store):
    id = store.detached("--name", "box", "busybox", "sh", "-c", "while :; do date >>/stamp; sleep 0.1; done")
    process.until(lambda: store("exec", id, "cat", "/stamp").out, "a first file")
    image = store("commit", "box").ok().out.strip()
    assert store("inspect", "box").ok().json[0]["state"]["status"] == "running"
    assert store.run(image, "cat", "/stamp").ok().out
    store("pause", "box").ok()
    store("commit", "box", "two").ok()
    assert store("inspect", "box").ok().json[0]["state"]["status"] == "paused"
    store("unpause", "box").ok()
    store("commit", "--pause=false", "box", "three").ok()
    store("rm", "--force", "box").ok()


@pytest.mark.parametrize("words, message", [
    (("commit", "box", "Web"), "capital letters"),
    (("commit", "missing", "web"), "no such container"),
    (("commit", "-c", "RUN true", "box", "web"), "the instructions are"),
    (("commit", "-c", "EXPOSE 80/ftp", "box", "web"), "is no port"),
    (("commit", "-c", "WORKDIR here", "box", "web"), "must begin with a slash"),
    (("commit", "-c", "ENV =1", "box", "web"), "is not KEY=VALUE"),
    (("commit", "-c", 'CMD ["a', "box", "web"), "CMD"),
    (("export", "missing"), "no such container"),
    (("export", "-o", "/nowhere/x", "box"), "ENOENT"),
    (("import", "/nowhere", "web"), "ENOENT"),
    (("import", "/etc", "web"), "it is a directory"),
    (("import", "/etc/passwd", "web"), "archive format"),
    (("import", "/dev/null", "web"), "empty"),
    (("image", "mount", "missing"), "no such image"),
    (("image", "unmount", "busybox"), "it is not mounted"),
    (("image", "unmount"), "Give names"),
])
def test_bad_input_changes_nothing(store, box, words, message):
    box("true")
    result = store(*words)
    assert result.code in (1, 2) and message in result.err, result
    assert len(store("images").ok().out.splitlines()) == 2
    assert len(list((store.store / "layers").iterdir())) == 1 and not list((store.store / "tmp").iterdir())


def test_export_and_import(store, box):
    box("echo text >/file; rm /bin/vi; chown 3:4 /file; ln /file /other", "-v", f"{store.scratch}:/mnt")
    target = store.scratch / "box.tar"
    store("export", "-o", target, "box").ok()
    store("export", "-o", target, "box").failed("it exists", code=1)
    with open(store.scratch / "piped.tar", "wb") as file:
        subprocess.run(store.words("export", "box"), stdout=file, check=True)
    assert target.read_bytes() == (store.scratch / "piped.tar").read_bytes()
    found = {entry["name"]: entry for entry in archives.entries(target.read_bytes())}
    assert "bin/vi" not in found and "bin/busybox" in found and "mnt/box.tar" not in found
    assert found["file"]["data"] == b"text\n" and found["file"]["uid"] == 3 and found["other"]["link"] == "file"
    image = store("import", "-m", "imported", "-c", "CMD cat /file", target, "made").ok().out.strip()
    assert store.run("made").ok().out == "text\n"
    piped = process.run(store.words("import", "-"), scratch=store.scratch, env=store.env,
                        stdin=target.read_bytes()).ok().out.strip()
    assert piped.startswith("sha256:") and piped != image
    assert store.run(piped, "cat", "/other").ok().out == "text\n"
    assert store("history", "made").ok().out.splitlines()[1].endswith("imported")


def test_export_of_a_running_container(store):
    id = store.detached("busybox", "sh", "-c", "echo 1 >/file; echo ready; sleep 100")
    store.wait_log(id, "ready")
    store("export", "-o", store.scratch / "x.tar", id).ok()
    assert b"1\n" in [e["data"] for e in archives.entries((store.scratch / "x.tar").read_bytes()) if e["name"] == "file"]
    store("rm", "--force", id).ok()


def test_an_image_is_mounted_and_held(store, box):
    store("import", rootfs(store), "plain").ok()
    box("rm /bin/vi; echo 1 >/new")
    store("commit", "box", "made").ok()
    store("rm", "box").ok()
    place = store("image", "mount", "made").ok().out.strip()
    assert store("image", "mount", "made").ok().out.strip() == place
    assert open(place + "/new").read() == "1\n" and not os.path.lexists(place + "/bin/vi")
    with pytest.raises(OSError):
        open(place + "/written", "w")
    assert store("image", "mount").ok().out == f"made:latest {place}\n"
    store("rmi", "made").failed("it is mounted", "skiff image unmount made", code=1)
    store("rmi", "--all").ok()
    assert open(place + "/new").read() == "1\n"
    with open(place + "/new"):
        store("image", "unmount", "made").failed("EBUSY", "--force", code=1)
        store("image", "unmount", "--force", "made").ok()
    assert store("image", "mount").ok().out == ""
    store("image", "mount", "made").ok()
    store("image", "unmount", "--all").ok()
    store("rmi", "made").ok()


def test_a_full_disk_leaves_nothing(store, box):
    box("true")
    small = store.scratch / "small"
    small.mkdir()
    process.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], scratch=store.scratch, env=store.env).ok()
    try:
        store("export", "-o", small / "x", "box").failed("ENOSPC", code=1)
        assert not list(small.iterdir())
        other = ["--store", small / "store"]
        process.run([store.program, *other, "import", rootfs(store), "plain"], scratch=store.scratch,
                    env=store.env).failed("ENOSPC", code=1)
        process.run([store.program, *other, "image", "prune", "--force"], scratch=store.scratch, env=store.env).ok()
        assert not list((small / "store/layers").iterdir()) and not list((small / "store/tmp").iterdir())
    finally:
        process.run(["umount", small], scratch=store.scratch, env=store.env).ok()
