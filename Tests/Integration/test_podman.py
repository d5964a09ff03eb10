"""Debian's podman with the runtime under test, on an image made here (engine contract, acceptance 5).

In the private namespaces of the test run: cgroupfs, events and logs to files, limits that this machine can hold.
"""

import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from skifftest import host, process
from skifftest.process import until
from skifftest.terminal import TerminalProgram
from test_cgroups import has, needs

pytestmark = pytest.mark.skipif(not shutil.which("podman"), reason="no podman")


class Podman:
    def __init__(self, runtime: str, directory: Path, environment: dict[str, str]):
        self.runtime, self.directory, self.environment = runtime, directory, environment
        self.words = ["podman", "--root", directory / "root", "--runroot", directory / "run", "--tmpdir", directory / "tmp",
                      "--runtime", runtime, "--cgroup-manager", "cgroupfs", "--events-backend", "file",
                      "--storage-driver", "overlay", "--log-level", "warn"]

    def __call__(self, *args, timeout: float = 30.0, **more) -> process.Result:
        return process.run([*self.words, *args], scratch=self.directory, env=self.environment, timeout=timeout, **more)


@pytest.fixture(scope="module")
def podman_home(session_directory, programs):
    """A store with one image, `localhost/probe`; made once."""
    directory = Path(session_directory) / "podman"
    directory.mkdir()
    configuration = directory / "containers.conf"
    pids = "" if has("pids") else "pids_limit = 0\n"
    configuration.write_text(
        "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\nlog_driver = \"k8s-file\"\n" + pids +
        "[engine]\nruntime_supports_json = [\"skiff\", \"crun\", \"runc\"]\n[network]\ndefault_network = \"none\"\n")
    (directory / "policy.json").write_text('{"default":[{"type":"insecureAcceptAnything"}]}')
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "CONTAINERS_CONF": str(configuration),
                   "XDG_RUNTIME_DIR": str(directory), "TMPDIR": str(directory)}
    archive = directory / "rootfs.tar"
    with tarfile.open(archive, "w") as tar:
        for name in ("bin", "etc", "tmp", "proc", "sys", "dev", "run"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name in ("probe", "sh", "sleep", "true", "cat", "echo"):
            tar.add(programs.get(name, programs["busybox"]), f"bin/{name}")
        passwd = directory / "passwd"
        passwd.write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n")
        tar.add(passwd, "etc/passwd")
    words = ["podman", "--root", directory / "root", "--runroot", directory / "run", "--tmpdir", directory / "tmp",
             "--storage-driver", "overlay", "import", "-q", archive, "localhost/probe"]
    process.run(words, scratch=directory, env=environment, timeout=60).ok()
    yield directory, environment


@pytest.fixture
def podman(podman_home, rt):
    directory, environment = podman_home
    made = Podman(rt.path, directory, environment)
    yield made
    left = made("ps", "-aq").out.split()
    made("rm", "--all", "--force", "--time", "0")
    # podman mounts its own store's folder onto itself and takes that off when its last command ends; two that end at
    # once may both leave it to the other. It is not the runtime's.
    if os.path.ismount(directory / "root/overlay"):
        process.run(["umount", directory / "root/overlay"], scratch=directory, env=environment)
    assert left == [], f"containers left: {left}"


def test_run_rm(podman):
    result = podman("run", "--rm", "--network", "none", "localhost/probe", "/bin/probe", "echo", "hello").ok()
    assert result.lines[0]["text"] == "hello"


@pytest.mark.parametrize("code", [0, 3, 127, 255])
def test_run_passes_the_exit_code_on(podman, code):
    assert podman("run", "--rm", "--network", "none", "localhost/probe", "/bin/probe", "exit", str(code)).code == code


@pytest.mark.parametrize("program, code", [("/bin/none", 127), ("/etc/passwd", 126), ("/etc", 126)])
def test_programs_that_cannot_run_get_the_usual_codes(podman, program, code):
    result = podman("run", "--rm", "--network", "none", "localhost/probe", program)
    assert result.code == code, result


def test_standard_input(podman):
    assert "from outside" in podman("run", "--rm", "-i", "--network", "none", "localhost/probe", "/bin/cat", stdin=b"from outside").ok().out


def test_detached_exec_logs_stop(podman):
    name = f"{host.TOKEN}d"
    podman("run", "-d", "--network", "none", "--name", name, "localhost/probe", "/bin/probe", "echo", "ready", "--", "trap", "5").ok()
    until(lambda: "ready" in podman("logs", name).out, "the log holds what was printed")
    assert json.loads(podman("inspect", name).ok().out)[0]["State"]["Status"] == "running"
    assert podman("exec", name, "/bin/probe", "echo", "inside").ok().lines[0]["text"] == "inside"
    assert podman("exec", name, "/bin/probe", "exit", "9").code == 9
    assert podman("exec", name, "/bin/none").code == 127
    podman("stop", "--time", "5", name).ok()
    state = json.loads(podman("inspect", name).ok().out)[0]["State"]
    assert state["Status"] == "exited" and state["ExitCode"] == 5
    assert '"signal":15' in podman("logs", name).out
    podman("rm", name).ok()


def test_kill_and_force_remove(podman):
    name = f"{host.TOKEN}k"
    podman("run", "-d", "--network", "none", "--name", name, "localhost/probe", "/bin/sleep", "100").ok()
    podman("kill", name).ok()
    podman("wait", name).ok()
    podman("rm", name).ok()
    podman("run", "-d", "--network", "none", "--name", name, "localhost/probe", "/bin/sleep", "100").ok()
    podman("rm", "--force", "--time", "0", name).ok()


def test_create_start_attach(podman):
    name = f"{host.TOKEN}c"
    podman("create", "--network", "none", "--name", name, "localhost/probe", "/bin/probe", "echo", "attached").ok()
    assert "attached" in podman("start", "--attach", name).ok().out
    podman("rm", name).ok()


def test_users_limits_volumes_and_environment(podman, scratch):
    (scratch / "volume").mkdir()
    result = podman("run", "--rm", "--network", "none", "--user", "1000:7", "-e", "A=b", "--hostname", "box", "--cap-drop", "all",
                    "--cap-add", "chown", "-w", "/tmp", "-v", f"{scratch}/volume:/mnt:ro", "--tmpfs", "/run/x", "--read-only",
                    "--security-opt", "no-new-privileges", "--ulimit", "nofile=100:200", "--ulimit", "nproc=4096:4096", "localhost/probe",
                    "/bin/probe", "report", "--", "write", "/mnt/x", "1", "--", "write", "/etc/x", "1").ok()
    report, volume, root = result.lines
    assert report["uids"] == [1000] * 3 and report["gids"] == [7] * 3 and "A=b" in report["env"]
    assert report["hostname"] == "box" and report["cwd"] == "/tmp" and report["rlimits"]["NOFILE"] == [100, 200]
    assert report["status"]["NoNewPrivs"] == "1" and report["status"]["Seccomp"] == "2" and report["status"]["CapBnd"] == "0" * 15 + "1"
    assert volume["errno"] == "EROFS" and root["errno"] in ("EROFS", "EACCES")


@needs("memory")
def test_memory_limit(podman):
    result = podman("run", "--rm", "--network", "none", "--memory", "32m", "--memory-swap", "32m", "localhost/probe", "/bin/probe", "hog", "200")
    assert result.code == 137


def test_a_terminal(podman):
    words = [*podman.words, "run", "--rm", "-it", "--network", "none", "localhost/probe", "/bin/probe", "terminal", "--", "line", "--", "exit", "4"]
    with TerminalProgram(words, env=podman.environment, rows=33, columns=99) as t:
        t.expect('"controlling":true', timeout=20)
        t.send("typed\n")
        t.expect('"text":"typed')
        assert t.wait(20) == 4


def test_pause_and_resume(podman):
    name = f"{host.TOKEN}p"
    podman("run", "-d", "--network", "none", "--name", name, "localhost/probe", "/bin/sleep", "100").ok()
    if podman("pause", name).code == 0:
        assert json.loads(podman("inspect", name).ok().out)[0]["State"]["Status"] == "paused"
        podman("unpause", name).ok()
    podman("rm", "--force", "--time", "0", name).ok()


def test_a_pod_shares_namespaces(podman):
    name = f"{host.TOKEN}pod"
    first, second = f"{name}1", f"{name}2"
    podman("run", "-d", "--network", "none", "--name", first, "localhost/probe", "/bin/sleep", "100").ok()
    shared = podman("run", "--rm", "--name", second, "--network", f"container:{first}", "--ipc", f"container:{first}", "--pid", f"container:{first}",
                    "localhost/probe", "/bin/probe", "report").ok().first("report")
    own = podman("exec", first, "/bin/probe", "report").ok().first("report")
    assert [shared["ns"][k] for k in ("net", "ipc", "pid")] == [own["ns"][k] for k in ("net", "ipc", "pid")]
    assert shared["ns"]["mnt"] != own["ns"]["mnt"]
    podman("rm", "--force", "--time", "0", first).ok()
