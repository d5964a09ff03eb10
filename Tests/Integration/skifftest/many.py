"""Many containers of an image that run at once: for a test with some, and for Tests/Benchmarks/many with a thousand."""

import os
import subprocess
import time
from pathlib import Path


def run(skiff: str, scratch: Path, archive: Path, count: int, step: int, tell=lambda text: None) -> tuple[dict, list[str]]:
    """Figures, and what went wrong."""
    store, root = scratch / "store", scratch / "state"
    words = [skiff, "--store", str(store), "--root", str(root)]
    failures: list[str] = []

    def call(*arguments) -> str:
        result = subprocess.run([*words, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        if result.returncode or result.stderr:
            failures.append(f"{' '.join(arguments[:4])}: exit code {result.returncode}: {result.stderr[:400]}")
        return result.stdout

    def timed(*arguments) -> tuple[float, str]:
        begin = time.monotonic()
        text = call(*arguments)
        return (time.monotonic() - begin) * 1000, text

    call("load", "--quiet", str(archive))
    figures: dict = {"starts": []}
    begin = last = time.monotonic()
    ids = set()
    for number in range(1, count + 1):
        ids.add(call("run", "-d", "busybox", "sleep", "100000").strip())
        if number % step == 0 or number == count:
            now = time.monotonic()
            figures["starts"].append({"running": number, "seconds": now - begin, "milliseconds": (now - last) * 1000 / step})
            tell(f"{number} run after {now - begin:.1f} s")
            last = now
    for name, arguments in (("ps", ["ps"]), ("stats", ["stats", "--no-stream"]),
                            ("statsJSON", ["stats", "--no-stream", "--format", "json"]),
                            ("openmetrics", ["stats", "--format", "openmetrics"])):
        figures[name] = []
        for _ in range(7):
            milliseconds, text = timed(*arguments)
            figures[name].append(milliseconds)
        known = text.count("skiff_container_running{") if name == "openmetrics" else len(text.splitlines()) - (name in ("ps", "stats"))
        if known != count:
            failures.append(f"{name} shows {known} of {count}")
    figures |= memory(root)
    if figures["monitors"] != count:
        failures.append(f"{figures['monitors']} monitors for {count} containers")
    figures["stop"] = timed("stop", "--all", "--time", "1")[0] / 1000
    figures["rm"] = timed("rm", "--all")[0] / 1000
    tell(f"stopped in {figures['stop']:.1f} s, removed in {figures['rm']:.1f} s")
    failures += [f"left: {path}" for folder in ("containers", "names", "snapshots", "volumes") if (store / folder).is_dir()
                 for path in (store / folder).iterdir()]
    failures += [f"left: {path}" for path in root.iterdir() if not path.name.startswith(".")]
    failures += [f"left: {path}" for id in ids for path in Path("/sys/fs/cgroup").glob(f"*/skiff/{id}")]
    if left := memory(root)["monitors"]:
        failures.append(f"{left} monitors are left")
    return figures, failures


def memory(root: Path) -> dict:
    """Of the monitors of this state directory: how many, and private and resident memory of one, in KiB."""
    private = resident = monitors = 0
    for entry in os.listdir("/proc"):
        try:
            if not entry.isdigit() or str(root).encode() not in Path(f"/proc/{entry}/cmdline").read_bytes():
                continue
            if Path(f"/proc/{entry}/comm").read_text() != "skiff:[monitor]\n":
                continue
            lines = Path(f"/proc/{entry}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it has just ended
        monitors += 1
        for line in lines:
            if line.startswith("Private_"):
                private += int(line.split()[1])
            elif line.startswith("Rss:"):
                resident += int(line.split()[1])
    return {"monitors": monitors, "privateKiB": private / max(monitors, 1), "residentKiB": resident / max(monitors, 1)}


def judged(figures: dict) -> list[tuple[str, list[float], int, str]]:
    """What has an aim, with a thousand containers: name, values, aim, unit."""
    first, last = figures["starts"][0]["milliseconds"], figures["starts"][-1]["milliseconds"]
    return [
        ("ps", figures["ps"], 200, "ms"), ("stats --no-stream", figures["stats"], 200, "ms"),
        ("stats as JSON", figures["statsJSON"], 500, "ms"), ("stats as OpenMetrics", figures["openmetrics"], 500, "ms"),
        ("private memory of a monitor", [figures["privateKiB"]], 1024, "KiB"),
        ("last start / first", [100 * last / first], 150, "%"),
        ("stop and remove all", [figures["stop"] + figures["rm"]], 30, "s"),
    ]
