"""Runs one program of a foreign suite where it can harm nothing: it is started as the first process of new mount, pid,
IPC, UTS and network namespaces, sees the root file system read-only and empty /tmp and /run, and takes every process
that the program leaves behind with it when it ends.

    sandbox.py CGROUPS FOLDER LINKS -- PROGRAM [ARGUMENT...]

CGROUPS is the view of control groups (host, v1, v2), FOLDER the built suite, whose files are copied and whose
directories are linked to in the new working directory, LINKS the names under which runtimes are to be called: `NAME=PROGRAM` separated by commas.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Integration"))

from skifftest import host  # noqa: E402

WORK = Path("/tmp/work")
PROGRAMS = Path("/run/programs")


def prepare(cgroups: str, folder: Path, links: list[str]) -> None:
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
    for empty, mode in (("/tmp", "1777"), ("/run", "755")):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode={mode}", "conformance", empty], check=True)
    host.isolate(cgroups, [])
    WORK.mkdir()
    for entry in folder.iterdir():
        if entry.is_file():  # runtime-tools takes files from here by name, and takes a link as a link
            shutil.copy2(entry, WORK / entry.name)
        else:
            (WORK / entry.name).symlink_to(entry)
    PROGRAMS.mkdir()
    for link in links:
        name, _, program = link.partition("=")
        if " " in program:  # with options: a link cannot carry them
            (PROGRAMS / name).write_text(f'#!/bin/sh\nexec {program} "$@"\n')
            (PROGRAMS / name).chmod(0o755)
        else:
            (PROGRAMS / name).symlink_to(program)


def follow(command: list[str]) -> int:
    """Runs it and takes the results of orphans away, as the first process of a pid namespace has to."""
    main = subprocess.Popen(command, cwd=WORK, stdin=subprocess.DEVNULL).pid
    while True:
        pid, status = os.wait()
        if pid == main:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    split = sys.argv.index("--")
    view, suite, names = sys.argv[1:split]
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    prepare(view, Path(suite), names.split(","))
    sys.exit(follow(sys.argv[split + 1 :]))
