"""Writes the initial file system of the virtual machine: busybox, the modules for its disk and root, /init."""

import lzma
import os
import shutil
import stat

# What the machine needs before it has its root, and what tests need but cannot load from inside a namespace.
MODULES = ("virtio_pci", "virtio_console", "virtio_rng", "virtio_blk", "9p", "9pnet_virtio", "overlay")
BUSYBOX = ("sh", "mkdir", "mount", "insmod", "uname", "ln", "ip", "hostname", "cp", "cat", "chmod", "switch_root",
           "poweroff")


def write(path, kernel, files):
    """`files`: name → (path on the host or content, mode)."""
    busybox = shutil.which("busybox") or "/bin/busybox"
    with open(path, "wb") as out:
        archive = Archive(out)
        for directory in ("bin", "modules"):
            archive.add(directory, stat.S_IFDIR | 0o755)
        # Before /dev is mounted the kernel already opens it for process 1.
        archive.add("dev", stat.S_IFDIR | 0o755)
        archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
        archive.add("bin/busybox", stat.S_IFREG | 0o755, content(busybox))
        for name in BUSYBOX:
            archive.add(f"bin/{name}", stat.S_IFLNK | 0o777, b"busybox")
        order = module_order(kernel.modules)
        for module in order:
            archive.add(f"modules/{name_of(module)}.ko", stat.S_IFREG | 0o644, content(os.path.join(kernel.modules, module)))
        archive.add("modules/order", stat.S_IFREG | 0o644,
                    "".join(f"{name_of(module)}.ko\n" for module in order).encode())
        for name, (source, mode) in files.items():
            archive.add(name, stat.S_IFREG | mode, source if isinstance(source, bytes) else content(source))
        archive.end()


def content(path):
    with open(path, "rb") as file:
        data = file.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def name_of(module):
    return os.path.basename(module).split(".ko")[0].replace("-", "_")


def module_order(folder):
    """MODULES and what they depend on, each after what it needs. What is built into the kernel is left out."""
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

    for name in MODULES:
        if name in paths:
            add(paths[name])
    return order


class Archive:
    """A cpio archive of the form that kernels unpack ("newc")."""

    def __init__(self, out):
        self.out, self.number = out, 0

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
