"""An application of five services under podman-compose and docker-compose: one command up, requests answered through
all of them, one command down."""

import json
import os
import shutil
import socket
from pathlib import Path

import pytest

from enginetest.home import IMAGES
from skifftest import process
from skifftest.process import until

HERE = Path(__file__).parent / "application"
ARCHIVES = ["nginx", "python", "redis", "postgres"]
PORT = 18090


def get(path: str) -> tuple[int, bytes]:
    try:
        with socket.create_connection(("127.0.0.1", PORT), 2) as connection:
            connection.settimeout(30)
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: test\r\n\r\n".encode())
            head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
        return int(head.split()[1]), body
    except (OSError, IndexError):
        return 0, b""


@pytest.fixture
def compose(engine, home, needed, scratch):
    """compose("up", "-d")"""
    program = f"{engine.name}-compose"
    needed(program)
    for image in ARCHIVES:
        if not (IMAGES / f"{image}.oci.tar").exists():
            pytest.skip(f"no image {image}: images/build makes it")
        if engine("image", "inspect", f"localhost/{image}").code != 0:
            engine.load(image)
    directory = Path(shutil.copytree(HERE, scratch / "five"))
    scratch.chmod(0o755)

    def call(*args, timeout: float = 180):
        words = [program]
        if engine.name == "podman":
            # It calls podman by a name, without options.
            wrapper = scratch / "podman"
            wrapper.write_text("#!/bin/sh\nexec " + " ".join(f"'{w}'" for w in engine.words) + ' "$@"\n')
            wrapper.chmod(0o755)
            words += ["--podman-path", str(wrapper)]
        return process.run([*words, *args], scratch=home.make("output"), timeout=timeout, env=engine.environment, cwd=str(directory))

    yield call
    call("down", "-v")


def test_five_services(engine, compose):
    compose("up", "-d").ok()
    try:
        status, body = until(lambda: (a := get("/alice"))[0] == 200 and a, "the application answers", 90, interval=0.5)
    except AssertionError as error:
        logs = "\n".join(f"{name}: {engine('logs', '--tail', '8', name)!r}" for name in engine("ps", "-a", "--format", "{{.Names}}").out.split())
        raise AssertionError(f"{error}: {get('/alice')}\n{engine('ps', '-a')!r}\n{logs}") from error
    assert json.loads(body)["last"] == "alice"
    before = json.loads(body)["requests"]
    for number in range(20):
        status, body = get(f"/visitor{number:02}")
        assert status == 200, body
    answer = json.loads(body)
    assert answer["requests"] == before + 20 and answer["visits"] >= 21 and answer["last"] == "visitor19"
    # Written by the worker into the volume that the web server reads.
    assert until(lambda: (a := get("/shared/visitor19"))[0] == 200 and a, "the worker's file", 20)[1] == b"made for visitor19\n"
    assert len(engine("ps", "-q").ok().out.split()) == 5
    compose("down", "-v").ok()
    assert engine("ps", "-aq").out == ""
    assert get("/alice")[0] == 0
