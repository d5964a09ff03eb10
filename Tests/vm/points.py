"""Reading TAP, and which skipped points have a reason that lies in the kernel or the machine."""

import os
import re
from dataclasses import dataclass, field

POINT = re.compile(r"^(not )?ok\b *(\d+)?(?: - )?(.*?)(?: # (SKIP)\b *(.*))?$")
SKIPS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "skips.txt")


@dataclass
class Totals:
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skips: list[tuple[str, str]] = field(default_factory=list)  # name, reason

    def add(self, other):
        self.passed += other.passed
        self.failures += other.failures
        self.skips += other.skips

    @property
    def text(self):
        return f"{self.passed} ok, {len(self.failures)} not ok, {len(self.skips)} skipped"


def read(path, kernel):
    """The points of a file. A file without its plan, and a skip that no line of skips.txt allows for this kernel, are
    failures. Without a kernel every skip is allowed."""
    totals = Totals()
    planned, count = None, 0
    try:
        with open(path, errors="replace") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        lines = []
    allowed = reasons(kernel) if kernel else [""]
    for line in lines:
        if plan := re.match(r"1\.\.(\d+)", line):
            planned = int(plan[1])
        elif point := POINT.match(line):
            count += 1
            failed, _, name, directive, reason = point.groups()
            if failed:
                totals.failures.append(name)
            elif directive == "SKIP" and any(re.search(pattern, reason) for pattern in allowed):
                totals.skips.append((name, reason))
            elif directive == "SKIP":
                totals.failures.append(f"{name}: skipped without a reason of the kernel: {reason}")
            else:
                totals.passed += 1
    if planned is None or planned != count:
        totals.failures.append(f"{os.path.basename(path)}: ended after {count} of {planned or 'unknown many'} points")
    return totals


def reasons(kernel):
    """Regular expressions; a line begins with the kernels for which it holds, or `*`."""
    with open(SKIPS) as file:
        lines = [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]
    pairs = [line.split(None, 1) for line in lines]
    return [pattern for kernels, pattern in pairs if kernels == "*" or kernel in kernels.split(",")]
