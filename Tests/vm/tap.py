"""A plugin for pytest: writes TAP into the file TAP, one point for each test as soon as it is over, and with
SHARD=2/3 runs only the second of three parts that take about as long as each other."""

import os

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    if "SHARD" not in os.environ:
        return
    number, count = map(int, os.environ["SHARD"].split("/"))
    files = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    parts = [[] for _ in range(count)]
    # Whole files, the largest first, each to the part that has least; a part keeps the order of collection.
    for path in sorted(files, key=lambda path: (-len(files[path]), path)):
        min(parts, key=len).extend(files[path])
    kept = set(parts[number - 1])
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


def pytest_configure(config):
    if "TAP" in os.environ:
        config.pluginmanager.register(Writer(os.environ["TAP"]), "tap-writer")


class Writer:
    def __init__(self, path):
        self.file = open(path, "w", buffering=1)
        self.number = 0
        self.failed = []  # what went wrong in the test that runs
        self.skipped = None

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.skipped = getattr(report, "wasxfail", "") or reason.removeprefix("Skipped: ")
        if report.failed:
            self.failed.append(report.longreprtext)
        if report.when != "teardown":
            return
        self.number += 1
        name = report.nodeid.removeprefix("Tests/Integration/").replace("#", "\\#").encode("unicode_escape").decode()
        if self.failed:
            self.file.write(f"not ok {self.number} - {name}\n")
            for line in "\n".join(self.failed).splitlines()[-40:]:
                self.file.write(f"# {line}\n")
        elif self.skipped is not None:
            self.file.write(f"ok {self.number} - {name} # SKIP {' '.join(self.skipped.split())}\n")
        else:
            self.file.write(f"ok {self.number} - {name}\n")
        self.failed, self.skipped = [], None

    def pytest_collectreport(self, report):
        if report.failed:
            self.number += 1
            self.file.write(f"not ok {self.number} - collection of {report.nodeid}\n")

    def pytest_sessionfinish(self):
        self.file.write(f"1..{self.number}\n")
        self.file.close()
