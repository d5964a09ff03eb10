"""Image formats (checklist IMG-1 … IMG-36): every shape that tools write is loaded, everything ambiguous refused."""

import bz2
import gzip
import json
import lzma
import struct
import subprocess
import zlib

import pytest

from skifftest.loading import FILES, LAYER, helper, load, loads, refuses  # noqa: F401
from skifftest.tars import MACHINE, Layout, digest, layer_of

pytestmark = pytest.mark.skiff_only
TYPE = "application/vnd.oci.image.layer.v1.tar"


def zstd(data, *words):
    return subprocess.run(["zstd", "-q", "-c", *words], input=data, stdout=subprocess.PIPE, check=True).stdout


def skippable(data):
    return struct.pack("<II", 0x184D2A50, len(data)) + data


def plain(tar):
    return tar


@pytest.mark.parametrize("media, pack", [
    (TYPE, plain), (TYPE + "+gzip", gzip.compress),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar", plain),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", gzip.compress),
])
def test_img_1_media_types_of_layers(loads, media, pack):
    loads(Layout([LAYER], pack, media))


@pytest.mark.parametrize("media", [
    TYPE + "+zstd", "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"])
@pytest.mark.parametrize("pack", [
    zstd, lambda tar: zstd(tar, "-19"), lambda tar: zstd(tar[:1000]) + zstd(tar[1000:]),
    lambda tar: skippable(b"x" * 9) + zstd(tar) + skippable(b""),
    lambda tar: b"".join(zstd(tar[at:at + 70_000]) + skippable(b"toc") for at in range(0, len(tar), 70_000)),
    lambda tar: zstd(tar, "--no-check")], ids=["one", "19", "frames", "skippable", "chunked", "unchecked"])
def test_img_2_zstd_frames(loads, media, pack):
    loads(Layout([LAYER], pack, media))


def test_img_2_dockers_media_type(loads):
    loads(Layout([LAYER], media="application/vnd.docker.image.rootfs.diff.tar.gzip"))


def raw_gzip(data, name=b"", extra=b"", comment=b"", header_sum=False):
    flags = (8 if name else 0) | (4 if extra else 0) | (16 if comment else 0) | (2 if header_sum else 0)
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\x03"
    if extra:
        head += struct.pack("<H", len(extra)) + extra
    head += (name + b"\0" if name else b"") + (comment + b"\0" if comment else b"")
    if header_sum:
        head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    return head + body.compress(data) + body.flush() + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


@pytest.mark.parametrize("pack", [
    lambda tar: gzip.compress(tar[:5]) + gzip.compress(tar[5:]),
    lambda tar: b"".join(gzip.compress(tar[at:at + 10_000]) for at in range(0, len(tar), 10_000)),
    lambda tar: b"".join(raw_gzip(tar[at:at + 512]) for at in range(0, len(tar), 512)),
    lambda tar: gzip.compress(tar) + gzip.compress(b""),
    lambda tar: gzip.compress(tar) + b"\0" * 5000,
    lambda tar: gzip.compress(tar, 0),
    lambda tar: raw_gzip(tar, b"name", b"ab\2\0xy", b"comment", True)],
    ids=["two", "many", "tiny", "empty", "padded", "stored", "header fields"])
def test_img_3_gzip_members(loads, pack):
    loads(Layout([LAYER], pack))


