"""Tests that only the virtual machine of scripts/vm can show; elsewhere they are not collected."""

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent

if "SKIFF_VM" not in os.environ:
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.vm)
