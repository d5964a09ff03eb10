"""Layers and layouts made by hand, for images that no tool would make."""

import gzip
import hashlib
import io
import json
import platform
import tarfile

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def layer_of(files):
    """A tar of regular files: name → bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def digest(data, function="sha256"):
    return f"{function}:{hashlib.new(function, data).hexdigest()}"


class Layout:
    """An OCI layout: `layers` are plain tars, stored as `pack` makes them."""

    def __init__(self, layers, pack=lambda tar: gzip.compress(tar, 1), media="application/vnd.oci.image.layer.v1.tar+gzip",
                 name="latest", function="sha256", config=None, manifest=None):
        self.files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
        self.function = function
        described = []
        for tar in layers:
            described.append({"mediaType": media, **self.blob(pack(tar))})
        config = json.dumps({"architecture": MACHINE, "os": "linux", "config": {"Cmd": ["/sh"]},
                             "rootfs": {"type": "layers", "diff_ids": [digest(tar, function) for tar in layers]},
                             **(config or {})}).encode()
        body = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **self.blob(config)},
                "layers": described, **(manifest or {})}
        self.manifest = {"mediaType": "application/vnd.oci.image.manifest.v1+json", **self.blob(json.dumps(body).encode())}
        self.index([{**self.manifest, "annotations": {"org.opencontainers.image.ref.name": name}}])

    def blob(self, data):
        """Puts a blob in; gives digest and size."""
        name = digest(data, self.function)
        self.files["blobs/" + name.replace(":", "/")] = data
        return {"digest": name, "size": len(data)}

    def index(self, manifests):
        self.files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()

    def archive(self, path):
        path.write_bytes(layer_of(self.files))
        return path

    def folder(self, path):
        for name, data in self.files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
        return path
