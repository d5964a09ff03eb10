"""podman of a user without privileges. What the system would have to offer is mounted over: the user, ids for its
namespaces, and a device for slirp4netns."""

import os
import subprocess
from pathlib import Path

from .home import IMAGES, Home
from .podman import Podman

USER = 4711


class RootlessPodman(Podman):
    name = "rootless"

    def __init__(self, home: Home):
        super().__init__(home, "rootless")
        over(home, "/etc/passwd", Path("/etc/passwd").read_text() + f"skifftest:x:{USER}:{USER}::{self.directory}:/bin/sh\n")
        over(home, "/etc/group", Path("/etc/group").read_text() + f"skifftest:x:{USER}:\n")
        for name in ("/etc/subuid", "/etc/subgid"):
            over(home, name, f"skifftest:{USER * 100000 % 10**9}:65536\n")
        tun = home.directory / "tun"
        os.mknod(tun, 0o020666, os.makedev(10, 200))
        tun.chmod(0o666)
        subprocess.run(["mount", "--bind", tun, "/dev/net/tun"], check=True)
        subprocess.run(["umount", home.make("rootless/root/overlay")], check=True)
        run = Path(f"/run/user/{USER}")
        run.mkdir(parents=True)
        temporary = home.make("rootless/tmp")
        subprocess.run(["chown", "-R", f"{USER}:{USER}", self.directory, run, temporary], check=True)
        self.environment = {**self.environment, "XDG_RUNTIME_DIR": str(run), "TMPDIR": str(temporary), "USER": "skifftest"}

    @property
    def words(self) -> list:
        return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "podman", "--root", self.directory / "root",
                "--runroot", self.directory / "run", "--tmpdir", self.directory / "libpod", "--storage-driver", "vfs"]

    def __call__(self, *args, **more):
        # podman goes to the directory it was called in, which must be one that the user may enter.
        return super().__call__(*args, cwd=str(self.directory), **more)

    def load(self, image: str) -> None:
        archive = self.directory / f"{image}.oci.tar"
        archive.write_bytes((IMAGES / f"{image}.oci.tar").read_bytes())
        loaded = self("load", "-q", "-i", archive, timeout=120).ok().out.split()[-1]
        if loaded != f"localhost/{image}:latest":
            self("tag", loaded, f"localhost/{image}").ok()


def over(home: Home, path: str, text: str) -> None:
    own = home.make("etc") / Path(path).name
    own.write_text(text)
    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: the package uidmap makes it")
    subprocess.run(["mount", "--bind", own, path], check=True)
