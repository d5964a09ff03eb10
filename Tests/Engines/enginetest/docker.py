"""dockerd with its own containerd, state and configuration."""

import json
import os
from pathlib import Path

from skifftest import host, process

from .client import Client
from .home import IMAGES, Daemon, Home

# Debian's client, with the builder that needs no plug-in; another one may come first in PATH.
PROGRAM = "/usr/bin/docker"


class Docker(Client):
    name = "docker"
    version_words = ["dockerd", "--version"]

    def __init__(self, home: Home, more: dict[str, Path] | None = None):
        """`more`: runtimes by name, besides the one under test."""
        super().__init__(home)
        self.more = more or {}
        self.directory = home.make("docker")
        self.socket = self.directory / "docker.sock"
        # BuildKit takes the first program called runc in dockerd's PATH.
        called_runc = home.make("docker/path") / "runc"
        called_runc.symlink_to(home.runtime)
        self.path = f"{called_runc.parent}:{os.environ['PATH']}"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "DOCKER_HOST": f"unix://{self.socket}",
                            "DOCKER_BUILDKIT": "1", "COMPOSE_INTERACTIVE_NO_CLI": "1", "TMPDIR": str(home.make("tmp"))}
        self.configure(default=home.runtime.name)
        self.daemon = Daemon(home, [
            "dockerd", "--config-file", self.directory / "daemon.json", "--host", f"unix://{self.socket}",
            "--data-root", home.make("docker/data"), "--exec-root", home.make("docker/exec"),
            "--pidfile", self.directory / "docker.pid"],
            env={**self.environment, "PATH": self.path})
        self.daemon.wait_for(self.answers, 60)

    def configure(self, default: str) -> None:
        name = self.home.runtime.name
        runtimes = {name: {"path": str(path)} for name, path in {"other": self.home.runtime, **self.more}.items()}
        if name != "runc":  # reserved: that is what stands first in dockerd's PATH
            runtimes[name] = {"path": str(self.home.runtime)}
        (self.directory / "daemon.json").write_text(json.dumps({
            "runtimes": runtimes, "default-runtime": default, "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "cgroup-parent": f"/{host.TOKEN}docker", "log-driver": "json-file", "storage-driver": "overlay2",
            "features": {"buildkit": True}, "deprecated-key-path": str(self.directory / "key.json")}))

    def answers(self) -> bool:
        return self.socket.exists() and self("info", timeout=20).code == 0

    @property
    def words(self) -> list:
        return [PROGRAM]

    def load(self, image: str) -> None:
        """This docker reads no OCI archives."""
        archive = self.home.make("archives") / f"{image}.docker.tar"
        process.run(["skopeo", "copy", "-q", f"oci-archive:{IMAGES}/{image}.oci.tar", f"docker-archive:{archive}:{image}:latest"],
                    scratch=self.home.make("output"), timeout=120,
                    env={**os.environ, "TMPDIR": str(self.home.make("tmp"))}).ok()
        self("load", "-q", "-i", archive, timeout=120).ok()
        self("tag", image, f"localhost/{image}").ok()  # as podman calls it
        archive.unlink()

    def stop(self) -> None:
        self.remove_all()
        self.daemon.stop()


def containerd_pid(docker: Docker) -> int:
    return int(Path(docker.directory, "exec/containerd/containerd.pid").read_text())
