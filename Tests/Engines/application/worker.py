"""Takes names from the queue and writes a file for each into the shared volume."""

import signal
import sys
from pathlib import Path

sys.dont_write_bytecode = True
import wire  # noqa: E402

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    if item := wire.redis("BRPOP", "work", "1", wait=10):
        Path("/srv/shared", item[1]).write_text(f"made for {item[1]}\n")
