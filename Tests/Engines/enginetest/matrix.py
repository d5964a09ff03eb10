"""The table of cases by engine and runtime, for the terminal and for docs/engines.md."""

from pathlib import Path

MARKS = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}


class Matrix:
    def __init__(self, cases: list[dict], runtimes: list[str]):
        self.runtimes = runtimes
        self.rows: dict[tuple[str, str], dict[str, dict]] = {}
        for case in cases:
            self.rows.setdefault((case["engine"], case["case"]), {})[case["runtime"]] = case

    def outcome(self, row: dict[str, dict], runtime: str) -> str:
        return row[runtime]["outcome"] if runtime in row else "failed"

    def defects(self, runtime: str) -> list[tuple[str, str]]:
        """The cases that this runtime fails and runc passes, or was not asked."""
        return [key for key, row in self.rows.items() if self.outcome(row, runtime) == "failed" and
                (runtime == "runc" or "runc" not in self.runtimes or self.outcome(row, "runc") == "passed")]

    def text(self) -> str:
        width = max((len(case) for _, case in self.rows), default=4) + 2
        lines = []
        for engine in self.engines():
            lines.append(f"\n{engine:{width + 2}}" + "".join(f"{name:9}" for name in self.runtimes) + "seconds")
            for (_, case), row in self.of(engine):
                marks = "".join(f"{MARKS[self.outcome(row, name)]:9}" for name in self.runtimes)
                lines.append(f"  {case:{width}}{marks}{' '.join(str(row[n]['seconds']) for n in self.runtimes if n in row)}")
                lines += self.reasons(row)
        lines.append("")
        for name in self.runtimes:
            outcomes = [self.outcome(row, name) for row in self.rows.values()]
            lines.append(f"{name:8}{outcomes.count('passed')} passed, {outcomes.count('failed')} failed, {outcomes.count('skipped')} skipped")
        return "\n".join(lines)

    def reasons(self, row: dict[str, dict]) -> list[str]:
        found = [(name, row[name]) for name in self.runtimes if name in row]
        if len({case["reason"] for _, case in found}) == 1 and found[0][1]["reason"]:
            return [f"      {found[0][1]['reason']}"]
        return [f"      {name}: {case['reason']}" for name, case in found if case["reason"]]

    def engines(self) -> list[str]:
        return list(dict.fromkeys(engine for engine, _ in self.rows))

    def of(self, engine: str) -> list[tuple[tuple[str, str], dict]]:
        return [(key, row) for key, row in self.rows.items() if key[0] == engine]

    def markdown(self) -> str:
        lines, skipped = [], {}
        for engine in self.engines():
            lines += [f"| {engine} | " + " | ".join(self.runtimes) + " |", "|---|" + "---|" * len(self.runtimes)]
            for (_, case), row in self.of(engine):
                marks = [MARKS[self.outcome(row, name)] for name in self.runtimes]
                lines.append(f"| {case} | " + " | ".join(marks) + " |")
                for name in self.runtimes:
                    if name in row and row[name]["outcome"] == "skipped":
                        skipped.setdefault(row[name]["reason"], []).append(f"{engine}: {case}")
            lines.append("")
        if skipped:
            lines.append("Skipped on the machine of this table:\n")
            lines += [f"- {reason} ({', '.join(dict.fromkeys(names))})" for reason, names in skipped.items()]
        return "\n".join(lines).strip()


def write(path: Path, name: str, table: str) -> None:
    """Puts the table between the two marks of its name."""
    begin, end = f"<!-- {name}: written by make engines-test -->", f"<!-- end of {name} -->"
    before, _, rest = path.read_text().partition(begin)
    path.write_text(f"{before}{begin}\n\n{table}\n\n{end}{rest.partition(end)[2]}")
