"""Texts made from the table of commands."""

from pathlib import Path

import pytest

from skifftest import process

skiff_only = pytest.mark.skiff_only


@skiff_only
def test_the_reference_in_docs_is_what_the_program_says(rt):
    reference = Path(__file__).resolve().parents[2] / "docs/cli.md"
    printed = process.run([rt.path, "debug", "cli-reference"], scratch=rt.scratch).ok().out
    assert printed == reference.read_text(), "run: skiff debug cli-reference > docs/cli.md"


@skiff_only
def test_the_bash_completion_is_a_script_that_bash_takes(rt):
    script = process.run([rt.path, "completion", "bash"], scratch=rt.scratch).ok().out
    process.run(["bash", "-n", "-c", script], scratch=rt.scratch).ok()
