"""How the conformance suite asks: VERDICTS=FILE keeps the tests that show a row of Tests/Conformance/rows.txt, judges
every runtime by the same measure (no failure is expected of anybody), and writes one JSON line for each test."""

import json
import re
from pathlib import Path

ROWS = Path(__file__).resolve().parents[2] / "Conformance/rows.txt"
_ROW = re.compile(r"^([A-Z]+-\d+)\s+[MSOX]\s")
_NAME = re.compile(r"_([a-z]+)((?:_\d+)+)(?=_|$)")


_remarks: list[str] = []


def remark(text: str) -> None:
    """Notes the known reason for a failure that may follow in the running test."""
    _remarks.append(text)


def known_rows() -> set[str]:
    return {match[1] for line in ROWS.read_text().splitlines() if (match := _ROW.match(line))}


def rows_of(function: str, known: set[str]) -> list[str]:
    """`test_mnt_7_8_16_flags…` → MNT-7, MNT-8, MNT-16; `test_mnt_6_prc_5_…` names rows of two families. Numbers further
    on in a name mean nothing."""
    found, at = [], len("test")
    while match := _NAME.match(function, at):
        found += [f"{match[1].upper()}-{number}" for number in match[2].split("_") if number]
        at = match.end()
    return [row for row in found if row in known]


class Recorder:
    """A pytest plug-in."""

    def __init__(self, path: str, runtime: str):
        self.path, self.runtime, self.known = path, runtime, known_rows()
        self.tests: dict[str, dict] = {}

    def pytest_collection_modifyitems(self, config, items):
        kept, dropped = [], []
        for item in items:
            rows = rows_of(item.originalname or item.name, self.known)
            if not rows:
                dropped.append(item)
                continue
            kept.append(item)
            peer = item.get_closest_marker("peer")
            self.tests[item.nodeid] = {
                "test": item.nodeid.rpartition("Integration/")[2], "rows": rows, "outcome": "failed", "reason": "",
                "known": peer.kwargs.get(self.runtime, "") if peer else "",
                "own": item.get_closest_marker("skiff_only") is not None,
            }
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept

    def pytest_runtest_setup(self, item):
        _remarks.clear()

    def pytest_runtest_logreport(self, report):
        test = self.tests[report.nodeid]
        if report.skipped:
            test["outcome"] = "skipped"
            test["reason"] = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            test["reason"] = test["reason"].removeprefix("Skipped: ")
        elif report.failed:
            test["outcome"], test["reason"] = "failed", _last_line(report)
        elif report.when == "call":
            test["outcome"] = "passed"
        test["seconds"] = round(test.get("seconds", 0) + report.duration, 2)
        if report.when == "teardown":
            test["known"] = test["known"] or "; ".join(_remarks)
            with open(self.path, "a") as file:
                file.write(json.dumps(test) + "\n")


def _last_line(report) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return (text.strip().splitlines() or ["no message"])[0][:300]
