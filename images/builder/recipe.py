"""Recipes: images/NAME/image.toml read into values, and the keys that say when a layer is out of date."""

import hashlib
import os
import tomllib
from dataclasses import dataclass, field

from .failure import BuildFailure

# Part of every key: raise it when a change of the builder changes what a layer holds.
FORMAT = "1"

LAYER_FIELDS = {"assemble", "packages", "files", "run", "comment"}
CONFIG_FIELDS = {"User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels", "StopSignal"}


@dataclass
class LayerRecipe:
    """One layer: `assemble` is a script run on the host to make a base tree; the others work in a chroot."""

    comment: str
    assemble: str | None = None
    packages: list[str] = field(default_factory=list)
    files: str | None = None
    run: str | None = None
    key: str = ""


@dataclass
class ImageRecipe:
    name: str
    folder: str
    description: str
    layers: list[LayerRecipe]
    config: dict
    key: str = ""


def names(folder):
    return sorted(n for n in os.listdir(folder) if os.path.exists(os.path.join(folder, n, "image.toml")))


def load(folder, name):
    """Reads recipe `name`, with the layers of the images it stands on in front."""
    folder = os.path.abspath(folder)
    path = os.path.join(folder, name, "image.toml")
    if not os.path.exists(path):
        raise BuildFailure(f"no image named {name}; there are: {' '.join(names(folder))}")
    with open(path, "rb") as file:
        try:
            table = tomllib.load(file)
        except tomllib.TOMLDecodeError as error:
            raise BuildFailure(f"{path}: {error}") from error
    unknown = set(table) - {"description", "from", "layer", "config"}
    unknown |= {key for layer in table["layer"] for key in set(layer) - LAYER_FIELDS}
    unknown |= set(table.get("config", {})) - CONFIG_FIELDS
    if unknown:
        raise BuildFailure(f"{path}: unknown fields: {' '.join(sorted(unknown))}")

    base = load(folder, table["from"]) if "from" in table else None
    layers = list(base.layers) if base else []
    for entry in table["layer"]:
        layer = LayerRecipe(**entry)
        for part in ("assemble", "files"):
            if getattr(layer, part):
                setattr(layer, part, os.path.join(folder, name, getattr(layer, part)))
        layer.key = _key(layer, layers[-1].key if layers else FORMAT)
        layers.append(layer)
    config = {**(base.config if base else {}), **table.get("config", {})}
    image = ImageRecipe(name, os.path.join(folder, name), table["description"], layers, config)
    image.key = hashlib.sha256(f"{layers[-1].key}\0{sorted(config.items())}".encode()).hexdigest()
    return image


def _key(layer, parent):
    """Digest of all that decides the content of `layer`: its fields, the files it copies, the layers below."""
    digest = hashlib.sha256(parent.encode())
    digest.update(repr((layer.packages, layer.run)).encode())
    for path in _inputs(layer):
        with open(path, "rb") as file:
            digest.update(f"{path.rsplit('/images/', 1)[-1]}\0{os.stat(path).st_mode & 0o111}\0".encode())
            digest.update(file.read())
    return digest.hexdigest()


def _inputs(layer):
    if layer.assemble:
        yield layer.assemble
    if layer.files:
        for folder, folders, files in os.walk(layer.files):
            folders.sort()
            yield from (os.path.join(folder, file) for file in sorted(files))
