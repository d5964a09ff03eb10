"""Image archives made and looked at with Python's own tarfile, and the tools of others that read and write them."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from . import process


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def member(name: str, type=tarfile.REGTYPE, **more) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = type, 0o755 if type == tarfile.DIRTYPE else 0o644
    for key, value in more.items():
        setattr(entry, key, value)
    return entry


def layer(*members) -> bytes:
    """A tar archive of TarInfo or (TarInfo, data)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8",
                      errors="surrogateescape") as tar:
        for item in members:
            entry, data = item if isinstance(item, tuple) else (item, b"")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def layout(folder: Path, layers: list[bytes], name: str = "test:1", **config) -> Path:
    """An OCI layout directory of one image with these uncompressed layers."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True)

    def blob(data: bytes, media_type: str) -> dict:
        (blobs / sha256(data)).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": "sha256:" + sha256(data),
                "size": len(data)}

    document = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + sha256(data) for data in layers]}, **config}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": blob(json.dumps(document).encode(), "config.v1+json"),
                "layers": [blob(data, "layer.v1.tar") for data in layers]}
    entry = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return folder


def saved_layers(archive: Path) -> list[list[dict]]:
    """The members of each layer of an archive made by `save`: everything that a layer can say, as plain values."""
    with tarfile.open(archive) as tar:
        def read(name: str) -> bytes:
            return tar.extractfile(name).read()

        index = json.loads(read("index.json"))
        manifest = json.loads(read("blobs/sha256/" + index["manifests"][0]["digest"][7:]))
        return [entries(read("blobs/sha256/" + found["digest"][7:])) for found in manifest["layers"]]


def entries(data: bytes) -> list[dict]:
    found = []
    with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as tar:
        for entry in tar:
            found.append({
                "name": entry.name, "type": entry.type, "mode": entry.mode, "uid": entry.uid, "gid": entry.gid,
                "mtime": entry.mtime, "link": entry.linkname, "device": (entry.devmajor, entry.devminor),
                "data": tar.extractfile(entry).read() if entry.isreg() else b"",
                "xattrs": {key[13:]: value for key, value in entry.pax_headers.items()
                           if key.startswith("SCHILY.xattr.")}})
    return found


class Tools:
    """podman, buildah, skopeo and umoci with a store and a configuration of their own."""

    def __init__(self, directory: Path, path: str):
        self.directory = directory
        directory.mkdir(exist_ok=True)
        (directory / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
        (directory / "containers.conf").write_text(f'[network]\nnetwork_config_dir = "{directory}/networks"\n')
        (directory / "registries.conf").write_text("unqualified-search-registries = []\n")
        self.env = {"PATH": path, "HOME": str(directory), "CONTAINERS_CONF": str(directory / "containers.conf"),
                    "CONTAINERS_REGISTRIES_CONF": str(directory / "registries.conf"),
                    "XDG_RUNTIME_DIR": str(directory), "TMPDIR": str(directory)}
        self.store = ["--root", directory / "root", "--runroot", directory / "run", "--storage-driver", "vfs"]

    def _run(self, *words) -> process.Result:
        return process.run(list(map(str, words)), scratch=self.directory, env=self.env, timeout=120).ok()

    def podman(self, *words) -> process.Result:
        return self._run("podman", *self.store, "--tmpdir", self.directory / "tmp", "--events-backend", "file",
                         "--cgroup-manager", "cgroupfs", *words)

    def buildah(self, *words) -> process.Result:
        return self._run("buildah", *self.store, *words)

    def skopeo(self, *words) -> process.Result:
        return self._run("skopeo", "--insecure-policy", "--tmpdir", self.directory, *words)

    def umoci(self, *words) -> process.Result:
        return self._run("umoci", *words)
