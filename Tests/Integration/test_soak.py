"""Hundreds of containers, eight at a time, and nothing of them is left. Tests/Benchmarks/soak makes ten thousand."""

import os

import pytest

from skifftest.soak import soak


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.skiff_only
def test_many_containers_at_a_time_end_without_errors_or_leftovers(rt, bundle):
    bundle.process["args"] = ["/bin/sleep", "3600"]
    bundle.write()
    times, errors = soak(rt.words(), bundle.path, cycles=300, jobs=8)
    assert errors == []
    assert len(times["cycle"]) == 300
    assert list(rt.root.iterdir()) == [], "the state directory is not empty"
