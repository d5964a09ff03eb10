"""Skiff's own file on kernels of all ages (I-7, CVE-2019-5736)."""

import os

import pytest

pytestmark = pytest.mark.skiff_only


def test_it_starts_again_through_an_overlay_and_not_from_a_copy(rt, bundle):
    """The copy takes 7 ms and 10 MB for each process; kernels before 6.7 know only the older form of the overlay's option."""
    c = rt.create(bundle.probe("echo", "x"))
    file = os.readlink(f"/proc/{c.pid}/exe")
    c.remove()
    assert "memfd" not in file, file
