"""What became of each case, a line of JSON each: engine, case, runtime, outcome, reason, seconds."""

import json
import re


def case_of(name: str, file: str) -> tuple[str, str]:
    """`test_podman.py`, `test_pods_share_namespaces[x]` → ("podman", "pods share namespaces (x)"). The cases of
    both engines begin with a parameter that names it."""
    match = re.fullmatch(r"test_(\w+?)(?:\[(.*)\])?", name, re.DOTALL)
    words, parameters = match[1].replace("_", " "), [p for p in (match[2] or "").split("-") if p]
    engine = re.sub(r"^test_|\.py$", "", file)
    if engine in ("verbs", "application"):
        engine = parameters.pop(0)
    return engine, f"{words} ({'-'.join(parameters)})" if parameters else words


class Recorder:
    """A pytest plug-in."""

    def __init__(self, path: str, runtime: str):
        self.path, self.runtime = path, runtime
        self.cases: dict[str, dict] = {}

    def pytest_runtest_logreport(self, report):
        path, _, name = report.nodeid.partition("::")  # a parameter may have a slash
        engine, case = case_of(name, path.rpartition("/")[2])
        record = self.cases.setdefault(report.nodeid, {
            "engine": engine, "case": case, "runtime": self.runtime, "outcome": "failed", "reason": "", "seconds": 0})
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            record["outcome"], record["reason"] = "skipped", reason.removeprefix("Skipped: ")
        elif report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash else str(report.longrepr)
            record["outcome"], record["reason"] = "failed", " ".join(text.split())[:400]
        elif report.when == "call":
            record["outcome"] = "passed"
        record["seconds"] = round(record["seconds"] + report.duration, 2)
        if report.when == "teardown":
            with open(self.path, "a") as file:
                file.write(json.dumps(record) + "\n")
