"""Suites of other projects. They are neither part of this project nor built by it: the user has built them."""

import os
import platform
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .judge import LOGS, PROJECT, version

SANDBOX = Path(__file__).with_name("sandbox.py")
PROGRAMS = "/run/programs"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@dataclass
class Suite:
    """How the programs of a suite are found and called. `alias` is the name that its runtime must have."""

    alias: str
    files: str  # a glob below the folder
    command: list[str]  # {file}: relative to the folder
    needs: list[str]  # what must be in the folder
    seconds: int  # the limit for one file
    environment: dict[str, str] = field(default_factory=dict)


SUITES = {
    # Compiled Go programs; they take the runtime from RUNTIME, runtimetest and the root file system from the directory.
    "runtime-tools": Suite(
        "runc", "validation/**/*.t", ["./{file}"], ["runtimetest", f"rootfs-{ARCHITECTURE}.tar.gz"], 120,
        {"RUNTIME": f"{PROGRAMS}/{{alias}}"}),
    "runc-bats": Suite(
        "runc", "tests/integration/*.bats", ["bats", "--tap", "{folder}/{file}"], ["tests/cmd/_bin"], 300,
        {"RUNC": f"{PROGRAMS}/{{alias}}"}),
    "crun-py": Suite(
        "crun", "tests/test_*.py", ["python3", "-B", "{file}"], ["tests/init"], 180,
        {"OCI_RUNTIME": f"{PROGRAMS}/{{alias}}", "INIT": "{folder}/tests/init"}),
}
_LINE = re.compile(r"^(not )?ok\b(.*)$")
_SKIP = re.compile(r"#\s*skip", re.IGNORECASE)


def run(name: str, folder: Path, runtimes: list[str], skiff: str) -> int:
    suite = SUITES[name]
    folder = _checked(suite, folder)
    files = sorted(str(path.relative_to(folder)) for path in folder.glob(suite.files))
    if only := os.environ.get("FILES"):
        files = [file for file in files if re.search(only, file)]
    if not files:
        sys.exit(f"conformance: nothing like {suite.files} in {folder}: has the suite been built?")
    LOGS.mkdir(parents=True, exist_ok=True)
    failed = False
    for runtime in runtimes:
        print(f"== {name} on {version(runtime, skiff)}")
        total: Counter = Counter()
        for file in files:
            counts, note, seconds = _file(name, suite, folder, file, runtime, skiff)
            total += counts
            failed |= bool(counts["fail"])
            print(f"{file:64} {_say(counts)} {seconds:5.0f} s {note}", flush=True)
        print(f"{runtime}: {len(files)} files, {_say(total)}", flush=True)
    return 1 if failed else 0


def _checked(suite: Suite, folder: Path) -> Path:
    if not folder.is_dir():
        sys.exit(f"conformance: SUITE_DIR={folder} is not a directory")
    folder = folder.resolve()
    for need in suite.needs:
        if not (folder / need).exists():
            sys.exit(f"conformance: {folder / need} is missing: has the suite been built?")
    for place in (folder, Path(os.environ["SKIFF"])):
        if place.is_relative_to("/tmp") or place.is_relative_to("/run"):
            sys.exit(f"conformance: {place}: /tmp and /run are empty for foreign suites; put it elsewhere")
    return folder


def _file(name: str, suite: Suite, folder: Path, file: str, runtime: str, skiff: str) -> tuple[Counter, str, float]:
    """Counts of one file; a file that says nothing, dies or takes too long is a failure of its own."""
    program = skiff if runtime == "skiff" else _path(runtime)
    fill = {"file": file, "folder": str(folder), "alias": suite.alias}
    environment = {**os.environ, **{key: value.format(**fill) for key, value in suite.environment.items()},
                   "PATH": f"{folder}/bin:{os.environ['PATH']}"}
    command = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--net", "--fork", "--kill-child", sys.executable,
               str(SANDBOX), os.environ.get("CGROUPS", "v2"), str(folder), f"{suite.alias}={program}", "--",
               *(word.format(**fill) for word in suite.command)]
    log = LOGS / f"{name}-{runtime}-{file.replace('/', '-')}.log"
    started = time.monotonic()
    with open(log, "wb") as output:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT)
        try:
            code, note = process.wait(timeout=suite.seconds), ""
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code, note = -1, f"ended after {suite.seconds} s"
    counts = count(log.read_text(errors="replace"))
    if code < 0 or (code and not counts["fail"]):
        counts["fail"] += 1
        note = note or f"exit {code}"
    elif not counts:
        note = "no result"
    return counts, note, time.monotonic() - started


def _path(runtime: str) -> str:
    """The program, with the option without which Debian's crun cannot run on a pure cgroup2 machine whose root may
    not raise RLIMIT_MEMLOCK."""
    path = next(p for p in (Path(d, runtime) for d in os.environ["PATH"].split(":")) if p.exists())
    if runtime == "crun" and not _may_lock_memory():
        return f"{path} --cgroup-manager=disabled"
    return str(path)


def _may_lock_memory() -> bool:
    status = Path("/proc/self/status").read_text()
    return bool(int(re.search(r"CapEff:\s*(\S+)", status)[1], 16) >> 24 & 1)


def count(text: str) -> Counter:
    """Results of a file in the Test Anything Protocol: pass, fail, skip. Indented lines are details of others."""
    counts: Counter = Counter()
    for line in text.splitlines():
        if match := _LINE.match(line):
            counts["skip" if _SKIP.search(match[2]) else "fail" if match[1] else "pass"] += 1
    return counts


def _say(counts: Counter) -> str:
    return f"{counts['pass']:5} pass {counts['fail']:4} fail {counts['skip']:4} skip"
