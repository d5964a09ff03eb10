"""OCI bundles for tests."""

import copy
import json
import os
from pathlib import Path

DEFAULT_CAPABILITIES = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
PROBE = "/bin/probe"

DEFAULT = {
    "ociVersion": "1.0.2",
    "process": {
        "terminal": False,
        "user": {"uid": 0, "gid": 0},
        "args": [PROBE, "report"],
        "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {kind: list(DEFAULT_CAPABILITIES) for kind in ("bounding", "effective", "permitted")},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    },
    "root": {"path": "rootfs", "readonly": True},
    "hostname": "skifftest",
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
        {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
         "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
         "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
        {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
         "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]},
    ],
    "linux": {
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount", "cgroup")],
        "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
        "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
}

_DIRECTORIES = ("bin", "dev", "etc", "home", "lib", "mnt", "proc", "root", "run", "sys", "tmp", "usr/bin", "var")


class Bundle:
    """A directory with `config.json` (from the dict `config`, written by `write`) and `rootfs`."""

    def __init__(self, path: Path, programs: dict[str, Path]):
        self.path = path
        self.rootfs = path / "rootfs"
        self.config = copy.deepcopy(DEFAULT)
        for name in _DIRECTORIES:
            (self.rootfs / name).mkdir(parents=True)
        (self.rootfs / "tmp").chmod(0o1777)
        (self.rootfs / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n")
        (self.rootfs / "etc/group").write_text("root:x:0:\nuser:x:1000:\n")
        for name, source in programs.items():
            os.link(source, self.rootfs / "bin" / name)

    # Short names for what tests change most.
    @property
    def process(self) -> dict:
        return self.config["process"]

    @property
    def linux(self) -> dict:
        return self.config["linux"]

    def probe(self, *verbs) -> "Bundle":
        """The program is the probe: each verb a string or a tuple (verb, argument…)."""
        self.process["args"] = [PROBE, *verb_words(*verbs)]
        return self

    def shell(self, script: str) -> "Bundle":
        self.process["args"] = ["/bin/sh", "-c", script]
        return self

    def mount(self, destination: str, kind: str = "tmpfs", source: str = "tmpfs", *options: str, **more) -> "Bundle":
        self.config["mounts"].append(
            {"destination": destination, "type": kind, "source": str(source), "options": list(options), **more})
        return self

    def bind(self, source, destination: str, *options: str, **more) -> "Bundle":
        return self.mount(destination, "bind", source, *(options or ("rbind",)), **more)

    def drop_mount(self, destination: str) -> "Bundle":
        self.config["mounts"] = [m for m in self.config["mounts"] if m["destination"] != destination]
        return self

    def writable(self) -> "Bundle":
        self.config["root"]["readonly"] = False
        return self

    def capabilities(self, *names: str, ambient: bool = False) -> "Bundle":
        """Exactly these in bounding, effective and permitted; with `ambient` also inheritable and ambient."""
        kinds = ["bounding", "effective", "permitted"] + (["inheritable", "ambient"] if ambient else [])
        self.process["capabilities"] = {kind: list(names) for kind in kinds}
        return self

    def namespace(self, kind: str, path: str | None = None) -> "Bundle":
        """Sets the namespace of this type: new, or the one at `path`."""
        self.without_namespace(kind)
        self.linux["namespaces"].append({"type": kind, **({"path": str(path)} if path else {})})
        return self

    def without_namespace(self, kind: str) -> "Bundle":
        self.linux["namespaces"] = [n for n in self.linux["namespaces"] if n["type"] != kind]
        return self

    def user_namespace(self, host_id: int = 100000, size: int = 65536) -> "Bundle":
        """A user namespace in which container id 0 is `host_id`."""
        self.namespace("user")
        for kind in ("uidMappings", "gidMappings"):
            self.linux[kind] = [{"containerID": 0, "hostID": host_id, "size": size}]
        return self

    def hook(self, kind: str, path: str, *args: str, **more) -> "Bundle":
        self.config.setdefault("hooks", {}).setdefault(kind, []).append(
            {"path": str(path), "args": [str(path), *args], **more})
        return self

    def write(self, text: str | None = None) -> "Bundle":
        """Writes config.json; `text` in place of the dict for files that are not valid."""
        (self.path / "config.json").write_text(json.dumps(self.config, indent=1) if text is None else text)
        return self


def verb_words(*verbs) -> list[str]:
    words: list[str] = []
    for verb in verbs:
        words += (["--"] if words else []) + [str(w) for w in ((verb,) if isinstance(verb, str) else verb)]
    return words
