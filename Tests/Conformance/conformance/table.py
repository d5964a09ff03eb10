"""From the verdicts of tests to a verdict for each row."""

import os
import platform
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatch

from .rows import LEVELS, Row, texts

GREEN, PART, RED, UNSHOWN, UNASKED, MISSING, ELSEWHERE = (
    "green", "green in part", "red", "not shown", "not asked", "no test", "elsewhere")
PASSING = (GREEN, PART)


@dataclass
class Cell:
    """What one runtime did with the tests of one row."""

    passed: list[dict] = field(default_factory=list)
    failed: list[dict] = field(default_factory=list)
    skipped: list[dict] = field(default_factory=list)
    own: list[dict] = field(default_factory=list)  # tests of skiff's own promises, which others are not asked

    @property
    def verdict(self) -> str:
        if self.failed:
            return RED
        if self.passed:
            return PART if self.skipped else GREEN
        if self.skipped:
            return UNSHOWN
        return UNASKED if self.own else MISSING

    @property
    def reasons(self) -> list[str]:
        """Why tests were skipped."""
        return sorted({test["reason"] for test in self.skipped})


class Table:
    def __init__(self, rows: list[Row], verdicts: dict[str, list[dict]], versions: dict[str, str]):
        self.rows, self.runtimes, self.versions = rows, list(verdicts), versions
        self.cells = {(row.id, runtime): Cell() for row in rows for runtime in verdicts}
        self.tests: dict[str, dict[str, dict]] = {}
        for runtime, lines in verdicts.items():
            for test in lines:
                self.tests.setdefault(test["test"], {})[runtime] = test
                for row in test["rows"]:
                    _sort(self.cells[row, runtime], test, runtime)

    def verdict(self, row: Row, runtime: str) -> str:
        verdict = self.cells[row.id, runtime].verdict
        shown = texts("elsewhere.txt").get(row.id)
        if shown and (verdict == MISSING or verdict == UNSHOWN and runtime == "skiff"):
            return ELSEWHERE
        return verdict

    def totals(self, runtime: str, level: str | None = None) -> Counter:
        return Counter(self.verdict(row, runtime) for row in self.rows if level in (None, row.level))

    def fails_for_all_others(self) -> list[str]:
        """Tests that fail on every other runtime that was asked, at least two: presumed wrong unless explained."""
        found = []
        for name, by_runtime in self.tests.items():
            others = [test for runtime, test in by_runtime.items() if runtime != "skiff"]
            if len(others) > 1 and all(test["outcome"] == "failed" for test in others):
                found.append(name)
        return sorted(found)

    def unexplained(self) -> list[str]:
        explained = texts("disputed.txt")
        return [name for name in self.fails_for_all_others() if not explanation(explained, function(name))]

    def text(self) -> str:
        """For a terminal."""
        lines = []
        width = max(len(self.versions[r]) for r in self.runtimes) + 2
        width = max(width, 15)
        for row in self.rows:
            cells = "".join(f"{self.verdict(row, r):{width}}" for r in self.runtimes)
            lines.append(f"{row.id:8}{row.level} {cells}{row.title}")
        for runtime in self.runtimes:
            for row in self.rows:
                for test in self.cells[row.id, runtime].failed if runtime == "skiff" else []:
                    lines.append(f"skiff fails {row.id}: {test['test']}: {test['reason']}")
        for name in self.unexplained():
            lines.append(f"fails on all others, and disputed.txt does not say why it is right: {name}")
        for runtime in self.runtimes:
            tests = Counter(by[runtime]["outcome"] for by in self.tests.values() if runtime in by)
            counts = self.totals(runtime)
            lines.append(f"{self.versions[runtime]:12} {_say(counts)}; "
                         f"tests: {tests['passed']} passed, {tests['failed']} failed, {tests['skipped']} skipped")
        return "\n".join(lines)

    def markdown(self) -> str:
        parts = [_HEAD.format(machine=f"{platform.system()} {platform.release()}, {platform.machine()}"),
                 self._totals(), self._rows(), self._reasons(), self._red(), self._disputed()]
        return "\n".join(parts)

    def _totals(self) -> str:
        lines = ["## Totals", "", "Rows that are green, wholly or in part, of all rows of the level:", "",
                 "| | " + " | ".join(self.versions[r] for r in self.runtimes) + " |", "|---" * (len(self.runtimes) + 1) + "|"]
        for level, name in [*LEVELS.items(), (None, "all")]:
            rows = [row for row in self.rows if level in (None, row.level)]
            cells = [f"{sum(self.verdict(row, r) in PASSING for row in rows)} of {len(rows)}" for r in self.runtimes]
            lines.append(f"| {level + ', ' if level else ''}{name} | " + " | ".join(cells) + " |")
        for verdict in (RED, UNSHOWN, UNASKED, ELSEWHERE, MISSING):
            cells = [str(self.totals(r)[verdict]) for r in self.runtimes]
            if any(cell != "0" for cell in cells):
                lines.append(f"| {verdict} | " + " | ".join(cells) + " |")
        return "\n".join([*lines, ""])

    def _rows(self) -> str:
        lines, section = ["## Rows"], ""
        for row in self.rows:
            if row.section != section:
                section = row.section
                lines += ["", f"### {section}", "", "| id | | what holds | " + " | ".join(self.runtimes) + " |",
                          "|---" * (len(self.runtimes) + 3) + "|"]
            cells = [f"**{v}**" if (v := self.verdict(row, r)) in (RED, MISSING) else v for r in self.runtimes]
            lines.append(f"| {row.id} | {row.level} | {row.title} | " + " | ".join(cells) + " |")
        return "\n".join([*lines, ""])

    def _reasons(self) -> str:
        lines = ["## What this machine or this suite cannot show", "",
                 "Tests that were not run for want of something that the kernel or the machine lacks. A row with no "
                 "other test is not shown; a row with others is green in part.", "", "| id | | reason |", "|---|---|---|"]
        for row in self.rows:
            by_reason: dict[str, list[str]] = {}
            for runtime in self.runtimes:
                for reason in self.cells[row.id, runtime].reasons:
                    by_reason.setdefault(reason, []).append(runtime)
            for reason, runtimes in by_reason.items():
                lines.append(f"| {row.id} | {', '.join(runtimes)} | {escape(reason)} |")
        lines += [f"| {row} | all | {escape(text)} |" for row, text in texts("elsewhere.txt").items()]
        return "\n".join([*lines, ""])

    def _red(self) -> str:
        lines = ["## Why rows are red", "", "| id | | tests that fail | what they find |", "|---|---|---|---|"]
        for row in self.rows:
            for runtime in self.runtimes:
                failed = self.cells[row.id, runtime].failed
                names: dict[str, list[dict]] = {}
                for test in failed:
                    names.setdefault(function(test["test"]), []).append(test)
                for name, tests in names.items():
                    count = f" ({len(tests)})" if len(tests) > 1 else ""
                    known = sorted({test["known"] for test in tests if test["known"]})
                    lines.append(f"| {row.id} | {runtime} | `{name}`{count} | {escape('; '.join(known))} |")
        return "\n".join([*lines, ""])

    def _disputed(self) -> str:
        explained = texts("disputed.txt")
        lines = ["## Tests that fail on both others", "",
                 "A test that nobody else passes is presumed wrong. These are kept, for this reason:", ""]
        for name in sorted({function(name) for name in self.fails_for_all_others()}):
            lines.append(f"- `{name}`: {explanation(explained, name) or 'no reason is recorded'}")
        return "\n".join([*lines, ""])


