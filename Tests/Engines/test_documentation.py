"""docs/engines.md followed as it stands: the ready-made files, the runtime where `make install` puts it, and the engines'
own directories, which are empty here."""

import json
import os
import subprocess

import pytest

from enginetest.docker import PROGRAM
from enginetest.home import IMAGES, PROJECT, RUNTIME, Daemon
from enginetest.slurm import Slurm
from skifftest import process
from skifftest.bundle import Bundle

EXAMPLES = PROJECT / "docs/examples"
pytestmark = pytest.mark.skipif(RUNTIME != "skiff", reason="the files name skiff")


@pytest.fixture(scope="module")
def machine(home):
    """/usr/local/bin/skiff, and directories of /etc that can be written."""
    over = ["/usr/local/bin", "/etc/containers", *(["/etc/docker"] if os.path.isdir("/etc/docker") else [])]
    kept = {name: (f"/etc/containers/{name}", open(f"/etc/containers/{name}").read()) for name in ("policy.json",)}
    for path in over:
        subprocess.run(["mount", "-t", "tmpfs", "engines", path], check=True)
    for path, text in kept.values():
        with open(path, "w") as file:
            file.write(text)
    os.mkdir("/etc/containers/containers.conf.d")
    subprocess.run(["cp", home.runtime, "/usr/local/bin/skiff"], check=True)
    yield {**os.environ, "HOME": str(home.make("root"))}
    for path in over:
        subprocess.run(["umount", "--lazy", path], check=True)


@pytest.fixture
def run(machine, home):
    def call(*args, timeout=90, **more):
        return process.run(args, scratch=home.make("output"), timeout=timeout, env=machine, **more)
    return call


def test_podman_and_buildah(run, needed, scratch):
    needed("podman", "buildah")
    run("cp", EXAMPLES / "skiff-containers.conf", "/etc/containers/containers.conf.d/50-skiff.conf").ok()
    assert run("podman", "info", "--format", "{{.Host.OCIRuntime.Name}}").ok().out == "skiff\n"
    image = run("podman", "load", "-q", "-i", IMAGES / "busybox.oci.tar").ok().out.split()[-1]
    try:
        run("podman", "run", "--rm", "--network", "none", image, "true").ok()
        (scratch / "Containerfile").write_text(f"FROM {image}\nRUN echo built\n")
        assert "built" in run("buildah", "bud", "--isolation", "oci", "--network", "none", "--pull-never", scratch).ok().out
        assert "built" in run("podman", "build", "--network", "none", "--pull=never", scratch).ok().out
    finally:
        run("podman", "system", "reset", "--force")


def test_docker(run, machine, home, needed):
    needed("dockerd", PROGRAM, "skopeo")
    socket = home.make("documented") / "docker.sock"
    daemon = Daemon(home, ["dockerd", "--config-file", EXAMPLES / "daemon.json", "--host", f"unix://{socket}", "--iptables=false", "--bridge=none"],
                    env=machine, name="dockerd")
    docker = [PROGRAM, "--host", f"unix://{socket}"]
    daemon.wait_for(lambda: socket.exists() and run(*docker, "info").code == 0, 60)
    try:
        assert run(*docker, "info", "--format", "{{.DefaultRuntime}}").ok().out == "skiff\n"
        archive = home.make("archives") / "documented.tar"
        run("skopeo", "copy", "-q", f"oci-archive:{IMAGES}/busybox.oci.tar", f"docker-archive:{archive}:busybox:latest").ok()
        run(*docker, "load", "-q", "-i", archive).ok()
        run(*docker, "run", "--rm", "--network", "none", "busybox", "true").ok()
    finally:
        daemon.stop()


def test_containerd(run, machine, home, needed):
    needed("containerd", "ctr")
    daemon = Daemon(home, ["containerd", "--config", EXAMPLES / "containerd.toml"], env=machine)
    daemon.wait_for(lambda: run("ctr", "version").code == 0, 60)
    try:
        run("ctr", "images", "import", "--index-name", "localhost/busybox:latest", IMAGES / "busybox.oci.tar").ok()
        run("ctr", "run", "--runc-binary", "/usr/local/bin/skiff", "--rm", "localhost/busybox:latest", "one", "true").ok()
        # What test_cri.py shows at work.
        dump = run("containerd", "--config", EXAMPLES / "containerd.toml", "config", "dump").ok().out
        assert 'BinaryName = "/usr/local/bin/skiff"' in dump and "runtimes.skiff" in dump
    finally:
        daemon.stop()


@pytest.mark.parametrize("file", ["oci.conf", "oci-create-start.conf"])
def test_slurm(machine, home, needed, scratch, programs, file):
    needed("munged", "slurmctld", "slurmd", "srun")
    bundle = Bundle(scratch / "bundle", programs).write()
    slurm = Slurm(home)
    try:
        (slurm.directory / "oci.conf").write_text((EXAMPLES / file).read_text())
        slurm("scontrol", "reconfigure").ok()
        assert slurm("srun", f"--container={bundle.path}", "/bin/echo", "inside", timeout=30).ok().out == "inside\n"
        if file == "oci.conf":
            assert json.loads(open("/var/log/slurm-receipts.jsonl").readlines()[-1])["id"].endswith(".0.0")
    finally:
        slurm.stop()
