"""File systems that a test mounts for a while."""

import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def tmpfs(path: Path, options: str = "mode=755"):
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-R", "-l", path], check=True)


@contextmanager
def mappable(path: Path):
    """A file system whose mounts can map ids, and which everybody may write to: before Linux 6.3 a tmpfs was none."""
    if tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 3):
        with tmpfs(path, "mode=777"):
            yield path
        return
    path.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(suffix=".ext4") as image:
        image.truncate(8 << 20)
        subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", image.name], check=True, stdin=subprocess.DEVNULL)
        subprocess.run(["mount", "-o", "loop", image.name, path], check=True)
        path.chmod(0o777)
        try:
            yield path
        finally:
            subprocess.run(["umount", "-R", path], check=True)
