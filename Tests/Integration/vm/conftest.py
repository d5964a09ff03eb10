"""Tests that only the virtual machine of scripts/vm can show; elsewhere they are not collected."""

import os
import sys
from pathlib import Path

import pytest

from skifftest.engine import busybox_archive, engine, engine_store  # noqa: F401

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

if "SKIFF_VM" not in os.environ:
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.vm)
