"""Runs the tests. Every file of tests and runtime is a process of its own, which isolates itself from the host and
from the others (skifftest/host.py), so some run at a time."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
TESTS = PROJECT / "Tests/Integration"
LOGS = PROJECT / "out/conformance"
LIMIT_SECONDS = 900


def python() -> str:
    found = subprocess.run([PROJECT / "scripts/python-with-pytest"], capture_output=True, text=True)
    if found.returncode:
        sys.exit(found.stderr.strip())
    return found.stdout.strip()


def run(runtimes: list[str], without: str = "", select: str = "") -> dict[str, list[dict]]:
    """Verdict lines of skifftest/verdicts.py for each runtime. `without` names kernel calls that the runtime must do
    without, `select` is an expression for pytest -k."""
    LOGS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["make", "-s", "-C", PROJECT / "Tests/Probe", f"OUT={PROJECT / '.build/tests'}"], check=True)
    files = sorted(TESTS.glob("test_*.py"), key=lambda path: -path.stat().st_size)
    interpreter = python()
    folder = Path(tempfile.mkdtemp(prefix="conformance-"))
    done = 0

    def one(job: tuple[str, Path]) -> tuple[str, list[dict]]:
        nonlocal done
        runtime, file = job
        started = time.monotonic()
        lines = _ask(interpreter, folder, runtime, file, without, select)
        done += 1
        if sys.stderr.isatty() or done == len(files) * len(runtimes):
            print(f"\r{done}/{len(files) * len(runtimes)} {runtime} {file.name} {time.monotonic() - started:.0f} s   ",
                  end="\n" if done == len(files) * len(runtimes) else "", file=sys.stderr, flush=True)
        return runtime, lines

    found: dict[str, list[dict]] = {runtime: [] for runtime in runtimes}
    try:
        # More than processors: some runtimes make tests wait for their ends.
        with ThreadPoolExecutor((os.cpu_count() or 1) + 2) as pool:
            for runtime, lines in pool.map(one, [(r, f) for f in files for r in runtimes]):
                found[runtime] += lines
    finally:
        shutil.rmtree(folder)
    return found


def _ask(interpreter, folder: Path, runtime: str, file: Path, without: str, select: str) -> list[dict]:
    verdicts = folder / f"{runtime}-{file.stem}"
    log = LOGS / f"{runtime}-{file.stem}.log"
    environment = {**os.environ, "RUNTIME": runtime, "VERDICTS": str(verdicts), "WITHOUT": without,
                   "PYTHONDONTWRITEBYTECODE": "1"}
    command = [interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", file]
    if select:
        command += ["-k", select]
    with open(log, "wb") as output:
        try:
            status = subprocess.run(command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                    stderr=subprocess.STDOUT, timeout=LIMIT_SECONDS).returncode
        except subprocess.TimeoutExpired:
            status = None
    lines = [json.loads(line) for line in verdicts.read_text().splitlines()] if verdicts.exists() else []
    if status not in (0, 1, 5):  # 5: no test selected
        tail = log.read_text(errors="replace")[-2000:]
        sys.exit(f"{file.name} did not run to its end for {runtime} (exit {status}):\n{tail}")
    return lines


def version(runtime: str, skiff: str) -> str:
    """`crun 1.8.1`."""
    program = skiff if runtime == "skiff" else shutil.which(runtime)
    if program is None:
        sys.exit(f"{runtime} is not installed; scripts/setup test installs it")
    words = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()
    number = next((word for word in words if word[0].isdigit()), "")
    return runtime if runtime == "skiff" else f"{runtime} {number.partition('+')[0]}"
