"""The release binary of skiff, when there is one: static, and without what costs start-up time or threads."""

import os
import re
import struct
import subprocess

from .project import Finding

PROGRAM = ".build/release/skiff"
FORBIDDEN = [
    (re.compile(r"^\$s10Foundation|^\$s20FoundationEssentials"), "Foundation", "doubles size and start-up time"),
    (re.compile(r"^_?dispatch_(?:async|queue_create|group|source|worker|main)"), "Dispatch", "brings threads"),
    (re.compile(r"^swift_task_create|^swift_job_run"), "Swift concurrency", "brings threads, and clone needs one thread"),
    (re.compile(r"^\$s14ArgumentParser"), "ArgumentParser", "costs 1.5 ms at every start"),
]
PT_INTERP = 3


def check(project):
    """the release skiff is static, without Foundation, Dispatch, concurrency or ArgumentParser"""
    path = os.path.join(project.root, PROGRAM)
    if not os.path.exists(path):
        return
    if has_interpreter(path):
        yield Finding(PROGRAM, 0, "is dynamically linked (it must start in a millisecond, also inside a container)")
    symbols = subprocess.run(["nm", "--defined-only", "--format=posix", path], capture_output=True, text=True)
    names = [line.split(" ", 1)[0] for line in symbols.stdout.splitlines()]
    for pattern, what, why in FORBIDDEN:
        hits = [name for name in names if pattern.match(name)]
        if hits:
            yield Finding(PROGRAM, 0, f"holds {len(hits)} symbols of {what}, such as {hits[0]} ({why})")


def has_interpreter(path):
    """Whether the 64-bit little-endian ELF file names a dynamic linker."""
    with open(path, "rb") as file:
        header = file.read(64)
        offset, size, number = struct.unpack_from("<Q", header, 32)[0], *struct.unpack_from("<HH", header, 54)
        file.seek(offset)
        table = file.read(size * number)
    return any(struct.unpack_from("<I", table, size * index)[0] == PT_INTERP for index in range(number))
