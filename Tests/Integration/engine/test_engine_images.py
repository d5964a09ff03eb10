"""Names, lists, history and removal of images; what the store takes on the disk; prune."""

import shutil

import pytest

from skifftest import process


@pytest.fixture
def store(empty_engine, busybox_archive):
    """An Engine whose own store has busybox:latest."""
    empty_engine("load", "--quiet", busybox_archive).ok()
    return empty_engine


def names(engine) -> list[str]:
    return [f"{image.get('name')}:{image.get('tag')}" for image in engine("images", "--format", "json").ok().json]


def test_tag_untag_and_rmi_by_name(store):
    store("tag", "busybox", "tools:1", "localhost:5000/a/tools").ok()
    assert names(store) == ["busybox:latest", "localhost:5000/a/tools:latest", "tools:1"]
    assert store.run("tools:1", "echo", "hi").ok().out == "hi\n"
    assert store("untag", "busybox", "tools:1").ok().out == "untagged: tools:1\n"
    assert store("rmi", "localhost:5000/a/tools").ok().out == "untagged: localhost:5000/a/tools:latest\n"
    gone = store("rmi", "busybox").ok().out
    assert gone.startswith("untagged: busybox:latest\ndeleted: sha256:")
    assert names(store) == [] and not list((store.store / "layers").iterdir())


def test_rmi_by_id_and_by_digest(store):
    image = store("images", "--format", "json").ok().json[0]
    store("tag", "busybox", "tools", "tools:2").ok()
    store("rmi", image["id"]).failed("it has 3 names: busybox:latest, tools:2, tools:latest", "--force")
    assert store("rmi", f"tools@{image['digest']}").ok().out == "untagged: tools:2\nuntagged: tools:latest\n"
    store("rmi", f"tools@{image['digest']}").failed("no such image")
    store("rmi", "--ignore", "tools").ok()
    assert "deleted: " + image["id"] in store("rmi", image["id"][7:19]).ok().out


def test_rmi_leaves_what_containers_use(store):
    store("run", "--name", "box", "busybox", "true").ok()
    store("rmi", "busybox").failed("used by container", "remove the container first")
    assert store("rmi", "--all").ok().out == "" and names(store) == ["busybox:latest"]
    store("rmi", "--force", "busybox").ok()
    assert names(store) == ["None:None"]
    assert store("images").ok().out.splitlines()[1].startswith("<none>")
    store("start", "box").ok()
    store("wait", "box").ok()
    store("image", "prune", "--force").ok()
    assert names(store) == ["None:None"], "a container uses it"
    store("rm", "box").ok()
    assert "deleted: sha256:" in store("image", "prune", "--force").ok().out
    assert names(store) == []


@pytest.mark.parametrize("words, message", [
    (("tag", "busybox", "Web"), "capital letters"),
    (("tag", "busybox", "web@sha256:" + "a" * 64), "a new name has no digest"),
    (("tag", "missing", "web"), "no such image"),
    (("tag", "busybox"), "IMAGE NAME"),
    (("untag", "busybox", "other"), "other:latest is not one of its names"),
    (("rmi",), "Which image"),
    (("rmi", "--all", "busybox"), "takes no names"),
    (("rmi", "web:!"), "is not a tag"),
    (("images", "--filter", "size=3"), "the keys are"),
    (("images", "--filter", "label"), "KEY=VALUE"),
    (("images", "--filter", "before=missing"), "no such image"),
    (("images", "--filter", "until=soon"), "duration"),
    (("images", "--format", "xml"), "format"),
    (("history", "missing"), "no such image"),
    (("df", "--format", "xml"), "table or json"),
])
def test_bad_input_changes_nothing(store, words, message):
    result = store(*words)
    assert result.code in (1, 2) and message in result.err, result
    assert names(store) == ["busybox:latest"]