@pytest.mark.parametrize("pack, media, reason", [
    (lambda tar: gzip.compress(tar) + b"junk", "+gzip", "follow its end"),
    (lambda tar: gzip.compress(tar) + b"\0\0junk", "+gzip", "follow its end"),
    (lambda tar: zstd(tar) + b"junk", "+zstd", "follow its end"),
    (lambda tar: gzip.compress(tar)[:-1], "+gzip", "truncated gzip"),
    (lambda tar: gzip.compress(tar)[:-9], "+gzip", "truncated gzip"),
    (lambda tar: zstd(tar)[:-1], "+zstd", "truncated zstd"),
    (lambda tar: gzip.compress(tar)[:-8] + b"\0" * 8, "+gzip", "checksum"),
    (lambda tar: zstd(tar, "--check")[:-1] + b"\1", "+zstd", "checksum"),
    (lambda tar: zstd(tar * 300, "--ultra", "-22", "--long=31", "--zstd=wlog=30"), "+zstd", "window"),
], ids=["junk", "zeros, junk", "zstd junk", "no last byte", "no checksum", "zstd cut", "wrong sum", "zstd sum", "window"])
def test_img_3_damaged_streams_are_refused(refuses, pack, media, reason):
    refuses(Layout([LAYER], pack, TYPE + media), reason)


@pytest.mark.parametrize("wrong", ["digest", "size+", "size-", "upper", "short", "config", "manifest"])
def test_img_20_21_28_wrong_digests_and_sizes(refuses, wrong):
    layout = Layout([LAYER])
    manifest_name = "blobs/" + layout.manifest["digest"].replace(":", "/")
    body = json.loads(layout.files[manifest_name])
    layer = body["layers"][0]
    blob = "blobs/" + layer["digest"].replace(":", "/")
    if wrong == "digest":
        layout.files[blob] = layout.files[blob][:-1] + bytes([layout.files[blob][-1] ^ 1])
    elif wrong == "size+":
        layer["size"] += 1
    elif wrong == "size-":
        layer["size"] -= 1
    elif wrong == "upper":
        layer["digest"] = layer["digest"].upper().replace("SHA", "sha")
    elif wrong == "short":
        layout.files[blob] = layout.files[blob][:100]
    elif wrong == "config":
        name = "blobs/" + body["config"]["digest"].replace(":", "/")
        layout.files[name] = layout.files[name].replace(b"/sh", b"/ls")
    if wrong == "manifest":
        layout.files[manifest_name] += b" "
    else:
        described = layout.blob(json.dumps(body).encode())
        layout.index([{"mediaType": layout.manifest["mediaType"], **described,
                       "annotations": {"org.opencontainers.image.ref.name": "x:1"}}])
    refuses(layout)


def test_img_20_sha512_is_verified(loads, refuses):
    loads(Layout([LAYER], function="sha512"))


def test_img_24_indexes_within_indexes(loads, refuses, tmp_path):
    def nested(depth):
        layout = Layout([LAYER])
        descriptor = layout.manifest
        for _ in range(depth):
            body = {"schemaVersion": 2, "manifests": [descriptor]}
            descriptor = {"mediaType": "application/vnd.oci.image.index.v1+json", **layout.blob(json.dumps(body).encode())}
        layout.index([{**descriptor, "annotations": {"org.opencontainers.image.ref.name": "x:1"}}])
        return layout

    refuses(nested(1000), "nested deeper")
    loads(nested(3))


def test_img_24_wide_indexes(refuses):
    layout = Layout([LAYER])
    wide = {"schemaVersion": 2, "manifests": [{**layout.manifest, "size": 7}] * 100_000}
    inner = {"mediaType": "application/vnd.oci.image.index.v1+json", **layout.blob(json.dumps(wide).encode())}
    layout.index([{**inner, "annotations": {"org.opencontainers.image.ref.name": "x:1"}}])
    refuses(layout)


def platforms(*names):
    layout = Layout([LAYER])
    entries = []
    for os_name, architecture, variant in names:
        config = {"architecture": architecture, "os": os_name, **({"variant": variant} if variant else {})}
        one = Layout([LAYER], config=config)
        layout.files.update({key: value for key, value in one.files.items() if key.startswith("blobs")})
        entries.append({**one.manifest, "platform": config})
    inner = {"mediaType": "application/vnd.oci.image.index.v1+json",
             **layout.blob(json.dumps({"schemaVersion": 2, "manifests": entries}).encode())}
    layout.index([{**inner, "annotations": {"org.opencontainers.image.ref.name": "x:1"}}])
    return layout, [entry["digest"] for entry in entries]


