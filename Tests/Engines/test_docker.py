"""What only docker has: other runtimes by name, its own builder's details, swarm, a daemon that dies."""

import json
import os
import time
from pathlib import Path

import pytest

from enginetest.docker import containerd_pid
from enginetest.home import RUNTIME
from skifftest.process import until


def test_default_runtime(docker):
    information = json.loads(docker("info", "--format", "{{json .}}").ok().out)
    assert information["DefaultRuntime"] == RUNTIME and "other" in information["Runtimes"]
    assert docker.inspect(docker.detached("sleep 100"))["HostConfig"]["Runtime"] == RUNTIME


def test_added_runtime(docker):
    name = docker.detached("--runtime", "other", "sleep 100")
    assert docker.inspect(name)["HostConfig"]["Runtime"] == "other"
    assert docker("exec", name, "echo", "inside").ok().out == "inside\n"


def test_version_in_info(docker):
    """docker shows commit and version of what is called runc in dockerd's PATH: here the tested runtime."""
    version = json.loads(docker("info", "--format", "{{json .RuncCommit}}").ok().out)["ID"]
    assert version not in ("", "N/A"), version


def test_build_with_mounts_and_secrets(docker, scratch):
    (scratch / "secret").write_text("hidden\n")
    (scratch / "Dockerfile").write_text(
        "FROM busybox\nRUN --mount=type=cache,target=/cache echo cached >/cache/file && cp /cache/file /kept\n"
        "RUN --mount=type=secret,id=s cat /run/secrets/s >/seen\nRUN --mount=type=tmpfs,target=/t touch /t/x\n"
        "CMD [\"cat\", \"/kept\", \"/seen\"]\n")
    tag = docker.new_name()
    docker("build", "-t", tag, "--secret", f"id=s,src={scratch}/secret", scratch, timeout=120).ok()
    assert docker("run", "--rm", *docker.plain, tag).ok().out == "cached\nhidden\n"


def test_build_without_buildkit(docker, scratch):
    (scratch / "Dockerfile").write_text("FROM busybox\nRUN echo old >/way\nCMD [\"cat\", \"/way\"]\n")
    tag = docker.new_name()
    docker("build", "-t", tag, scratch, timeout=120, env={**docker.environment, "DOCKER_BUILDKIT": "0"}).ok()
    assert docker("run", "--rm", *docker.plain, tag).ok().out == "old\n"


@pytest.fixture
def swarm(docker):
    docker("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:23770").ok()
    yield docker
    for service in docker("service", "ls", "-q").out.split():
        docker("service", "rm", service)
    docker("swarm", "leave", "--force").ok()


def running(docker, service: str) -> list[str]:
    """Ids of the containers of the service's running tasks."""
    return docker("ps", "-q", "--filter", f"label=com.docker.swarm.service.name={service}").ok().out.split()


def until_count(docker, service: str, count: int, timeout: float = 60) -> list[str]:
    return until(lambda: len(found := running(docker, service)) == count and (found or True), f"{count} containers of {service}: {docker('service', 'ps', service)!r}",
                 timeout, interval=0.3)


def serve(docker, name: str, *options) -> None:
    docker("service", "create", "-d", "--name", name, "--endpoint-mode", "dnsrr", "--stop-grace-period", "1s", "--restart-delay", "100ms",
           "--no-resolve-image", *options, "busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done", timeout=60).ok()


def test_swarm_scale(swarm):
    serve(swarm, "scaled", "--replicas", "1", "--network", "host")
    for count in (1, 5, 2):
        swarm("service", "scale", "-d", f"scaled={count}").ok()
        until_count(swarm, "scaled", count)


def test_swarm_heals(swarm):
    serve(swarm, "healed", "--replicas", "2", "--network", "host")
    first = until_count(swarm, "healed", 2)
    os.kill(swarm.inspect(first[0])["State"]["Pid"], 9)
    until(lambda: len(now := running(swarm, "healed")) == 2 and first[0] not in now, "the killed task is replaced", 40, interval=0.3)


def test_swarm_rolling_update(swarm):
    serve(swarm, "rolled", "--replicas", "3", "--network", "host", "--update-parallelism", "1", "--update-delay", "0s")
    old = until_count(swarm, "rolled", 3)
    swarm("service", "update", "-d", "--env-add", "VERSION=2", "rolled").ok()

    def all_new():
        now = running(swarm, "rolled")
        return len(now) == 3 and not set(now) & set(old) and all("VERSION=2" in swarm.inspect(c)["Config"]["Env"] for c in now)

    until(all_new, "three new tasks", 90, interval=0.5)


def test_swarm_names_by_round_robin(swarm):
    """On an overlay network, whose names are answered by dockerd."""
    network = swarm.new_name()
    swarm("network", "create", "--driver", "overlay", "--attachable", network).ok()
    serve(swarm, "named", "--replicas", "2", "--network", network)
    until_count(swarm, "named", 2)
    out = swarm("run", "--rm", "--network", network, "busybox", "nslookup", "tasks.named", timeout=60).ok().out
    assert out.count("Address") >= 3, out  # the server's own, and two tasks
    swarm("service", "rm", "named").ok()
    until_count(swarm, "named", 0)
    until(lambda: swarm("network", "rm", network).code == 0, "the network goes", 30, interval=0.5)


def test_dockerd_is_killed(docker):
    """Containers are found and removed after the next start."""
    kept = docker.detached("--restart", "no", "sleep 300")
    pid = docker.inspect(kept)["State"]["Pid"]
    containerd = containerd_pid(docker)
    docker.daemon.kill()
    os.kill(containerd, 9)
    until(lambda: not alive(containerd), "containerd is gone", interval=0.1)
    (docker.directory / "docker.pid").unlink(missing_ok=True)
    docker.daemon.start()
    docker.daemon.wait_for(docker.answers, 60)
    docker("rm", "--force", kept).ok()
    until(lambda: not alive(pid), "its process is gone", 20, interval=0.1)
    assert docker.sh("echo works again").ok().out == "works again\n"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_shim_is_killed(docker):
    name = docker.detached("sleep 300")
    information = docker.inspect(name)
    shim = next(int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and information["Id"].encode() in command(p)
                and b"containerd-shim" in command(p))
    os.kill(shim, 9)
    docker.until_state(name, "exited", 30)
    until(lambda: not alive(information["State"]["Pid"]), "its process is gone", 20, interval=0.1)
    docker("start", name).ok()
    assert docker("exec", name, "echo", "again").ok().out == "again\n"


def command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
