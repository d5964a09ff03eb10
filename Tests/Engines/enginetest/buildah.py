"""buildah with a store of its own."""

import os

from skifftest import process

from .home import IMAGES, Home


class Buildah:
    def __init__(self, home: Home):
        self.home = home
        self.directory = home.make("buildah")
        (self.directory / "containers.conf").write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n[engine]\ncgroup_manager = "cgroupfs"\n'
            f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{self.directory}/networks"\n')
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "TMPDIR": str(home.make("tmp")),
                            "CONTAINERS_CONF": str(self.directory / "containers.conf"), "BUILDAH_RUNTIME": str(home.runtime),
                            "BUILDAH_ISOLATION": "oci", "XDG_RUNTIME_DIR": str(self.directory)}
        self.image = self("pull", "-q", f"oci-archive:{IMAGES}/busybox.oci.tar", timeout=120).ok().out.split()[-1]
        self("tag", self.image, "localhost/busybox").ok()

    def __call__(self, *args, timeout: float = 60, **more) -> process.Result:
        words = ["buildah", "--root", self.directory / "root", "--runroot", self.directory / "run", "--storage-driver", "overlay", *args]
        return process.run(words, scratch=self.home.make("output"), timeout=timeout, env=self.environment, **more)

    def container(self) -> str:
        return self("from", "--pull-never", "localhost/busybox").ok().out.strip()
