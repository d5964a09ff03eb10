"""Loading images: one unpack however many ask, kills at any moment, and what the store's own check says."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from skifftest.program import skiff_path
from skifftest.tars import Layout, layer_of

pytestmark = pytest.mark.skiff_only


@pytest.fixture
def helper():
    path = Path(skiff_path()).parent / "skiff-image"
    if not path.exists():
        pytest.skip("skiff-image is not built")
    return path


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """An image of three layers with some thousand files, 30 MB."""
    folder = tmp_path_factory.mktemp("image")
    layers = [layer_of({f"l{layer}/d{number % 40}/f{number}": os.urandom(random.Random(number).randrange(20000))
                        for number in range(1000)}) for layer in range(3)]
    return Layout(layers).archive(folder / "many.tar")


def load(helper, store, *words, **keys):
    return subprocess.run([helper, "load", "--store", store, *words], capture_output=True, text=True, timeout=60, **keys)


def check(helper, store):
    return subprocess.run([helper, "check", "--store", store], capture_output=True, text=True, timeout=60)


def states(text):
    return [json.loads(line)["state"] for line in text.splitlines()]


def test_eight_loads_at_once_unpack_each_layer_once(helper, store, archive):
    command = [helper, "load", "--store", store, "--progress", "json", archive]
    loads = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(8)]
    outputs = [process.communicate(timeout=60) for process in loads]
    assert [process.returncode for process in loads] == [0] * 8, outputs
    assert sum(states(error).count("unpacked") for _, error in outputs) == 3
    assert len({out for out, _ in outputs}) == 1
    assert check(helper, store).returncode == 0
    assert os.listdir(store / "tmp") == []


@pytest.mark.parametrize("seed", range(10))
def test_ten_kills_at_random_moments_do_no_harm(helper, store, archive, seed):
    chance = random.Random(seed)
    for _ in range(10):
        process = subprocess.Popen([helper, "load", "--store", store, "-q", archive], stdout=subprocess.DEVNULL)
        time.sleep(chance.random() * 0.4)
        process.kill()
        process.wait()
    assert check(helper, store).returncode == 0
    done = load(helper, store, "-q", archive)
    assert done.returncode == 0, done.stderr
    assert check(helper, store).returncode == 0
    subprocess.run([helper, "rmi", "--store", store, "many"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([helper, "prune", "--force", "--store", store], check=True)
    assert [os.listdir(store / place) for place in ("tmp", "layers", "images")] == [[], [], []]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_a_load_and_cleans_up(helper, store, archive, number):
    process = subprocess.Popen([helper, "load", "--store", store, "--progress", "json", archive], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert json.loads(process.stderr.readline())["state"] == "started"
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    if process.returncode == 0:
        pytest.skip("it was faster than the signal")
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}" in error
    assert [os.listdir(store / place) for place in ("tmp", "layers", "images")] == [[], [], []]


def test_progress_has_four_forms(helper, tmp_path, archive):
    def error(form):
        return load(helper, tmp_path / form, "--progress", form, archive).stderr

    assert error("none") == ""
    assert set(states(error("json"))) >= {"started", "unpacked"}
    plain = error("plain").splitlines()
    assert sum(line.startswith("unpack layer") for line in plain) == 3
    assert sum(line.startswith("unpacked layer") for line in plain) == 3
    bars = error("bars")
    assert "[========================]" in bars and "\x1b[3A" in bars


def test_check_finds_what_is_wrong(helper, store, archive):
    load(helper, store, "-q", archive)
    assert check(helper, store).stdout == "1 images, 3 layers, 0 findings\n"
    image = next((store / "images").iterdir())
    config = (image / "config.json").read_bytes()
    (image / "config.json").write_bytes(config.replace(b"amd64", b"arm64") + b" ")
    (store / "images" / "stray").mkdir()
    layer = next((store / "layers").iterdir())
    (layer / "fs").rename(layer / "sf")
    found = check(helper, store)
    assert found.returncode == 1
    for text in ("config.json has another digest", "images/stray", "fs is not there", "is not there"):
        assert text in found.stdout


def test_the_unpacker_is_shut_in(helper, store, tmp_path):
    """What its process is like, seen from outside while it waits for more of a layer."""
    fifo_layer = os.urandom(60_000_000)
    source = Layout([layer_of({"f": fifo_layer})]).archive(tmp_path / "slow.tar")
    process = subprocess.Popen([helper, "load", "--store", store, "-q", source], stdout=subprocess.DEVNULL)
    child = None
    deadline = time.monotonic() + 20
    facts = None
    while time.monotonic() < deadline and process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if not children:
            continue
        child = Path("/proc") / children[0]
        try:
            status = dict(line.split(":\t", 1) for line in (child / "status").read_text().splitlines() if ":\t" in line)
            if status["Seccomp"] != "2":
                continue
            mounts = (child / "mountinfo").read_text().splitlines()
            links = {name: os.readlink(child / "ns" / name) for name in ("net", "mnt", "ipc", "uts")}
            facts = (status, mounts, links, os.readlink(child / "root"))
            break
        except (FileNotFoundError, ProcessLookupError):
            continue
    process.wait(timeout=60)
    assert facts, "the unpacker was never seen"
    status, mounts, links, _ = facts
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) & ~0x88200_01B == 0
    assert int(status["CapBnd"], 16) & ~0x88200_01B == 0
    assert len(mounts) == 1 and "nosuid,nodev,noexec" in mounts[0]
    for name, link in links.items():
        assert link != os.readlink(f"/proc/self/ns/{name}")
