"""CLI-13 and CLI-14: containers with something special about them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from criutest import COUNTER, PATIENCE, count, counting, restored, saved, until_it_counts, why
from skifftest.process import until

PROFILES = Path(__file__).resolve().parents[2] / "Fixtures/engine-configs"


def test_cli_13_tcp_established(rt, bundle, scratch):
    """A connection inside the container, over its loopback, lives on; without the option it is refused."""
    script = ("exec </dev/null >/dev/null 2>&1; "
              "(i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done) | nc -l -p 7000 & sleep 2; "
              "nc 127.0.0.1 7000 </dev/zero | while read i; do echo $i >/tmp/count; done")
    c = rt.create(bundle.writable().shell(script))
    c.start()
    until_it_counts(bundle)
    rt("checkpoint", "--image-path", scratch / "images", c.id, timeout=PATIENCE).failed("criu: ", "tcp")
    until_it_counts(bundle, count(bundle))
    saved(rt, c, scratch / "images", "--tcp-established")
    reached = count(bundle)
    c = restored(rt, bundle, scratch / "images", "--tcp-established")
    until_it_counts(bundle, reached)
    c.remove()


def test_cli_14_a_user_namespace_with_a_seccomp_profile(rt, bundle, scratch):
    """Ids, capabilities, no_new_privs and the filter are the same before and after."""
    profile = json.loads((PROFILES / "podman.json").read_text())["linux"]["seccomp"]
    bundle.user_namespace().linux["seccomp"] = profile
    for directory in ("", "tmp"):
        os.chown(bundle.rootfs / directory, 100000, 100000)
    c = rt.create(counting(bundle))
    c.start()
    until_it_counts(bundle)
    before = status(c)
    saved(rt, c, scratch / "images")
    reached = count(bundle)
    c = restored(rt, bundle, scratch / "images")
    until_it_counts(bundle, reached)
    assert status(c) == before and before["Seccomp"] == "2" and before["Uid"].split()[0] == "100000"
    c.remove()


def status(container) -> dict[str, str]:
    lines = Path(f"/proc/{container.pid}/status").read_text().splitlines()
    wanted = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines) if name in wanted}


def test_cli_14_lazy_pages(rt, bundle, scratch):
    """The memory stays where it was and is fetched page by page."""
    images, port = scratch / "images", "27277"
    c = rt.create(counting(bundle))
    c.start()
    until_it_counts(bundle)
    ready, status_fd = os.pipe()
    saving = rt.background("checkpoint", "--image-path", images, "--lazy-pages", "--page-server", f"127.0.0.1:{port}",
                           "--status-fd", status_fd, "--work-path", scratch / "work", c.id, pass_fds=(status_fd,))
    os.close(status_fd)
    assert os.read(ready, 1) == b"\0", f"{saving.wait(PATIENCE)!r}\n{why(scratch / 'work')}"
    reached = count(bundle)
    fetching = subprocess.Popen([shutil.which("criu", path=os.environ["PATH"] + ":/usr/sbin"), "lazy-pages", "--page-server",
                                 "--address", "127.0.0.1", "--port", port, "-D", images, "-W", scratch / "work"])
    until(lambda: (scratch / "work/lazy-pages.socket").exists(), "the fetching begins", PATIENCE)
    again = restored(rt, bundle, images, "--lazy-pages", "--work-path", scratch / "work")
    until_it_counts(bundle, reached)
    assert fetching.wait(PATIENCE) == 0 and saving.wait(PATIENCE).code == 0
    assert rt("state", c.id).code != 0
    again.remove()
    os.close(ready)


def test_cli_14_hooks_run_again(rt, bundle, scratch):
    """prestart and createRuntime when the namespaces are there, with the new process; poststop after each end."""
    log = scratch / "hooks"
    for kind in ("prestart", "createRuntime", "poststop"):
        bundle.hook(kind, "/bin/sh", "-c", f"echo {kind} $(cat) >>{log}")
    c = rt.create(counting(bundle))
    c.start()
    until_it_counts(bundle)
    first = c.pid
    saved(rt, c, scratch / "images")
    assert kinds(log) == ["prestart", "createRuntime", "poststop"]
    c = restored(rt, bundle, scratch / "images")
    assert kinds(log)[3:] == ["prestart", "createRuntime"]
    states = [json.loads(line.split(" ", 1)[1]) for line in log.read_text().splitlines()]
    assert states[0]["pid"] == first and states[3]["pid"] == c.pid != first
    c.remove()
    assert kinds(log)[5:] == ["poststop"]


def kinds(log: Path) -> list[str]:
    return [line.split()[0] for line in log.read_text().splitlines()]
