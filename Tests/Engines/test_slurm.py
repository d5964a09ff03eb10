"""Slurm's containers: `srun --container` and its relatives, by both patterns of oci.conf."""

import json
import os
import re
from pathlib import Path

import pytest

from enginetest import limits
from enginetest.home import RUNTIME
from enginetest.slurm import Slurm
from skifftest.bundle import Bundle
from skifftest.process import until

TRAP = "trap 'echo got TERM; exit 5' TERM; echo ready; while :; do sleep 0.1; done"


@pytest.fixture(scope="module")
def slurm_service(home, needed):
    needed("munged", "slurmctld", "slurmd", "srun")
    slurm = Slurm(home)
    yield slurm
    slurm.stop()


@pytest.fixture
def slurm(slurm_service):
    slurm_service.write_pattern("run")
    slurm_service("scontrol", "reconfigure")
    yield slurm_service
    slurm_service("scancel", "--user=root", "--full", "--signal=KILL")
    until(lambda: not slurm_service("squeue", "-h").out, "no job is left", 60, interval=0.2)
    left = os.listdir(slurm_service.state)
    assert [n for n in left if not n.startswith(".")] == [], "containers left in the state directory"


@pytest.fixture
def bundle(scratch, programs):
    made = Bundle(scratch / "bundle", programs)
    made.config["linux"]["namespaces"] = [n for n in made.linux["namespaces"] if n["type"] != "cgroup"]
    return made.write()


def srun(slurm, bundle, *args, **more):
    return slurm("srun", f"--container={bundle.path}", *args, **more)


def test_srun(slurm, bundle):
    result = srun(slurm, bundle, "/bin/sh", "-c", "echo out; echo err >&2; hostname; echo $SLURM_JOB_ID")
    lines = result.ok().out.split()
    assert lines[:2] == ["out", "skifftest"] and lines[2].isdigit() and "err\n" in result.err, f"{result!r} {slurm.log}"


@pytest.mark.parametrize("code", [0, 3, 127, 255])
def test_exit_code(slurm, bundle, code):
    assert srun(slurm, bundle, "/bin/sh", "-c", f"exit {code}").code == code, slurm.log


def test_missing_program(slurm, bundle):
    result = srun(slurm, bundle, "/bin/none")
    assert result.code != 0 and "no such file or directory" in result.err.lower(), repr(result)


def test_standard_input(slurm, bundle):
    assert srun(slurm, bundle, "/bin/cat", stdin=b"from outside\n").ok().out == "from outside\n", slurm.log


def submit(slurm, bundle, script: str, scratch) -> tuple[str, "os.PathLike"]:
    file, output = scratch / "job.sh", scratch / "job.out"
    file.write_text(f"#!/bin/sh\n{script}\n")
    out = slurm("sbatch", f"--container={bundle.path}", "-o", output, file, cwd=str(scratch)).ok().out
    return re.search(r"(\d+)", out)[1], output


def test_sbatch(slurm, bundle, scratch):
    job, output = submit(slurm, bundle, "echo in the batch; hostname; exit 4", scratch)
    until(lambda: slurm.job(job) in ("FAILED", "COMPLETED"), "the job ends", 40, interval=0.2)
    # Slurm may add that it asked for the state of a container that has ended.
    assert output.read_text().startswith("in the batch\nskifftest\n"), slurm.log
    assert "ExitCode=4:0" in slurm("scontrol", "show", "job", job).ok().out


def test_scancel_by_term(slurm, bundle, scratch):
    running = slurm.start("srun", f"--container={bundle.path}", "--job-name=traps", "/bin/sh", "-c", TRAP)
    running.wait_text("ready", 30)
    job = slurm("squeue", "-h", "-n", "traps", "-o", "%i").ok().out.strip()
    slurm("scancel", job).ok()
    result = running.wait(40)
    assert "got TERM" in result.out and result.code != 0, f"{result!r} {slurm.log}"


def running_job(slurm, name: str) -> str:
    return until(lambda: slurm("squeue", "-h", "-n", name, "-t", "RUNNING", "-o", "%i").out.strip(), f"{name} runs", 30, interval=0.1)


def test_scancel_by_kill(slurm, bundle):
    running = slurm.start("srun", f"--container={bundle.path}", "--job-name=deaf", "/bin/sh", "-c",
                          "trap '' TERM; echo ready; while :; do sleep 0.1; done")
    running.wait_text("ready", 30)
    slurm("scancel", running_job(slurm, "deaf")).ok()
    running.wait(40)  # its exit code is srun's own affair: it gives up waiting
    until(lambda: not slurm("squeue", "-h").out and not os.listdir(slurm.state), "job and container are gone", 40, interval=0.2)


