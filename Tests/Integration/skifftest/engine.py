"""engine: skiff on a store with the busybox image that images/build makes, and a state directory of the test's own;
services and empty_engine: the same with other stores.
After each test there must be no container, name, snapshot, volume, state entry or cgroup left."""

import os
import subprocess
from pathlib import Path

import pytest

from skifftest import process
from skifftest.terminal import TerminalProgram

PROJECT = Path(__file__).resolve().parents[3]


class Engine:
    def __init__(self, program: str, store: Path, scratch: Path):
        self.program, self.store, self.scratch = program, store, scratch
        self.root = scratch / "state"
        self.env = {"PATH": os.environ["PATH"], "HOME": "/root", "LANG": "C.UTF-8", "TERM": "vt100"}
        self.ids: set[str] = set()

    def words(self, *args) -> list[str]:
        return [self.program, "--store", str(self.store), "--root", str(self.root), *map(str, args)]

    def __call__(self, *args, **more) -> process.Result:
        return process.run(self.words(*args), scratch=self.scratch, **{"env": self.env, **more})

    def background(self, *args, **more) -> process.Running:
        return process.Running(self.words(*args), scratch=self.scratch, **{"env": self.env, **more})

    def terminal(self, *args, **more) -> TerminalProgram:
        return TerminalProgram(self.words(*args), env=self.env, **more)

    def run(self, *args, **more) -> process.Result:
        """`run --rm ARGS` to its end."""
        return self("run", "--rm", *args, **more)

    def detached(self, *args) -> str:
        """`run -d ARGS`, which must succeed; the container's id."""
        name = self("run", "-d", *args).ok().out.strip()
        assert len(name) == 64
        self.ids.add(name)
        return name

    def folder(self, id: str) -> Path:
        return self.store / "containers" / id

    def log(self, id: str) -> str:
        """What the container printed, without times."""
        text = (self.folder(id) / "log").read_text()
        return "".join(line.split(" ", 3)[3] + "\n" for line in text.splitlines())

    def wait_log(self, id: str, text: str) -> None:
        process.until(lambda: text in self.log(id), f"{text!r} in the log")

    def monitor(self, id: str) -> int:
        """Process id of the container's monitor."""
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    words = Path(f"/proc/{entry}/cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"monitor" in words and id.encode() in words:
                    return int(entry)
        raise AssertionError(f"no monitor of {id}")

    def pid(self, id: str) -> int:
        """Process id of the container's first process on the host."""
        return self("state", id).ok().json["pid"]

    def leftovers(self) -> list[str]:
        found = [str(p) for d in ("containers", "names", "snapshots", "volumes") if (self.store / d).is_dir()
                 for p in (self.store / d).iterdir()]
        found += [str(p) for p in self.root.iterdir() if p.name != ".init"] if self.root.is_dir() else []
        roots = Path("/sys/fs/cgroup")
        found += [str(p) for id in self.ids for p in [*roots.glob(f"*/skiff/{id}"), *roots.glob(f"skiff/{id}")]]
        return found


@pytest.fixture(scope="session")
def busybox_archive() -> Path:
    subprocess.run([PROJECT / "images/build", "busybox"], check=True, stdout=subprocess.DEVNULL, timeout=600)
    return PROJECT / "out/images/busybox.oci.tar"


@pytest.fixture(scope="session")
def engine_store(skiff_program, busybox_archive, session_directory) -> Path:
    store = session_directory / "store"
    load(skiff_program, store, busybox_archive)
    return store


@pytest.fixture(scope="session")
def service_store(skiff_program, session_directory) -> Path:
    """A store with the python, nginx, redis and postgres images. `make images` must have made their archives: package
    scripts need a network, which tests have not."""
    store = session_directory / "services"
    folder = Path(os.environ.get("IMAGES", PROJECT / "out/images"))
    for name in ("python", "nginx", "redis", "postgres"):
        archive = folder / f"{name}.oci.tar"
        if not archive.exists():
            pytest.fail(f"{archive} is missing: run `make images`", pytrace=False)
        load(skiff_program, store, archive)
    return store


def load(program: str, store: Path, archive: Path) -> None:
    subprocess.run([program, "--store", store, "load", "--quiet", archive], check=True, stdout=subprocess.DEVNULL,
                   timeout=300)


@pytest.fixture
def engine(skiff_program, engine_store, scratch, nothing_left_behind):
    yield from clean_engine(skiff_program, engine_store, scratch)


@pytest.fixture
def services(skiff_program, service_store, scratch, nothing_left_behind):
    """An Engine with the images of real programs."""
    yield from clean_engine(skiff_program, service_store, scratch)


@pytest.fixture
def empty_engine(skiff_program, scratch, nothing_left_behind):
    """An Engine with a store of its own, without images."""
    yield from clean_engine(skiff_program, scratch / "store", scratch)


def clean_engine(program: str, store: Path, scratch: Path):
    made = Engine(program, store, scratch)
    yield made
    left = made.leftovers()
    for path in (store / "containers").iterdir() if (store / "containers").is_dir() else ():
        made("rm", "--force", path.name)
    subprocess.run(["rm", "-rf", store / "volumes"], check=True)
    assert not left, f"left behind: {left}"