@pytest.mark.parametrize("wanted, choice", [
    ("linux/arm/v6", 1), ("linux/arm/v7", 2), ("linux/arm64", 3), ("linux/arm/v8", 2), ("linux/riscv64", 4)])
def test_img_25_platforms_with_variants(load, tmp_path, wanted, choice):
    layout, digests = platforms(("windows", "amd64", None), ("linux", "arm", "v6"), ("linux", "arm", "v7"),
                                ("linux", "arm64", "v8"), ("linux", "riscv64", None))
    done = load(layout.archive(tmp_path / "image.tar"), "--platform", wanted)
    assert done.stdout.decode().strip().endswith(digests[choice]), (done.stdout, done.stderr)


def test_img_25_none_for_this_platform(refuses):
    layout, _ = platforms(("linux", "s390x", None), ("linux", "arm", "v6"))
    refuses(layout, "linux/s390x", "linux/arm/v6")


@pytest.mark.parametrize("change", [
    {"manifests": []}, {"schemaVersion": 1}, {"mediaType": "application/vnd.oci.image.index.v1+json"}])
def test_img_26_polyglot_manifests(refuses, change):
    refuses(Layout([LAYER], manifest=change))


def test_img_33_artifacts_are_no_images(refuses):
    layout = Layout([LAYER])
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", **layout.blob(b"{}")}
    body = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/x-signature", "config": empty, "layers": [empty]}
    layout.index([{"mediaType": layout.manifest["mediaType"], **layout.blob(json.dumps(body).encode()),
                   "annotations": {"org.opencontainers.image.ref.name": "x:1"}}])
    refuses(layout, "artifact")


def docker_archive(shape):
    config = json.dumps({"architecture": MACHINE, "os": "linux", "config": {"Cmd": ["/sh"]},
                         "rootfs": {"type": "layers", "diff_ids": [digest(LAYER)]}}).encode()
    id = digest(config)[7:]
    if shape == "old":
        layer, name = "0" * 64 + "/layer.tar", f"{id}.json"
    else:
        layer, name = "blobs/sha256/" + digest(LAYER)[7:], f"blobs/sha256/{id}"
    manifest = json.dumps([{"Config": name, "RepoTags": ["web:2"], "Layers": [layer]}]).encode()
    return layer_of({layer: LAYER, name: config, "manifest.json": manifest})


@pytest.mark.parametrize("shape", ["old", "new"])
@pytest.mark.parametrize("pack", [plain, gzip.compress, zstd, lzma.compress, bz2.compress],
                         ids=["plain", "gzip", "zstd", "xz", "bzip2"])
@pytest.mark.parametrize("way", ["file", "pipe"])
def test_img_34_docker_archives(load, tmp_path, shape, pack, way):
    data = pack(docker_archive(shape))
    if way == "file":
        (tmp_path / "a.tar").write_bytes(data)
        done = load(tmp_path / "a.tar")
    else:
        done = load(None, input=data)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith("web:2@sha256:")
    tree = next((tmp_path / "store/layers").iterdir()) / "fs"
    assert (tree / "etc/name").read_bytes() == FILES["etc/name"]


@pytest.mark.parametrize("way", ["directory", "pipe", "gzip", "gzip members"])
def test_img_31_layouts_from_everywhere(load, tmp_path, way):
    layout = Layout([LAYER], name="x:1")
    source, data = None, None
    if way == "directory":
        source = layout.folder(tmp_path / "folder")
    else:
        data = layer_of(layout.files)
        if way == "gzip":
            data = gzip.compress(data)
        elif way == "gzip members":
            data = gzip.compress(data[:777]) + gzip.compress(data[777:])
    done = load(source, input=data)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith("x:1@" + layout.manifest["digest"])
