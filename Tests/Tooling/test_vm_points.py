"""Tests/vm/points.py and tap.py: what counts as ok, and which skips are allowed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

VM = Path(__file__).resolve().parents[1] / "vm"
sys.path.insert(0, str(VM))

import points  # noqa: E402


@pytest.fixture
def read(tmp_path, monkeypatch):
    rules = tmp_path / "skips.txt"
    rules.write_text("# a comment\n6.1,6.12 ^no rdma\n* weights of I/O\n")
    monkeypatch.setattr(points, "SKIPS", str(rules))

    def call(text, kernel="6.1"):
        (tmp_path / "x.tap").write_text(text)
        return points.read(str(tmp_path / "x.tap"), kernel)
    return call


def test_points_are_counted(read):
    found = read("ok 1 - one\nok 2\nnot ok 3 - three\n# why\n# more\n1..3\n")
    assert (found.passed, found.failures, found.skips) == (2, ["three"], [])


def test_a_skip_needs_a_reason_that_is_listed_for_this_kernel(read):
    text = "1..2\nok 1 - a # SKIP no rdma here\nok 2 - b # SKIP this kernel has no weights of I/O\n"
    assert read(text).skips == [("a", "no rdma here"), ("b", "this kernel has no weights of I/O")]
    assert read(text, "sid").failures == ["a: skipped without a reason of the kernel: no rdma here"]
    assert len(read("1..1\nok 1 - a # SKIP\n").failures) == 1


@pytest.mark.parametrize("text", ["", "ok 1 - one\n", "ok 1 - one\n1..2\n", "1..2\nok 1 - one\n"])
def test_a_file_that_was_cut_short_is_a_failure(read, text):
    assert "ended after" in read(text).failures[-1]


def test_a_file_that_is_missing_is_a_failure(read, tmp_path):
    assert points.read(str(tmp_path / "none.tap"), "6.1").failures


def test_pytest_writes_tap(read, tmp_path):
    (tmp_path / "test_x.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert 1 == 2\n"
        "def test_skipped(): pytest.skip('no rdma\\nat all')\n"
        "@pytest.fixture\ndef broken():\n    yield\n    assert 0\n"
        "def test_torn(broken): pass\n"
        "@pytest.mark.parametrize('x', ['#', '\\n'])\ndef test_names(x): pass\n")
    run(tmp_path)
    text = (tmp_path / "out.tap").read_text()
    assert "not ok 2 - test_x.py::test_bad\n" in text and "assert 1 == 2" in text and text.endswith("1..6\n")
    found = read(text)
    assert found.passed == 3 and len(found.failures) == 2 and found.skips[0][1] == "no rdma at all"


def test_shards_have_every_test_once_and_whole_files(tmp_path):
    for name, count in (("a", 5), ("b", 3), ("c", 3), ("d", 1)):
        (tmp_path / f"test_{name}.py").write_text("".join(f"def test_{n}(): pass\n" for n in range(count)))
    parts = []
    for number in (1, 2):
        run(tmp_path, SHARD=f"{number}/2")
        parts.append([line.split(" - ")[1] for line in (tmp_path / "out.tap").read_text().splitlines() if " - " in line])
    assert len(set(parts[0]) | set(parts[1])) == 12 and len(parts[0]) == len(parts[1]) == 6
    assert not {name.split(":")[0] for name in parts[0]} & {name.split(":")[0] for name in parts[1]}


def run(folder, **environment):
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tap", "."], cwd=folder, capture_output=True,
                   env={**os.environ, "PYTHONPATH": str(VM), "TAP": str(folder / "out.tap"), **environment})
