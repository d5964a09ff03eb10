"""Bad input from engines: bundles that change, one id in several roots, odd paths, very many containers at once."""

import pytest

from enginetest.podman import Podman
from skifftest import host, process
from skifftest.bundle import Bundle
from skifftest.process import until


@pytest.fixture
def bundle(scratch, programs):
    return Bundle(scratch / "bundle", programs).write()


@pytest.fixture
def runtime(home, scratch):
    """runtime("create", …) as an engine calls it, in a root of this test's own."""
    def call(*args, root=scratch / "state", timeout=20, **more):
        return process.run([home.runtime, "--root", root, *args], scratch=home.make("output"), timeout=timeout, **more)
    return call


def name(suffix: str = "") -> str:
    return f"{host.TOKEN}trouble{suffix}"


@pytest.mark.parametrize("change", ["gone", "other program", "not JSON", "moved"])
def test_bundle_that_changes_between_create_and_start(runtime, bundle, change):
    """The container is what create saw."""
    output = bundle.path.parent / "output"
    bundle.shell("echo first")
    bundle.write()
    with open(output, "wb") as file:
        runtime("create", "--bundle", bundle.path, name(), stdout=file).ok()
    if change == "gone":
        (bundle.path / "config.json").unlink()
    elif change == "other program":
        bundle.shell("echo second")
        bundle.write()
    elif change == "not JSON":
        bundle.write("{")
    else:
        bundle.path.rename(bundle.path.with_name("elsewhere"))
    runtime("start", name()).ok()
    until(lambda: runtime("state", name()).json["status"] == "stopped", "it ends")
    assert output.read_text() == "first\n"
    runtime("delete", name()).ok()


def test_one_id_in_two_roots(runtime, bundle, scratch, programs):
    """Two engines, each with its own root and its own cgroup parent."""
    bundle.process["args"] = ["/bin/sleep", "100"]
    roots = [scratch / "first", scratch / "second"]
    for root in roots:
        bundle.linux["cgroupsPath"] = f"/{host.TOKEN}{root.name}/{name()}"
        bundle.write()
        runtime("create", "--bundle", bundle.path, name(), root=root).ok()
        runtime("start", name(), root=root).ok()
    pids = [runtime("state", name(), root=root).json["pid"] for root in roots]
    assert pids[0] != pids[1]
    runtime("delete", "--force", name(), root=roots[0]).ok()
    state = runtime("state", name(), root=roots[1]).ok().json
    assert state["status"] == "running" and state["pid"] == pids[1]
    runtime("delete", "--force", name(), root=roots[1]).ok()


@pytest.mark.parametrize("root", ["with a space", "trailing/", "double//slash", "quote'and\"", "ünïcode", "-dash"])
def test_odd_roots(runtime, bundle, scratch, root):
    where = f"{scratch}/{root}"
    bundle.process["args"] = ["/bin/sleep", "100"]
    bundle.write()
    runtime("create", "--bundle", f"{bundle.path}/", "--pid-file", scratch / "a pid file", name(), root=where).ok()
    assert int((scratch / "a pid file").read_text()) == runtime("state", name(), root=where).json["pid"]
    runtime("start", name(), root=where).ok()
    runtime("kill", "--all", name(), "9", root=where).ok()
    until(lambda: runtime("state", name(), root=where).json["status"] == "stopped", "it ends")
    runtime("delete", name(), root=where).ok()


def test_bundle_on_an_odd_path(runtime, scratch, programs):
    bundle = Bundle(scratch / "a bundle with 'quotes' and spaces", programs)
    bundle.process["args"] = ["/bin/echo", "inside"]
    bundle.write()
    assert runtime("run", "--bundle", f"{bundle.path}/", name()).ok().out == "inside\n"


def test_engine_on_an_odd_path(home, needed):
    """All of podman's directories have spaces."""
    needed("podman", "conmon")
    podman = Podman(home, "a podman with spaces")
    podman.load("busybox")
    assert podman.sh("echo inside").ok().out == "inside\n"
    held = podman.detached("sleep 100")
    assert podman("exec", held, "echo", "again").ok().out == "again\n"
    podman.remove_all()


@pytest.mark.slow
def test_two_hundred_at_once(docker):
    """One engine starts them all; each says its number."""
    count = 200
    running = [docker.start("run", "--rm", *docker.plain, "busybox", "echo", f"number {n}") for n in range(count)]
    for n, one in enumerate(running):
        assert one.wait(240).ok().out == f"number {n}\n"
    assert docker("ps", "-aq").out == ""


@pytest.mark.slow
def test_two_hundred_that_stay(docker):
    names = [docker.new_name() for _ in range(200)]
    for batch in range(0, 200, 50):
        started = [docker.start("run", "-d", "--name", n, *docker.plain, "busybox", "sleep", "1000") for n in names[batch : batch + 50]]
        for one in started:
            one.wait(240).ok()
    assert len(docker("ps", "-q").ok().out.split()) == 200
    docker("rm", "--force", *names, timeout=240).ok()
    assert docker("ps", "-aq").out == ""
