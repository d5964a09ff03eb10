"""The documents that are made from the table of commands (docs/cli.md, docs/man/skiff.1) say what the program says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "man/skiff.1"

pytestmark = pytest.mark.skiff_only


def test_the_manual_page_is_what_the_program_says(skiff):
    assert skiff("debug", "manual").ok().out == PAGE.read_text(), "run: make docs"


def test_every_verb_of_the_help_is_in_both_documents(skiff):
    overview = skiff("help").ok().out.split("Options before the command:")[0]
    verbs = re.findall(r"^  ([a-z]+)  ", overview, re.M)
    assert len(verbs) > 14
    for verb in verbs:
        assert f"\n### {verb}\n" in (DOCS / "cli.md").read_text()
        assert re.search(rf"^\.SS skiff {verb}( |$)", PAGE.read_text(), re.M), verb


def test_the_manual_page_is_clean_roff():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    checked = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(PAGE)], capture_output=True, text=True, timeout=30)
    assert checked.stdout + checked.stderr == ""
