"""OCI archives: config, manifest and index over finished layers, as one tar that any engine can load."""

import hashlib
import io
import json
import os
import tarfile
import time

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+"


def is_current(output, image, compression):
    """Whether `output` was written from the same recipe. The archive's own record is compared, so an archive that
    was replaced by hand counts as out of date."""
    try:
        with open(_record_path(output)) as file:
            record = json.load(file)
        status = os.stat(output)
    except (FileNotFoundError, ValueError):
        return False
    return record == _record(image, compression, status)


def write(output, image, layers, cache, compression):
    """Writes the archive of `image` to `output`, whole or not at all. `layers` come from steps.build_layers."""
    blobs = [layer.blob(cache, compression) for layer in layers]
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(layers[-1].epoch))
    config = _json({
        "created": created,
        "architecture": "amd64",
        "os": "linux",
        "config": _config(image.config),
        "rootfs": {"type": "layers", "diff_ids": [blob["diff_id"] for blob in blobs]},
        "history": [{"created": created, "created_by": layer.recipe.comment} for layer in layers],
    })
    manifest = _json({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _descriptor(CONFIG_TYPE, config),
        "layers": [
            {"mediaType": LAYER_TYPE + compression, "digest": blob["digest"], "size": blob["size"]} for blob in blobs],
        "annotations": {"org.opencontainers.image.created": created},
    })
    reference = {
        **_descriptor(MANIFEST_TYPE, manifest),
        "platform": {"architecture": "amd64", "os": "linux"},
        "annotations": {"org.opencontainers.image.ref.name": f"{image.name}:latest"},
    }
    index = _json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [reference]})

    partial = f"{output}.partial"
    with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", index)
        for content in (manifest, config):
            _add(tar, _blob_name(_digest(content)), content)
        for digest, path in {blob["digest"]: blob["path"] for blob in blobs}.items():
            with open(path, "rb") as file:
                entry = tarfile.TarInfo(_blob_name(digest))
                entry.size, entry.mode = os.path.getsize(path), 0o644
                tar.addfile(entry, file)
    os.rename(partial, output)
    with open(_record_path(output), "w") as file:
        json.dump(_record(image, compression, os.stat(output)), file)


def _record(image, compression, status):
    return {"key": image.key, "compression": compression, "size": status.st_size, "mtime": status.st_mtime_ns}


def _record_path(output):
    folder, name = os.path.split(os.path.abspath(output))
    return os.path.join(folder, f".{name}.json")


def _config(config):
    """The recipe's config in the OCI shape: sets are written as objects with empty values."""
    shaped = dict(config)
    for name in ("ExposedPorts", "Volumes"):
        if name in shaped:
            shaped[name] = {key: {} for key in shaped[name]}
    if "Env" in shaped:
        shaped["Env"] = [f"{key}={value}" for key, value in shaped["Env"].items()]
    return shaped


def _json(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _digest(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type, content):
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _blob_name(digest):
    return "blobs/" + digest.replace(":", "/")


def _add(tar, name, content):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    tar.addfile(entry, io.BytesIO(content))
