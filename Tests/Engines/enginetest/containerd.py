"""containerd with its own root, state and socket, and `ctr`."""

import os

from skifftest import process
from skifftest.terminal import TerminalProgram

from .home import IMAGES, PATIENCE, Daemon, Home

REFERENCE = "localhost/busybox:latest"
SANDBOX = "localhost/sandbox:latest"


class Containerd:
    def __init__(self, home: Home, label: str = "containerd"):
        self.home = home
        self.directory = home.make(label)
        self.socket = self.directory / "containerd.sock"
        self.write_configuration()
        # Shims look for the runtime by name when no path is given.
        self.environment = {**os.environ, "TMPDIR": str(home.make("tmp"))}
        self.start()
        self("images", "import", "--index-name", REFERENCE, IMAGES / "busybox.oci.tar", timeout=120).ok()
        self.count = 0

    def start(self) -> None:
        self.daemon = Daemon(self.home, ["containerd", "--config", self.directory / "config.toml"], env=self.environment)
        self.daemon.wait_for(lambda: self.socket.exists() and self("version").code == 0)

    def write_configuration(self) -> None:
        d = self.directory
        (d / "config.toml").write_text(f"""version = 2
root = "{d}/root"
state = "{d}/state"

[grpc]
  address = "{d}/containerd.sock"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{SANDBOX}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{d}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "tested"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested.options]
        BinaryName = "{self.home.runtime}"
        SystemdCgroup = false
""")

    @property
    def words(self) -> list:
        return ["ctr", "--address", self.socket]

    def __call__(self, *args, timeout: float = 60, **more) -> process.Result:
        return process.run([*self.words, *args], scratch=self.home.make("output"), timeout=timeout * PATIENCE, env=self.environment, **more)

    def new_id(self) -> str:
        self.count += 1
        return f"ctr-{os.getpid()}-{self.count}"

    def run_words(self, *options) -> list:
        return ["run", "--runc-binary", self.home.runtime, *options]

    def run(self, *args, options=(), **more) -> process.Result:
        return self(*self.run_words("--rm", *options), REFERENCE, self.new_id(), *args, **more)

    def detached(self, *args, options=()) -> str:
        name = self.new_id()
        self(*self.run_words("-d", *options), REFERENCE, name, *args).ok()
        return name

    def terminal(self, *args, **more) -> TerminalProgram:
        return TerminalProgram([*self.words, *args], env=self.environment, **more)

    def tasks(self) -> dict[str, str]:
        """Status by id."""
        lines = self("tasks", "list").ok().out.splitlines()[1:]
        return {line.split()[0]: line.split()[2] for line in lines}

    def remove_all(self) -> None:
        for name in self.tasks():
            self("tasks", "delete", "--force", name)
        if names := self("containers", "list", "-q").out.split():
            self("containers", "delete", *names)
