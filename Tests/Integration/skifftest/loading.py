"""Fixtures that load images made by hand into a store of their own."""

import os
import subprocess
from pathlib import Path

import pytest

from .program import skiff_path
from .tars import layer_of

FILES = {"etc/name": b"hello\n", "bin/tool": os.urandom(300_000)}
LAYER = layer_of(FILES)


@pytest.fixture
def helper():
    path = Path(skiff_path()).parent / "skiff-image"
    if not path.exists():
        pytest.skip("skiff-image is not built")
    return path


@pytest.fixture
def load(helper, tmp_path):
    def run(source, *words, **keys):
        return subprocess.run([helper, "load", "--store", tmp_path / "store", "-q", *words, *([source] if source else [])],
                              capture_output=True, timeout=60, **keys)
    return run


@pytest.fixture
def loads(load, tmp_path):
    """Loads a layout and looks at what lies in the store afterwards."""
    def run(layout, *words, files=FILES):
        done = load(layout.archive(tmp_path / "image.tar"), *words)
        assert done.returncode == 0, done.stderr
        tree = next((tmp_path / "store/layers").iterdir()) / "fs"
        for name, data in files.items():
            assert (tree / name).read_bytes() == data
        return tree
    return run


@pytest.fixture
def refuses(load, tmp_path):
    def run(layout, *reasons, words=()):
        done = load(layout.archive(tmp_path / "image.tar"), *words)
        error = done.stderr.decode()
        assert done.returncode == 1, (done.stdout, error)
        assert error.count("\n") == 1
        for reason in reasons:
            assert reason in error, error
        for place in ("tmp", "layers", "images"):
            assert os.listdir(tmp_path / "store" / place) == []
    return run
