"""The image builder: layers hold what their trees hold, archives are well-formed and the same each time."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "images"))

from builder import archive, layer, recipe, steps  # noqa: E402
from builder.failure import BuildFailure  # noqa: E402

EPOCH = 1_700_000_000
NET_RAW = bytes.fromhex("0100000200200000000000000000000000000000")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners, devices and capabilities need root")


def make_tree(tree):
    (tree / "bin").mkdir(parents=True)
    (tree / "bin/tool").write_text("tool")
    os.link(tree / "bin/tool", tree / "bin/zz-same")
    os.symlink("/bin/tool", tree / "link")
    os.chown(tree / "bin/tool", 12, 34)
    os.chmod(tree / "bin/tool", 0o6755)
    (tree / "bin/ping").write_text("ping")
    os.setxattr(tree / "bin/ping", "security.capability", NET_RAW)
    os.mkfifo(tree / "fifo", 0o640)
    os.mknod(tree / "tape", 0o600 | 0o020000, os.makedev(9, 1))
    os.mknod(tree / "gone", 0o000 | 0o020000, os.makedev(0, 0))
    (tree / "opaque").mkdir()
    os.setxattr(tree / "opaque", "trusted.overlay.opaque", b"y")
    (tree / "var/lib/apt/lists").mkdir(parents=True)
    (tree / "var/lib/apt/lists/some_list").write_text("x")
    (tree / "old").write_text("old")
    os.utime(tree / "old", (5, 5))


def entries(tree):
    stream = io.BytesIO()
    layer.write_tar(tree, EPOCH, stream)
    return {member.name: member for member in tarfile.open(fileobj=io.BytesIO(stream.getvalue()))}, stream.getvalue()


def test_a_layer_holds_owners_modes_links_devices_and_capabilities(tmp_path):
    make_tree(tmp_path)
    found, _ = entries(tmp_path)
    assert (found["bin/tool"].uid, found["bin/tool"].gid, found["bin/tool"].mode) == (12, 34, 0o6755)
    assert found["bin/zz-same"].islnk() and found["bin/zz-same"].linkname == "bin/tool"
    assert found["link"].issym() and found["link"].linkname == "/bin/tool"
    assert found["fifo"].isfifo() and found["fifo"].mode == 0o640
    assert (found["tape"].ischr(), found["tape"].devmajor, found["tape"].devminor) == (True, 9, 1)
    value = found["bin/ping"].pax_headers["SCHILY.xattr.security.capability"]
    assert value.encode("utf-8", "surrogateescape") == NET_RAW


def test_deletions_become_whiteouts_and_opaque_marks(tmp_path):
    make_tree(tmp_path)
    found, _ = entries(tmp_path)
    assert ".wh.gone" in found and "gone" not in found
    assert "opaque/.wh..wh..opq" in found
    assert not any("trusted" in key for member in found.values() for key in member.pax_headers)


def test_times_are_clamped_and_lists_left_out(tmp_path):
    make_tree(tmp_path)
    found, _ = entries(tmp_path)
    assert found["old"].mtime == 5
    assert found["bin/tool"].mtime == EPOCH
    assert "var/lib/apt/lists" in found and "var/lib/apt/lists/some_list" not in found


def test_logs_are_left_out_but_links_of_logs_are_kept(tmp_path):
    make_tree(tmp_path)
    (tmp_path / "var/log/server").mkdir(parents=True)
    (tmp_path / "var/log/server/error.log").write_text("of the build")
    (tmp_path / "var/log/server/access.log").symlink_to("/dev/stdout")
    found, _ = entries(tmp_path)
    assert "var/log/server/error.log" not in found
    assert found["var/log/server/access.log"].linkname == "/dev/stdout"


def test_the_same_tree_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        make_tree(tmp_path / name)
    assert entries(tmp_path / "a")[1] == entries(tmp_path / "b")[1]


@pytest.mark.parametrize("compression, command", [("gzip", "gzip"), ("zstd", "zstd")])
def test_digests_are_those_of_the_bytes(tmp_path, compression, command):
    (tmp_path / "tree").mkdir()
    make_tree(tmp_path / "tree")
    facts = layer.write_compressed(tmp_path / "tree", EPOCH, tmp_path / "blob", compression)
    blob = (tmp_path / "blob").read_bytes()
    tar = subprocess.run([command, "-dc"], input=blob, capture_output=True, check=True).stdout
    assert facts == {
        "diff_id": "sha256:" + hashlib.sha256(tar).hexdigest(),
        "digest": "sha256:" + hashlib.sha256(blob).hexdigest(), "size": len(blob)}


def test_an_archive_is_an_oci_layout_whose_digests_agree(tmp_path):
    tree = tmp_path / "layers/one/diff"
    tree.mkdir(parents=True)
    make_tree(tree)
    one = recipe.LayerRecipe(comment="one")
    image = recipe.ImageRecipe("thing", "", "", [one], {
        "Env": {"A": "b"}, "ExposedPorts": ["80/tcp"], "Volumes": ["/data"], "Cmd": ["sh"]}, key="k")
    output = tmp_path / "thing.tar"
    archive.write(str(output), image, [steps.BuiltLayer(one, str(tree.parent), EPOCH)], str(tmp_path), "gzip")
    with tarfile.open(output) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}

    def blob(descriptor):
        content = files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert hashlib.sha256(content).hexdigest() == descriptor["digest"].split(":")[1]
        assert len(content) == descriptor["size"]
        return content

    [reference] = json.loads(files["index.json"])["manifests"]
    assert reference["annotations"]["org.opencontainers.image.ref.name"] == "thing:latest"
    manifest = json.loads(blob(reference))
    config = json.loads(blob(manifest["config"]))
    assert config["config"] == {
        "Env": ["A=b"], "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}}, "Cmd": ["sh"]}
    assert len(config["rootfs"]["diff_ids"]) == len(manifest["layers"]) == 1
    blob(manifest["layers"][0])
    assert archive.is_current(str(output), image, "gzip")
    assert not archive.is_current(str(output), image, "zstd")
    image.key = "another"
    assert not archive.is_current(str(output), image, "gzip")


def test_every_recipe_is_readable_and_keyed_by_its_inputs():
    folder = str(PROJECT / "images")
    images = {name: recipe.load(folder, name) for name in recipe.names(folder)}
    assert set(images) >= {"busybox", "debian", "python", "nginx", "redis", "postgres"}
    assert len({image.key for image in images.values()}) == len(images)
    for name in ("python", "nginx", "redis", "postgres"):
        assert images[name].layers[0].key == images["debian"].layers[0].key
        assert len(images[name].layers) >= 3


def test_a_recipe_with_an_unknown_field_is_refused(tmp_path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/image.toml").write_text('description = ""\n[[layer]]\ncomment = ""\npakages = []\n')
    with pytest.raises(BuildFailure, match="pakages"):
        recipe.load(str(tmp_path), "odd")


def test_an_image_that_does_not_exist_is_named_with_those_that_do(tmp_path):
    done = subprocess.run([PROJECT / "images/build", "nonesuch"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no image named nonesuch; there are: busybox" in done.stderr


def test_busybox_is_built_whole_and_runs_in_a_chroot(tmp_path):
    output = tmp_path / "busybox.tar"
    subprocess.run([PROJECT / "images/build", "-q", "busybox", "-o", output], check=True)
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"
    layout.mkdir()
    with tarfile.open(output) as tar:
        tar.extractall(layout)
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:busybox:latest", bundle], check=True, capture_output=True)
    command = ["chroot", bundle / "rootfs", "sh", "-c", "id -u; ls /bin/ls | wc -l"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["0", "1"]