def test_scancel_with_a_signal(slurm, bundle):
    running = slurm.start("srun", f"--container={bundle.path}", "--job-name=signals", "/bin/sh", "-c",
                          "trap 'echo got USR1; exit 6' USR1; echo ready; while :; do sleep 0.1; done")
    running.wait_text("ready", 30)
    slurm("scancel", "--signal=USR1", running_job(slurm, "signals")).ok()
    result = running.wait(40)
    assert "got USR1" in result.out and result.code == 6, f"{result!r} {slurm.log}"


def test_killed_step(slurm, bundle):
    running = slurm.start("srun", f"--container={bundle.path}", "--job-name=long", "/bin/sleep", "100")
    job = running_job(slurm, "long")
    until(lambda: os.listdir(slurm.state), "the container is there", 20)
    slurm("scancel", "--signal=KILL", job).ok()
    running.wait(40)
    until(lambda: not slurm("squeue", "-h").out and not os.listdir(slurm.state), "job and container are gone", 40, interval=0.2)


def test_memory_limit(slurm, bundle):
    if not limits.version():
        pytest.skip("no memory controller to give")
    bundle.linux["resources"]["memory"] = {"limit": 32 << 20, "swap": 32 << 20}
    bundle.write()
    result = srun(slurm, bundle, "/bin/sh", "-c", "tail /dev/zero; echo status $?")
    assert "status 137" in result.out, f"{result!r} {slurm.log}"


@pytest.fixture
def created(slurm):
    slurm.write_pattern("create")
    slurm("scontrol", "reconfigure").ok()
    return slurm


def test_create_and_start(created, bundle):
    """The other pattern. Slurm learns no exit code then, and its signals do not reach the container."""
    result = srun(created, bundle, "/bin/sh", "-c", "echo created and started; echo err >&2; sleep 1; exit 3", timeout=30)
    assert result.out == "created and started\n" and "err\n" in result.err, f"{result!r} {created.log}"
    assert os.listdir(created.state) == []


def test_create_and_start_of_a_missing_program(created, bundle):
    result = srun(created, bundle, "/bin/none", timeout=30)
    assert result.code != 0 and "no such file or directory" in result.err.lower(), f"{result!r} {created.log}"


@pytest.mark.parametrize("pattern", ["run", "create"])
def test_receipt_for_each_step(slurm, bundle, scratch, pattern):
    """`--receipt` in oci.conf: a line for each step, which its container's id names by job and step."""
    if RUNTIME != "skiff":
        pytest.skip("only skiff writes receipts")
    file = scratch / "receipts.jsonl"
    slurm.options = f"--receipt {file}"
    try:
        slurm.write_pattern(pattern)
        slurm("scontrol", "reconfigure").ok()
        for _ in range(2):
            srun(slurm, bundle, "/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 0", timeout=30).ok()
    finally:
        slurm.options = ""
    receipts = until(lambda: len(lines := [json.loads(line) for line in file.read_text().splitlines()]) == 2 and lines, "two receipts")
    jobs = [re.fullmatch(r"[^.]+\.root\.(\d+)\.0\.0", receipt["id"])[1] for receipt in receipts]
    assert int(jobs[1]) == int(jobs[0]) + 1 and all(receipt["figures"]["cpu.usage"]["value"] > 0 for receipt in receipts), receipts


def test_slurmd_is_killed(slurm, bundle, scratch):
    """The step has a daemon of its own: it goes on, and the slurmd that comes next knows of it."""
    running = slurm.start("srun", f"--container={bundle.path}", "--job-name=survivor", "/bin/sh", "-c",
                          "trap 'echo got USR1; exit 6' USR1; echo ready; while :; do sleep 0.1; done")
    running.wait_text("ready", 30)
    slurm.node.kill()
    slurm.node.start()
    slurm.node.wait_for(lambda: slurm("scontrol", "ping").code == 0 and slurm("sinfo", "-h", "-o", "%T").out.strip() in ("allocated", "mixed"), 60)
    until(lambda: slurm("scancel", "--signal=USR1", running_job(slurm, "survivor")).code == 0, "slurmd answers", 30, interval=0.3)
    result = running.wait(40)
    assert "got USR1" in result.out and result.code == 6, f"{result!r} {slurm.log}"
    until(lambda: os.listdir(slurm.state) == [], "the container is gone", 20, interval=0.2)


def test_killed_step_daemon(slurm, bundle):
    """Nothing watches the container any more: an administrator finds and removes it by the runtime."""
    running = slurm.start("srun", f"--container={bundle.path}", "--job-name=orphan", "/bin/sh", "-c", "echo ready; sleep 1000")
    running.wait_text("ready", 30)
    identifier = until(lambda: os.listdir(slurm.state), "the container", 10)[0]
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and (process / "comm").exists() and (process / "comm").read_text() == "slurmstepd\n":
            os.kill(int(process.name), 9)
    until(lambda: slurm(slurm.home.runtime, f"--root={slurm.state}/", "delete", "--force", identifier).code == 0, "it can be removed")
    slurm("scancel", "--user=root")
    running.stop()
    until(lambda: not slurm("squeue", "-h").out, "the job is over", 60, interval=0.3)