def test_images_filters(store):
    store("tag", "busybox", "tools:1").ok()

    def listed(*words):
        return [line.split()[0] for line in store("images", *words).ok().out.splitlines()[1:]]

    assert listed() == ["busybox", "tools"]
    assert listed("tools") == ["tools"] and listed("t*") == ["tools"] and listed("busybox:2") == []
    assert listed("--filter", "reference=busy*:latest") == ["busybox"]
    assert listed("--filter", "dangling=true") == [] and listed("--filter", "label!=nothing") == ["busybox", "tools"]
    assert listed("--filter", "label=nothing") == [] and listed("--filter", "before=busybox") == []
    assert listed("--filter", "until=1s") == ["busybox", "tools"] and listed("--filter", "until=2000-01-01T00:00:00Z") == []
    row = store("images", "--digests", "--no-trunc", "tools").ok().out.splitlines()[1].split()
    image = store("images", "--format", "json").ok().json[0]
    assert row[2:4] == [image["digest"], image["id"]]
    assert store("images", "-q").ok().out == image["id"][7:19] + "\n"


def test_history(store):
    rows = store("history", "busybox").ok().out.splitlines()
    assert rows[0].split() == ["ID", "CREATED", "CREATED", "BY", "SIZE", "COMMENT"] and len(rows) >= 2
    steps = store("history", "--format", "json", "busybox").ok().json
    assert steps[0]["id"] == store("images", "--format", "json").ok().json[0]["id"]
    assert sum(not step["emptyLayer"] for step in steps) == 1
    assert store("image", "history", "-q", "busybox").ok().out.split() == [steps[0]["id"][7:19]]


def test_df_counts_images_containers_and_volumes(store):
    store("tag", "busybox", "tools").ok()
    store("run", "--name", "box", "-v", "data:/data", "busybox", "sh", "-c",
          "dd if=/dev/zero of=/big bs=1M count=3; dd if=/dev/zero of=/data/big bs=1M count=2").ok()
    found = store("df", "--format", "json").ok().json
    image, = found["images"]["items"]
    assert image["names"] == ["busybox:latest", "tools:latest"] and image["users"] == 1
    assert found["images"]["size"] == image["size"] > 500_000 and found["images"]["reclaimable"] == 0
    box, = found["containers"]["items"]
    assert box["names"] == ["box"] and 3 << 20 <= box["size"] < 4 << 20
    assert found["containers"]["active"] == 0 and found["containers"]["reclaimable"] == box["size"]
    volume, = found["volumes"]["items"]
    assert volume["id"] == "data" and 2 << 20 <= volume["size"] < 3 << 20 and volume["users"] == 1
    table = store("df").ok().out.splitlines()
    assert [line.split()[0] for line in table] == ["TYPE", "Images", "Containers", "Volumes"]
    assert "box" in store("df", "--verbose").ok().out
    store("rm", "box").ok()
    found = store("df", "--format", "json").ok().json
    assert found["volumes"]["active"] == 0 and found["images"]["reclaimable"] == found["images"]["size"]
    shutil.rmtree(store.store / "volumes/data")


def test_prune_removes_what_does_not_run(store):
    store("run", "--name", "ended", "-v", "old:/data", "busybox", "true").ok()
    store("tag", "busybox", "tools").ok()
    running = store.detached("-v", "data:/data", "busybox", "sleep", "100")
    asked = process.run(store.words("prune"), scratch=store.scratch, env=store.env, stdin=b"n\n")
    assert asked.code == 1 and "[y/N]" in asked.err
    # A volume of the last seconds may belong to a container that is being made.
    process.until(lambda: "removed volume: old" in store("prune", "--force", "--all", "--volumes").ok().out,
                  "an old volume", 30, interval=1)
    left = store("df", "--format", "json").ok().json
    assert [item["id"] for item in left["containers"]["items"]] == [running]
    assert [item["id"] for item in left["volumes"]["items"]] == ["data"]
    assert names(store) == ["busybox:latest", "tools:latest"]
    assert store("exec", running, "echo", "hi").ok().out == "hi\n"
    store("rm", "--force", running).ok()
    asked = process.run(store.words("prune", "--all"), scratch=store.scratch, env=store.env, stdin=b"yes\n").ok()
    assert "deleted: sha256:" in asked.out and names(store) == []
    shutil.rmtree(store.store / "volumes/data")
