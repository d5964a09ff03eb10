"""Fixtures of the tests with real engines.

SKIFF      the program under test, as for Tests/Integration
RUNTIME    skiff (default), crun or runc: who the engines are given
CGROUPS    host, v2 or v1: the view of control groups (default host; v1 for crun, which knows no hybrid)
IMAGES     where the archives of images/build are (default out/images)
CASES      a file: a line of JSON for each case is added (see enginetest/cases.py)
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from enginetest import home as homes  # noqa: E402
from enginetest.cases import Recorder  # noqa: E402
from enginetest.docker import PROGRAM, Docker  # noqa: E402
from enginetest.home import PROJECT, RUNTIME, Home  # noqa: E402
from enginetest.podman import Podman  # noqa: E402
from skifftest import host  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: not run by `make test`")
    config.addinivalue_line("markers", "vm: about limits or the kernel; run in scripts/vm, too, by Tests/Engines/run --vm")
    if os.environ.get("CASES"):
        config.pluginmanager.register(Recorder(os.environ["CASES"], RUNTIME), "cases")
    if config.option.collectonly:
        return
    if os.geteuid() != 0:
        pytest.exit("engines need root here", 1)
    for directory in (".build/tests", "out"):
        (PROJECT / directory).mkdir(parents=True, exist_ok=True)
    host.isolate(os.environ.get("CGROUPS", "v1" if RUNTIME == "crun" else "host"), [Path("/tmp"), PROJECT / ".build", PROJECT / "out"])
    homes.mount_own_directories()
    homes.make_network()


@pytest.fixture(scope="session")
def home():
    path = Path(tempfile.mkdtemp(prefix="engines-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "engines", path], check=True)
    made = Home(path)
    yield made
    for daemon in reversed(made.daemons):
        daemon.stop()
    homes.end_everything()
    homes.remove_cgroups()
    subprocess.run(["umount", "--lazy", path], check=True)
    path.rmdir()


@pytest.fixture(scope="session")
def needed():
    """needed("podman", …) skips where one of the programs is missing."""
    def check(*programs: str) -> None:
        for program in programs:
            if not shutil.which(program):
                pytest.skip(f"no {program}: scripts/setup engines installs it")
    return check


@pytest.fixture(scope="session")
def programs(home) -> dict[str, Path]:
    """Static programs for the root file systems of bundles, by name."""
    built = PROJECT / ".build/tests"
    subprocess.run(["make", "-s", "-C", str(PROJECT / "Tests/Probe"), f"OUT={built}"], check=True)
    found = {"probe": built / "probe", "busybox": Path(shutil.which("busybox") or "/bin/busybox")}
    copies = {name: Path(shutil.copy2(source, home.make("programs") / name)) for name, source in found.items()}
    return {**copies, **{n: copies["busybox"] for n in ("sh", "true", "sleep", "cat", "ls", "tail", "hostname", "id", "echo")}}


@pytest.fixture(scope="session")
def podman_service(home, needed):
    needed("podman", "conmon")
    podman = Podman(home)
    podman.load("busybox")
    return podman


@pytest.fixture
def podman(podman_service):
    yield podman_service
    podman_service.remove_all()


@pytest.fixture(scope="session")
def docker_service(home, needed):
    needed("dockerd", PROGRAM, "containerd", "skopeo")
    docker = Docker(home)
    docker.load("busybox")
    yield docker
    docker.stop()


@pytest.fixture
def docker(docker_service):
    yield docker_service
    docker_service.remove_all()


@pytest.fixture(scope="session", params=["podman", "docker"])
def engine_service(request):
    return request.getfixturevalue(f"{request.param}_service")


@pytest.fixture
def engine(engine_service):
    """podman or docker."""
    yield engine_service
    engine_service.remove_all()


@pytest.fixture
def scratch(home, request):
    name = re.sub(r"[^a-z0-9]+", "", request.node.name.lower())[:24]
    return Path(tempfile.mkdtemp(dir=home.make("scratch"), prefix=f"{name}."))
