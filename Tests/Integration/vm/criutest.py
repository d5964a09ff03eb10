"""What the tests of checkpoint and restore share."""

import time
from pathlib import Path

from skifftest.process import until
from skifftest.runtime import Container

# Files that Python makes for a test are opened with O_NOFOLLOW, which CRIU cannot open again: none is kept open.
COUNTER = "exec >/dev/null 2>&1; i=0; while :; do i=$((i+1)); echo $i >/tmp/count.new; mv /tmp/count.new /tmp/count; sleep 0.1; done"
# The machine is slow, and CRIU does a lot.
PATIENCE = 60


def counting(bundle):
    """A writable bundle whose program counts in /tmp/count."""
    return bundle.writable().shell(COUNTER)


def count(bundle) -> int:
    path = bundle.rootfs / "tmp/count"
    return int(path.read_text() or 0) if path.exists() else 0


def until_it_counts(bundle, beyond=0) -> int:
    until(lambda: count(bundle) > beyond + 2, f"the counter goes beyond {beyond + 2}", PATIENCE)
    return count(bundle)


def stopped_counting(bundle) -> bool:
    before = count(bundle)
    return not _changes(lambda: count(bundle), before, seconds=1.5)


def _changes(read, before, seconds) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if read() != before:
            return True
        time.sleep(0.05)
    return False


def why(images: Path, name="dump.log") -> str:
    log = images / name
    return log.read_text()[-3000:] if log.exists() else "no log"


def saved(rt, container, images, *options):
    """Checkpoints; the log of CRIU is in the failure."""
    result = rt("checkpoint", "--image-path", images, *options, container.id, timeout=PATIENCE)
    assert result.code == 0, f"{result!r}\n{why(images)}"


def restored(rt, bundle, images, *options, id=None):
    name = id or rt.new_id()
    result = rt("restore", "--detach", "--image-path", images, "--bundle", bundle.path, *options, name, timeout=PATIENCE)
    assert result.code == 0, f"{result!r}\n{why(images, 'restore.log')}"
    return Container(rt, name, bundle, result)