def function(test: str) -> str:
    """`test_x.py::test_name[case]` → `test_name`."""
    return test.rpartition(".py::")[2].partition("[")[0]


def explanation(explained: dict[str, str], name: str) -> str:
    """The text for a test function; keys may be patterns such as `test_ndv_*`."""
    return next((text for key, text in explained.items() if fnmatch(name, key)), "")


def escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace(os.getcwd(), ".")


def _sort(cell: Cell, test: dict, runtime: str) -> None:
    if test["own"] and runtime != "skiff":
        cell.own.append(test)
    elif test["outcome"] == "passed":
        cell.passed.append(test)
    elif test["outcome"] == "failed":
        cell.failed.append(test)
    else:
        cell.skipped.append(test)


def _say(counts: Counter) -> str:
    return ", ".join(f"{counts[v]} {v}" for v in (GREEN, PART, RED, UNSHOWN, UNASKED, ELSEWHERE, MISSING) if counts[v])


_HEAD = """# Conformance

Made by `make conformance`, not by hand. Each row is something that the OCI runtime specification 1.3 asks of a runtime
on Linux (M must, S should, O may), or that engines rely on (X). The tests of `Tests/Integration` whose names hold the
row's id are run on skiff and on other runtimes, from outside, with a static program as the container.

A row is **green** for a runtime when every test of it passed there, **red** when one failed, **not shown** when this
machine cannot show it (the reasons are below), and **not asked** when its tests would harm the machine with that runtime
or are about promises that only skiff makes. Known failures of others count as failures.

Machine: {machine}.
"""
