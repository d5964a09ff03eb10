"""`stats`: tables, JSON and OpenMetrics of all containers, also over a socket, read by a real parser."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from skifftest.process import until

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's python3-prometheus-client, for any python3
from prometheus_client.openmetrics.parser import text_string_to_metric_families  # noqa: E402


def families(text: str) -> dict:
    return {family.name: family for family in text_string_to_metric_families(text)}


def sample(family, id: str, **labels):
    [found] = [s for s in family.samples if s.labels["id"] == id and labels.items() <= s.labels.items()]
    return found


@pytest.fixture
def two(engine):
    """A container from an image and one from a bundle in the same state directory."""
    id = engine.detached("--name", "web", "--memory", "64m", "busybox", "sleep", "100")
    bundle = engine.scratch / "plain"
    (bundle / "rootfs").mkdir(parents=True)
    config = json.loads((engine.folder(id) / "config.json").read_text())
    layer = next((engine.store / "layers").glob("**/bin/busybox"))
    for folder in ("bin", "proc", "dev", "sys", "tmp", "etc"):
        (bundle / "rootfs" / folder).mkdir(exist_ok=True)
    (bundle / "rootfs/bin/sleep").write_bytes(layer.read_bytes())
    (bundle / "rootfs/bin/sleep").chmod(0o755)
    config = {"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "process": {
        "args": ["/bin/sleep", "100"], "cwd": "/", "env": [], "user": {"uid": 0, "gid": 0}},
        "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}], "cgroupsPath": f"/skiff/{id[:12]}plain"}}
    (bundle / "config.json").write_text(json.dumps(config))
    engine("run", "-d", "--bundle", bundle, "plain").ok()
    yield id
    engine("delete", "--force", "plain").ok()
    engine("rm", "-f", id).ok()


def test_all_that_run_those_of_bundles_too(engine, two):
    rows = [json.loads(line) for line in engine("stats", "--no-stream", "--format", "json").ok().out.splitlines()]
    assert {(row["name"], row.get("image")) for row in rows} == {("web", "busybox"), ("plain", None)}
    table = engine("stats", "--no-stream").ok().out.splitlines()
    assert len(table) == 3 and "64.0 MiB" in table[1] + table[2]
    only = engine("stats", "--no-stream", "plain").ok().out.splitlines()
    assert len(only) == 2 and "plain" in only[1]
    assert len(engine("stats", "--no-stream", two[:10], "web").ok().out.splitlines()) == 3
    engine("stats", "--no-stream", "nobody").failed("nobody")


def test_a_stream_of_json_lines(engine, two):
    stream = engine.background("stats", "--format", "json", "web")
    try:
        until(lambda: len(Path(stream.out.name).read_text().splitlines()) >= 2, "two readings", 10)
    finally:
        stream.stop()
    lines = [json.loads(line) for line in Path(stream.out.name).read_text().splitlines()]
    assert {line["id"] for line in lines} == {two}


def test_openmetrics_is_accepted_by_a_real_parser(engine, two):
    """Must show 5."""
    found = families(engine("stats", "--format", "openmetrics").ok().out)
    assert sample(found["skiff_memory_limit_bytes"], two).value in (64 << 20, )
    assert sample(found["skiff_memory_limit_bytes"], "plain").value == float("inf")
    assert found["skiff_cpu_usage_seconds"].type == "counter" and found["skiff_memory_current_bytes"].type == "gauge"
    assert sample(found["skiff_cpu_usage_seconds"], two).name == "skiff_cpu_usage_seconds_total"
    assert sample(found["skiff_processes_current"], two).value == 1
    assert sample(found["skiff_container_running"], two).labels == {"id": two, "name": "web", "image": "busybox"}
    # Against the kernel's own file, read by the test.
    usage = sum(map(int, (line.split()[1] for line in cpu_stat(engine, two).read_text().splitlines()
                          if line.startswith("usage_usec"))))
    assert abs(sample(found["skiff_cpu_usage_seconds"], two).value - usage / 1e6) < 0.1


def cpu_stat(engine, id: str) -> Path:
    state = json.loads((engine.root / id / "state.json").read_text().splitlines()[-1])
    place = next(d["path"] for d in state["cgroup"]["directories"] if d["tree"] == "unified")
    return Path(place) / "cpu.stat"


def test_openmetrics_without_containers(engine):
    assert not families(engine("stats", "--format", "openmetrics").ok().out)["skiff_container_running"].samples


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0", "localhost:0"])
def test_served_over_http(engine, two, address):
    server = engine.background("stats", "--listen", address)
    try:
        until(lambda: Path(server.out.name).read_text().endswith("\n"), "the address")
        url = Path(server.out.name).read_text().strip()
        for _ in range(3):
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
                assert sample(families(answer.read().decode())["skiff_processes_current"], "plain").value == 1
        with pytest.raises(urllib.error.HTTPError) as wrong:
            urllib.request.urlopen(url.replace("/metrics", "/other"), timeout=10)
        assert wrong.value.code == 404
        with pytest.raises(urllib.error.HTTPError) as wrong:
            urllib.request.urlopen(urllib.request.Request(url, data=b"x"), timeout=10)
        assert wrong.value.code == 405
    finally:
        server.process.send_signal(signal.SIGTERM)
        assert server.wait(10).code == 0


def test_served_at_a_unix_socket(engine, two, scratch):
    place = scratch / "figures.sock"
    server = engine.background("stats", "--listen", f"unix:{place}")
    try:
        until(place.exists, "the socket")
        assert place.stat().st_mode & 0o777 == 0o600
        # Somebody who says nothing holds nobody up.
        idle = socket.socket(socket.AF_UNIX)
        idle.connect(str(place))
        text = subprocess.run(["curl", "-s", "--max-time", "5", "--unix-socket", place, "http://skiff/metrics"],
                              check=True, capture_output=True, text=True).stdout
        idle.close()
        assert sample(families(text)["skiff_processes_current"], two).value == 1
        engine("stats", "--listen", f"unix:{place}").failed("EADDRINUSE")
    finally:
        server.process.send_signal(signal.SIGTERM)
        assert server.wait(10).code == 0
    time.sleep(0.1)
    assert not place.exists()


@pytest.mark.parametrize("address, word", [
    ("0.0.0.0:9100", "0.0.0.0"), ("192.168.1.1:9100", "192.168.1.1"), ("[::]:9100", "[::]"), ("example.com:80", "example.com"),
    (":9100", "--listen"), ("127.0.0.1", "no address"), ("127.0.0.1:99999", "no address"), ("unix:", "no socket")])
def test_other_addresses_are_refused_by_name(engine, address, word):
    engine("stats", "--listen", address).failed("--listen", word, code=2)


def test_bad_options(engine):
    engine("stats", "--format", "xml").failed("openmetrics", "xml", code=2)
    engine("stats", "--listen", "127.0.0.1:0", "--format", "table").failed("--listen", "table", code=2)
    engine("stats", "--interval", "0").failed("--interval", code=2)
