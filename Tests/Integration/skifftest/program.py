"""Which program is tested. Not in a conftest: there are several of that name, and an import finds any of them."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
RUNTIME = os.environ.get("RUNTIME", "skiff")


def skiff_path() -> str:
    if "SKIFF" in os.environ:
        return str(Path(os.environ["SKIFF"]).resolve())
    for place in ("out/bin/skiff", ".build/release/skiff", ".build/debug/skiff"):
        if (PROJECT / place).exists():
            return str((PROJECT / place).resolve())
    pytest.exit("no skiff to test: run `make build`, or give SKIFF=PATH", returncode=2)
