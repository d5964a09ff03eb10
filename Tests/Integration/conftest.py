"""Fixtures. What they give is described in skifftest/__init__.py.

SKIFF      the program under test (default out/bin/skiff, else .build/release/skiff, else .build/debug/skiff)
RUNTIME    skiff (default), crun or runc: who the OCI tests are run on; other runtimes judge the tests
CGROUPS    host, v2 or v1: the view of control groups (default host; v1 for crun, which knows no hybrid)
VERDICTS   a file: judge for the conformance suite and write a line for each test (see skifftest/verdicts.py)
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from skifftest import host, process  # noqa: E402
from skifftest.bundle import Bundle  # noqa: E402
from skifftest.program import PROJECT, RUNTIME, skiff_path  # noqa: E402
from skifftest.runtime import Runtime  # noqa: E402
from skifftest.verdicts import Recorder  # noqa: E402

VERDICTS = os.environ.get("VERDICTS")


def pytest_configure(config):
    config.addinivalue_line("markers", "peer(crun=…, runc=…): the reason why another runtime fails this test")
    config.addinivalue_line("markers", "skiff_only: about skiff's own promises; not run on other runtimes")
    config.addinivalue_line("markers", "vm: run again, or only, in the virtual machine of scripts/vm")
    config.addinivalue_line("markers", "applies(condition): not collected unless it holds, such as a limit's absence")
    config.addinivalue_line("markers", "processors: needs two; not collected on a machine with one")
    config.addinivalue_line("markers", "allows_leftovers: nothing_left_behind does not judge this test")
    if VERDICTS:
        config.pluginmanager.register(Recorder(VERDICTS, RUNTIME), "verdicts")
    if config.option.collectonly:
        return
    for directory in (".build/tests", "out"):  # tests build there
        (PROJECT / directory).mkdir(parents=True, exist_ok=True)
    writable = [Path("/tmp"), Path("/run"), PROJECT / ".build", PROJECT / "out"]
    if RUNTIME == "skiff":
        writable.append(Path("/var"))
    host.isolate(os.environ.get("CGROUPS", "v1" if RUNTIME == "crun" else "host"), writable)


def pytest_collection_modifyitems(config, items):
    config.hook.pytest_deselected(items=[item for item in items if not applies(item)])
    items[:] = [item for item in items if applies(item)]
    if RUNTIME == "skiff":
        return
    for item in items:
        if item.get_closest_marker("skiff_only"):
            item.add_marker(pytest.mark.skip(reason=f"not for {RUNTIME}"))
        if fails_by_nature(item):
            reason = item.get_closest_marker("peer").kwargs[RUNTIME]
            item.add_marker(pytest.mark.xfail(reason=f"{RUNTIME}: {reason}", strict=False))


def applies(item) -> bool:
    if item.get_closest_marker("processors") and os.cpu_count() < 2:
        return False
    return all(marker.args[0] for marker in item.iter_markers("applies"))


@pytest.fixture(scope="session")
def session_directory():
    """Removed at the end. Others may pass through it: mapped users must reach a rootfs."""
    path = Path(tempfile.mkdtemp(prefix="skifftest-"))
    path.chmod(0o755)
    if os.geteuid() != 0:
        yield path
        shutil.rmtree(path, ignore_errors=True)
        return
    # In memory: thousands of small files, which go away at once with the mount namespace of this run.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "skifftest", path], check=True)
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)
    path.rmdir()


@pytest.fixture(scope="session")
def programs(session_directory) -> dict[str, Path]:
    """Static programs that a rootfs gets, by name."""
    built = PROJECT / ".build" / "tests"
    subprocess.run(["make", "-s", "-C", str(PROJECT / "Tests/Probe"), f"OUT={built}"], check=True)
    # On the file system of the bundles, so that each bundle can have them as hard links.
    found = {"probe": built / "probe", "busybox": Path(shutil.which("busybox") or "/bin/busybox")}
    copies = {}
    for name, source in found.items():
        copies[name] = Path(shutil.copy2(source, session_directory / name))
    return {**copies, **{n: copies["busybox"] for n in ("sh", "true", "sleep", "cat", "ls", "stty", "id")}}


@pytest.fixture
def scratch(session_directory, request):
    """A directory of this test's own."""
    name = re.sub(r"[^a-z0-9]+", "", request.node.name.lower())[:24]
    path = Path(tempfile.mkdtemp(dir=session_directory, prefix=name + "."))
    path.chmod(0o755)
    return path


@pytest.fixture
def host_before():
    return host.snapshot()


@pytest.fixture(autouse=True)
def nothing_left_behind(request, host_before):
    """Compares the host before and after every test."""
    yield
    if request.node.get_closest_marker("allows_leftovers") or fails_by_nature(request.node):
        host.clean(host_before)
        return
    found = host.changes(host_before)
    if found:
        host.clean(host_before)
        pytest.fail("\n".join(found[:20]), pytrace=False)


def fails_by_nature(node) -> bool:
    """Whether this test is known to fail on the other runtime that is being asked, and may."""
    peer = node.get_closest_marker("peer")
    return not VERDICTS and peer is not None and RUNTIME in peer.kwargs


@pytest.fixture
def rt(scratch, request, nothing_left_behind) -> Runtime:
    """The runtime under test with an empty state directory, which must be empty again after the test."""
    path = skiff_path() if RUNTIME == "skiff" else shutil.which(RUNTIME)
    runtime = Runtime(RUNTIME, path, scratch)
    yield runtime
    left = [n for n in os.listdir(runtime.root) if host.TOKEN in n] if runtime.root.is_dir() else []
    for name in left:
        runtime("delete", "--force", name)
    assert not left or fails_by_nature(request.node), f"containers left in the state directory: {left}"


def tree(path: Path) -> dict[str, tuple]:
    """Every name below `path` with type, mode, owner and content."""
    found = {}
    for entry in [path, *path.rglob("*")]:
        st = entry.lstat()
        content = entry.read_bytes() if stat.S_ISREG(st.st_mode) else os.readlink(entry) if stat.S_ISLNK(st.st_mode) else None
        found[str(entry)] = (st.st_mode, st.st_uid, st.st_gid, st.st_nlink if not stat.S_ISDIR(st.st_mode) else 0, content)
    return found


@pytest.fixture
def canary(scratch, request):
    """A directory outside the rootfs that must stay exactly as it is."""
    path = scratch / "canary"
    (path / "directory").mkdir(parents=True)
    (path / "file").write_text("alive")
    before = tree(path)
    yield path
    assert tree(path) == before or fails_by_nature(request.node), "something outside the rootfs was changed"


@pytest.fixture
def make_bundle(scratch, programs):
    """make_bundle() → a Bundle with the default configuration."""
    count = 0

    def make() -> Bundle:
        nonlocal count
        count += 1
        return Bundle(scratch / f"bundle{count}", programs)

    return make


@pytest.fixture
def bundle(make_bundle) -> Bundle:
    return make_bundle()


@pytest.fixture(scope="session")
def skiff_program() -> str:
    """Path of skiff, for tests of its own promises."""
    if RUNTIME != "skiff":
        pytest.skip(f"not for {RUNTIME}")
    return skiff_path()


@pytest.fixture
def skiff(scratch, nothing_left_behind):
    """skiff("ps", "-a", timeout=5, stdin=b"…", env={…}) → Result: any skiff command line."""
    def call(*args, **more) -> process.Result:
        return process.run([skiff_path(), *map(str, args)], scratch=scratch, **more)

    return call
