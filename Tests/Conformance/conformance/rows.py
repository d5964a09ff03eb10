"""What a runtime has to do."""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
_ROW = re.compile(r"^([A-Z]+-\d+)\s+([MSOX])\s+(\S.*)$")
LEVELS = {"M": "must", "S": "should", "O": "may", "X": "relied upon"}


@dataclass(frozen=True)
class Row:
    id: str
    level: str
    title: str
    section: str


def read() -> list[Row]:
    found, section = [], ""
    for number, line in enumerate((FOLDER / "rows.txt").read_text().splitlines(), 1):
        if line.startswith("== "):
            section = line[3:]
        elif match := _ROW.match(line):
            found.append(Row(match[1], match[2], match[3], section))
        elif line.strip() and not line.startswith("#"):
            raise SystemExit(f"rows.txt:{number}: not a row: {line}")
    return found


def texts(name: str) -> dict[str, str]:
    """A file of `KEY  text` lines, such as disputed.txt: test function → why its expectation is right."""
    found = {}
    for line in (FOLDER / name).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            key, text = line.split(None, 1)
            found[key] = text
    return found
