"""Debian's kernels for the virtual machine: fetched as packages, unpacked below ~/.cache/skiff/vm, never installed."""

import fcntl
import glob
import os
import shutil
import subprocess
from dataclasses import dataclass

CACHE = os.environ.get("SKIFF_VM_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "skiff", "vm")
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org")
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Name of a kernel → the lines of Debian's archive that have it: path, suite.
SUITES = {
    "6.1": (("debian", "bookworm"), ("debian-security", "bookworm-security")),
    "6.12": (("debian", "trixie"), ("debian-security", "trixie-security")),
    "sid": (("debian", "sid"),),
}


class NoKernel(Exception):
    pass


@dataclass
class Kernel:
    version: str
    image: str  # bzImage
    modules: str  # …/lib/modules/VERSION


def get(name):
    """The kernel, fetched if it is not in the cache. A newer one is fetched only when the cache is removed."""
    if name not in SUITES:
        raise NoKernel(f"no kernel named {name}; there are: {', '.join(SUITES)}")
    folder = os.path.join(CACHE, name)
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, f"{name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            fetch(name, folder)
    return unpacked(folder)


def unpacked(folder):
    """What the packages in `folder` hold."""
    modules = [path for top in ("lib", "usr/lib") for path in glob.glob(f"{folder}/{top}/modules/*")
               if os.path.isdir(f"{path}/kernel")]
    images = glob.glob(f"{folder}/boot/vmlinuz-*") + glob.glob(f"{folder}/usr/lib/modules/*/vmlinuz")
    if not modules or not images:
        raise NoKernel(f"{folder} lacks the {'kernel' if modules else 'modules'}")
    return Kernel(os.path.basename(modules[0]), images[0], modules[0])


def fetch(name, folder):
    """With an apt configuration of its own: the machine's sources and lists stay as they are."""
    work = folder + ".work"
    shutil.rmtree(work, ignore_errors=True)
    for directory in ("state/lists/partial", "cache/archives/partial", "packages", "tree"):
        os.makedirs(os.path.join(work, directory))
    with open(os.path.join(work, "sources.list"), "w") as file:
        for path, suite in SUITES[name]:
            file.write(f"deb [arch=amd64 signed-by={KEYS}] {MIRROR}/{path} {suite} main\n")
    settings = {"Dir::State": f"{work}/state", "Dir::State::status": "/dev/null", "Dir::Cache": f"{work}/cache",
                "Dir::Etc::sourcelist": f"{work}/sources.list", "Dir::Etc::sourceparts": "-",
                "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": "-",
                "APT::Sandbox::User": "root", "Acquire::Languages": "none",
                # A mirror that stands still has good kernels all the same; what is in it is signed.
                "Acquire::Check-Valid-Until": "false", "APT::Architecture": "amd64"}
    apt = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    call(["apt-get", *apt, "-qq", "update"])
    image = dependencies(apt, "linux-image-amd64", "linux-image-")
    if not image:
        raise NoKernel(f"{SUITES[name][0][1]} of {MIRROR} has no kernel")
    # Newer packages of this name are empty and ask for these.
    parts = dependencies(apt, image[0], "linux-binary-", "linux-modules-")
    packages, tree = os.path.join(work, "packages"), os.path.join(work, "tree")
    call(["apt-get", *apt, "-qq", "download", *image, *parts], cwd=packages)
    for package in os.listdir(packages):
        call(["dpkg-deb", "-x", os.path.join(packages, package), tree])
    kernel = unpacked(tree)
    for part in ("drivers/gpu", "drivers/media", "drivers/net/wireless", "sound", "drivers/infiniband"):
        shutil.rmtree(os.path.join(kernel.modules, "kernel", part), ignore_errors=True)
    base = kernel.modules.removesuffix(f"/lib/modules/{kernel.version}")
    call(["depmod", "-b", base, kernel.version])
    os.rename(tree, folder)
    shutil.rmtree(work)


def dependencies(apt, package, *beginnings):
    shown = call(["apt-cache", *apt, "depends", package])
    found = [line.split()[-1] for line in shown.splitlines() if line.strip().startswith("Depends:")]
    return [name for name in found if name.startswith(beginnings)]


def call(words, **more):
    environment = {**os.environ, "LC_ALL": "C", "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    try:
        result = subprocess.run(words, capture_output=True, text=True, env=environment, **more)
    except FileNotFoundError as failure:
        raise NoKernel(f"{words[0]} is missing; scripts/setup vm installs it") from failure
    if result.returncode:
        raise NoKernel(f"{words[0]} failed: {(result.stderr or result.stdout).strip()[-400:]}")
    return result.stdout
