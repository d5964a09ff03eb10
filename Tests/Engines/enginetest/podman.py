"""podman with a store, state and configuration of its own."""

import os
import subprocess

from .client import Client
from .home import IMAGES, Home


class Podman(Client):
    name = "podman"
    version_words = ["podman", "--version"]

    def __init__(self, home: Home, label: str = "podman", configuration: str = ""):
        super().__init__(home)
        self.directory = home.make(label)
        pids = "" if home.limits_processes else "pids_limit = 0\n"
        (self.directory / "containers.conf").write_text(
            f"""[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
{pids}[engine]
runtime = "{home.runtime.name}"
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime_supports_json = ["skiff", "crun", "runc"]
{configuration}
[engine.runtimes]
{home.runtime.name} = ["{home.runtime}"]

[network]
network_backend = "netavark"
network_config_dir = "{self.directory}/networks"
""")
        (self.directory / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "TMPDIR": str(home.make("tmp")),
                            "CONTAINERS_CONF": str(self.directory / "containers.conf"), "XDG_RUNTIME_DIR": str(self.directory)}
        # podman mounts its store onto itself when it needs it and takes that off after the last command; here it stays.
        overlay = home.make(f"{label}/root/overlay")
        subprocess.run(["mount", "--bind", overlay, overlay], check=True)

    @property
    def words(self) -> list:
        return ["podman", "--root", self.directory / "root", "--runroot", self.directory / "run",
                "--tmpdir", self.directory / "libpod", "--storage-driver", "overlay", "--log-level", "warn"]

    def load(self, image: str) -> None:
        loaded = self("load", "-q", "-i", IMAGES / f"{image}.oci.tar", timeout=120).ok().out.split()[-1]
        if loaded != f"localhost/{image}:latest":
            self("tag", loaded, f"localhost/{image}").ok()

    def remove_all(self) -> None:
        self("pod", "rm", "--all", "--force", "--time", "0")
        self("rm", "--all", "--force", "--time", "0", "--volumes")
