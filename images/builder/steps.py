"""Building layers: each step works on an overlay of the layers below it; what it leaves in the upper directory is
the new layer. Runs in the private mount namespace that images/build made."""

import json
import os
import shutil
import stat
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass

from . import layer as layers
from .failure import BuildFailure
from .recipe import LayerRecipe

LIST_AGE_SECONDS = 12 * 3600
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}


@dataclass
class BuiltLayer:
    recipe: LayerRecipe
    folder: str
    epoch: int

    @property
    def tree(self):
        return os.path.join(self.folder, "diff")

    def blob(self, cache, compression):
        """The layer's compressed form, made at first use: path, diff_id, digest, size."""
        path = os.path.join(self.folder, f"layer.{compression}")
        record = f"{path}.json"
        if not os.path.exists(record):
            facts = layers.write_compressed(self.tree, self.epoch, path, compression)
            with open(f"{record}.partial", "w") as file:
                json.dump(facts, file)
            os.rename(f"{record}.partial", record)
        with open(record) as file:
            return {**json.load(file), "path": path}


def build_layers(image, cache, force, say):
    """Builds what is missing of the layers of `image`, lowest first."""
    built = []
    for recipe in image.layers:
        folder = os.path.join(cache, "layers", recipe.key[:24])
        if force and recipe.assemble is None:
            shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(os.path.join(folder, "epoch")):
            say(f"{image.name}: layer {len(built) + 1}: {recipe.comment}")
            _build_layer(recipe, built, folder, cache)
        with open(os.path.join(folder, "epoch")) as file:
            built.append(BuiltLayer(recipe, folder, int(file.read())))
    return built


def _build_layer(recipe, below, folder, cache):
    partial = f"{folder}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    tree = os.path.join(partial, "diff")
    os.makedirs(tree)
    os.chmod(tree, 0o755)
    epoch = below[-1].epoch if below else None
    if recipe.assemble:
        epoch = _assemble(recipe, tree, cache)
    else:
        with _root(below, partial, tree) as root:
            _fill(recipe, root, cache)
        shutil.rmtree(os.path.join(partial, "work"))
    if epoch is None:
        raise BuildFailure(f"{recipe.comment}: the first layer of an image needs `assemble` or the image needs `from`")
    with open(os.path.join(partial, "epoch"), "w") as file:
        file.write(str(epoch))
    os.rename(partial, folder)


def _assemble(recipe, tree, cache):
    """Runs the recipe's own script on the host; it prints the newest time that its files may bear."""
    environment = {**os.environ, "ROOT": tree, "CACHE": cache, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    done = subprocess.run([recipe.assemble], env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return int(done.stdout.split()[-1])


@contextmanager
def _root(below, partial, tree):
    """The merged tree of the layers below with `tree` as upper directory, and the mounts that a chroot needs."""
    root, work = os.path.join(partial, "root"), os.path.join(partial, "work")
    os.makedirs(root)
    os.makedirs(work)
    lower = ":".join(layer.tree for layer in reversed(below))
    options = f"lowerdir={lower},upperdir={tree},workdir={work},redirect_dir=off,metacopy=off,index=off"
    mounted = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, root])
    if mounted.returncode != 0:
        raise BuildFailure(
            f"mount an overlay with its upper directory in {partial} failed; on a root file system that is itself an "
            "overlay set IMAGES_CACHE to a folder on another file system")
    try:
        yield root
    finally:
        subprocess.run(["umount", "-R", root], check=True)
        os.rmdir(root)


def _fill(recipe, root, cache):
    if recipe.packages:
        with _chroot_mounts(root, cache):
            _install(recipe.packages, root, cache)
    if recipe.files:
        _copy(recipe.files, root)
    if recipe.run:
        with _chroot_mounts(root, cache):
            _in_chroot(root, ["sh", "-eux", "-c", recipe.run])


@contextmanager
def _chroot_mounts(root, cache):
    """Kernel file systems, devices, name service of the host, and the package lists shared by all builds."""
    lists, archives = (os.path.join(cache, "apt", name) for name in ("lists", "archives"))
    for folder in (lists, archives):
        os.makedirs(os.path.join(folder, "partial"), exist_ok=True)
    mounts = [
        ["-t", "proc", "proc", "/proc"], ["-t", "tmpfs", "tmpfs", "/dev"], ["-t", "tmpfs", "tmpfs", "/tmp"],
        ["--bind", lists, "/var/lib/apt/lists"], ["--bind", archives, "/var/cache/apt/archives"],
        ["--bind", "/etc/resolv.conf", "/etc/resolv.conf"], ["--bind", "/etc/hosts", "/etc/hosts"],
    ]
    policy = os.path.join(root, "usr/sbin/policy-rc.d")
    try:
        for *how, where in mounts:
            subprocess.run(["mount", *how, root + where], check=True)
        for name, (major, minor) in DEVICES.items():
            path = os.path.join(root, "dev", name)
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
            os.chmod(path, 0o666)
        for name, target in {"fd": "/proc/self/fd", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}.items():
            os.symlink(target, os.path.join(root, "dev", name))
        with open(policy, "w") as file:
            file.write("#!/bin/sh\n# Packages may not start services while an image is built.\nexit 101\n")
        os.chmod(policy, 0o755)
        yield
    finally:
        if os.path.exists(policy):
            os.unlink(policy)
        for *_, where in reversed(mounts):
            if os.path.ismount(root + where):
                subprocess.run(["umount", root + where], check=True)


def _install(packages, root, cache):
    lists = os.path.join(cache, "apt", "lists")
    stamp = os.path.join(cache, "apt", "updated")
    install = ["apt-get", "install", "-qq", "--no-install-recommends", *packages]
    fresh = os.path.exists(stamp) and time.time() - os.path.getmtime(stamp) < LIST_AGE_SECONDS
    if fresh and any(name.endswith(("Packages", "lz4")) for name in os.listdir(lists)):
        if _in_chroot(root, install, check=False) == 0:
            return
        # Debian's archive may have moved on since the lists were read.
    _in_chroot(root, ["apt-get", "update", "-qq"])
    with open(stamp, "w"):
        pass
    _in_chroot(root, install)


def _in_chroot(root, command, check=True):
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive", "PYTHONHASHSEED": "0",
        **{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")},
    }
    with open("/dev/null") as nothing:
        done = subprocess.run(
            ["chroot", root, *command], env=environment, stdin=nothing, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0 and check:
        raise BuildFailure(f"exit {done.returncode} from {' '.join(command)}\n{done.stdout[-4000:]}")
    return done.returncode


def _copy(source, root):
    """Copies `source` over the tree, everything owned by root; a script keeps its execute bit."""
    for folder, folders, files in os.walk(source):
        where = os.path.join(root, os.path.relpath(folder, source))
        for name in sorted(folders):
            os.makedirs(os.path.join(where, name), mode=0o755, exist_ok=True)
        for name in sorted(files):
            target = os.path.join(where, name)
            shutil.copyfile(os.path.join(folder, name), target)
            executable = os.stat(os.path.join(folder, name)).st_mode & 0o100
            os.chmod(target, 0o755 if executable else 0o644)
