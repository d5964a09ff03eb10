"""Writes the initial file system of the virtual machine: busybox, the modules for its disk and root, /init."""

import gzip
import lzma
import os
import shutil
import stat
import subprocess

# What the machine needs before it has its root, and what tests need but cannot load from inside a namespace.
MODULES = ("virtio_pci", "virtio_console", "virtio_rng", "virtio_blk", "9p", "9pnet_virtio", "overlay")
BUSYBOX = ("sh", "mkdir", "mount", "insmod", "uname", "ln", "ip", "hostname", "cp", "cat", "chmod", "switch_root",
           "poweroff", "stty", "setsid", "printf", "sed", "grep", "sleep", "kill", "rm", "rmdir", "dd", "head", "tail", "wc",
           "readlink", "tr", "seq", "cut", "mountpoint", "umount", "ls", "timeout", "date", "awk", "sync", "chroot")


def write(path, modules, files, names=MODULES):
    """An archive with busybox, the kernel modules `names` of the folder `modules` (…/lib/modules/VERSION, or None for
    a kernel that has all built in) and `files`: name → (path on the host or content, mode)."""
    busybox = shutil.which("busybox") or "/bin/busybox"
    with open(path, "wb") as out:
        archive = Archive(out)
        archive.add("modules", stat.S_IFDIR | 0o755)
        # Before /dev is mounted the kernel already opens it for process 1.
        archive.add("dev", stat.S_IFDIR | 0o755)
        archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        archive.file("bin/busybox", content(busybox), 0o755)
        for name in BUSYBOX:
            archive.add(f"bin/{name}", stat.S_IFLNK | 0o777, b"busybox")
        order = module_order(modules, names) if modules else []
        for module in order:
            archive.file(f"modules/{name_of(module)}.ko", content(os.path.join(modules, module)), 0o644)
        archive.file("modules/order", "".join(f"{name_of(module)}.ko\n" for module in order).encode(), 0o644)
        for name, (source, mode) in files.items():
            archive.file(name, source if isinstance(source, bytes) else content(source), mode)
        archive.end()


def content(path):
    """Of a file; modules are unpacked, because not every kernel unpacks them itself."""
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".ko.xz"):
        return lzma.decompress(data)
    if path.endswith(".ko.gz"):
        return gzip.decompress(data)
    if path.endswith(".ko.zst"):
        return subprocess.run(["zstd", "-dc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def name_of(module):
    return os.path.basename(module).split(".ko")[0].replace("-", "_")


def module_order(folder, names):
    """`names` and what they depend on, each after what it needs. What is built into the kernel is left out."""
    needs = {}
    with open(os.path.join(folder, "modules.dep")) as file:
        for line in file:
            module, _, others = line.partition(":")
            needs[module] = others.split()
    paths = {name_of(module): module for module in needs}
    order = []

    def add(module):
        for other in needs[module]:
            if other not in order:
                add(other)
        if module not in order:
            order.append(module)

    for name in names:
        if name in paths:
            add(paths[name])
    return order


class Archive:
    """A cpio archive of the form that kernels unpack ("newc")."""

    def __init__(self, out):
        self.out, self.number, self.directories = out, 0, set()

    def file(self, name, data, mode):
        """A regular file with the directories that lead to it."""
        parts = name.strip("/").split("/")
        for depth in range(1, len(parts)):
            directory = "/".join(parts[:depth])
            if directory not in self.directories:
                self.directories.add(directory)
                self.add(directory, stat.S_IFDIR | 0o755)
        self.add("/".join(parts), stat.S_IFREG | mode, data)

    def add(self, name, mode, data=b"", device=(0, 0)):
        self.number += 1
        encoded = name.encode() + b"\0"
        fields = (self.number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
        self._write(b"070701" + b"".join(b"%08X" % field for field in fields) + encoded)
        self._write(data)

    def end(self):
        self.add("TRAILER!!!", 0)

    def _write(self, data):
        self.out.write(data + b"\0" * (-len(data) % 4))
