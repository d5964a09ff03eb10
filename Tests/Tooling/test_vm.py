"""scripts/vm hands back what the command printed and how it ended, and says when there was no command."""

import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="scripts/vm makes machines for x86-64 only")


def vm(tmp_path, *words, seconds=60):
    return subprocess.run(
        [PROJECT / "scripts/vm", "--time", str(seconds), "--console", tmp_path / "console.log", *words],
        capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)


def test_output_status_and_written_files_come_back(tmp_path):
    kept = tmp_path / "kept"
    result = vm(tmp_path, "--write", kept, "--env", "WORD=it's", "--", "sh", "-c",
                f'echo "$WORD" >{kept}/file; touch {tmp_path}/lost; pwd; echo error >&2; exit 7')
    assert (result.returncode, result.stdout) == (7, f"{os.getcwd()}\nerror\n"), result
    assert (kept / "file").read_text() == "it's\n"
    assert not (tmp_path / "lost").exists()


def test_a_command_that_does_not_end_is_ended(tmp_path):
    result = vm(tmp_path, "--", "sh", "-c", "echo begun; sleep 600", seconds=15)
    assert (result.returncode, result.stdout) == (124, "begun\n"), result
    assert "15 s" in result.stderr


def test_a_kernel_that_dies_is_told_from_a_command_that_fails(tmp_path):
    result = vm(tmp_path, "--", "sh", "-c", "echo c >/proc/sysrq-trigger")
    assert result.returncode == 125 and "Kernel panic" in result.stderr, result


def test_an_unknown_kernel_is_refused(tmp_path):
    result = vm(tmp_path, "--kernel", "2.4", "--", "true")
    assert result.returncode == 125 and "6.1" in result.stderr, result
