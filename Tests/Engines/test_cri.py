"""containerd as Kubernetes uses it: the runtime as a class of its container runtime interface."""

import os

import pytest

from enginetest import limits
from enginetest.containerd import SANDBOX, Containerd
from enginetest.cri import RuntimeInterface, Stream, archive_with, decode
from enginetest.home import IMAGES
from skifftest.process import until

NODE, CONTAINER, POD = 2, 1, 0
RUNTIME = "RuntimeService/"
IMAGE = "localhost/busybox:latest"


class Pod:
    """A sandbox with the host's network, so that no plug-ins are needed."""

    def __init__(self, cri: RuntimeInterface, name: str, pid: int = CONTAINER):
        self.cri, self.pid = cri, pid
        self.configuration = [(1, [(1, name), (2, f"uid-{name}"), (3, "default")]), (3, str(cri.home.make("cri/logs"))),
                              (8, [(2, [(1, [(1, NODE), (2, pid)])])])]
        self.id = cri(RUNTIME + "RunPodSandbox", (1, self.configuration), (2, "tested"))[1].decode()
        self.containers: list[str] = []

    def container(self, name: str, *command: str, resources=(), extra=()) -> str:
        words = [(3, word) for word in command]
        linux = [(1, list(resources)), (2, [(3, [(1, NODE), (2, self.pid)])])]
        configuration = [(1, [(1, name)]), (2, [(1, IMAGE)]), *words, (11, f"{name}.log"), (15, linux), *extra]
        made = self.cri(RUNTIME + "CreateContainer", (1, self.id), (2, configuration), (3, self.configuration))[1].decode()
        self.containers.append(made)
        self.cri(RUNTIME + "StartContainer", (1, made))
        return made

    def run(self, container: str, *command: str) -> tuple[str, int]:
        answer = self.cri(RUNTIME + "ExecSync", (1, container), *[(2, word) for word in command], (3, 20))
        return answer.get(1, b"").decode(), answer.get(3, 0)

    def status(self, container: str) -> dict:
        return decode(self.cri(RUNTIME + "ContainerStatus", (1, container))[1])

    def log(self, name: str) -> str:
        path = self.cri.home.make("cri/logs") / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def remove(self) -> None:
        for container in self.containers:
            self.cri(RUNTIME + "RemoveContainer", (1, container))
        self.cri(RUNTIME + "StopPodSandbox", (1, self.id))
        self.cri(RUNTIME + "RemovePodSandbox", (1, self.id))


@pytest.fixture(scope="module")
def cri(home, needed):
    needed("containerd", "curl")
    containerd = Containerd(home, "cri-containerd")
    interface = RuntimeInterface(home, containerd.socket)
    for image, command in ((SANDBOX, ["sleep", "1000000"]), (IMAGE, ["sh"])):
        archive = home.make("archives") / "cri.tar"
        archive_with(IMAGES / "busybox.oci.tar", archive, command)
        containerd("-n", "k8s.io", "images", "import", "--index-name", image, archive, timeout=60).ok()
        until(lambda: interface("ImageService/ImageStatus", (1, [(1, image)])).get(1), f"{image} is known", 20, interval=0.2)
    yield interface


@pytest.fixture
def make_pod(cri, request):
    made: list[Pod] = []

    def make(**more) -> Pod:
        made.append(Pod(cri, f"{request.node.name.replace('_', '-')[5:40]}-{len(made)}-{os.getpid()}", **more))
        return made[-1]

    yield make
    for pod in made:
        pod.remove()


def test_version(cri):
    assert cri(RUNTIME + "Version", (1, "v1"))[2] == b"containerd"


def test_sandbox_and_container(make_pod):
    pod = make_pod()
    container = pod.container("one", "sh", "-c", "echo to the log; exit 7")
    until(lambda: pod.status(container).get(3) == 2, "it ends", 20, interval=0.1)
    assert pod.status(container)[7] == 7
    until(lambda: "stdout F to the log" in pod.log("one"), "the log", interval=0.1)


def test_exec(make_pod):
    pod = make_pod()
    container = pod.container("one", "sleep", "1000")
    assert pod.run(container, "echo", "inside") == ("inside\n", 0)
    assert pod.run(container, "sh", "-c", "exit 9") == ("", 9)
    with pytest.raises(RuntimeError, match="no such file or directory"):
        pod.run(container, "/none")


def test_containers_of_a_pod_share_namespaces(make_pod):
    pod = make_pod(pid=POD)
    first, second = pod.container("first", "sleep", "1000"), pod.container("second", "sleep", "2000")
    look = ["sh", "-c", "for n in ipc net pid mnt; do readlink /proc/self/ns/$n; done"]
    one, two = pod.run(first, *look)[0].split(), pod.run(second, *look)[0].split()
    assert one[:3] == two[:3] and one[3] != two[3]
    assert "sleep 2000" in pod.run(first, "ps")[0] and "sleep 1000000" in pod.run(first, "ps")[0]
    other = make_pod()
    apart = other.run(other.container("third", "sleep", "1000"), *look)[0].split()
    assert apart[0] != one[0] and apart[2] != one[2]


def test_stop(make_pod):
    pod = make_pod()
    polite = pod.container("polite", "sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.05; done")
    deaf = pod.container("deaf", "sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")
    until(lambda: "trap" in pod.run(polite, "ps")[0], "it runs", interval=0.1)
    pod.cri(RUNTIME + "StopContainer", (1, polite), (2, 10))
    assert pod.status(polite)[7] == 5
    pod.cri(RUNTIME + "StopContainer", (1, deaf), (2, 1))
    assert pod.status(deaf)[7] == 137


@pytest.mark.vm
def test_limits_stats_and_update(make_pod):
    if not limits.version():
        pytest.skip("no controllers")
    pod = make_pod()
    container = pod.container("limited", "sh", "-c", "while :; do :; done", resources=[(1, 100000), (2, 50000), (3, 512), (4, 64 << 20)])
    own = pod.run(container, "cat", *limits.paths("memory", "quota", "shares"))
    limits.check(own[0], memory=64 << 20, quota=50000, shares=512)
    pod.cri(RUNTIME + "UpdateContainerResources", (1, container), (2, [(3, 256), (4, 96 << 20)]))
    limits.check(pod.run(container, "cat", *limits.paths("memory", "shares"))[0], memory=96 << 20, shares=256)
    stats = decode(pod.cri(RUNTIME + "ContainerStats", (1, container))[1])
    cpu, memory = decode(stats[2]), decode(stats[3])
    assert decode(cpu[2])[1] > 0 and decode(memory[2])[1] > 0


def test_missing_program(make_pod):
    pod = make_pod()
    with pytest.raises(RuntimeError, match="no such file or directory"):
        pod.container("wrong", "/none")


def test_privileged_settings(make_pod):
    """readOnlyRootFilesystem, runAsUser, dropped capabilities: field numbers of LinuxContainerSecurityContext."""
    pod = make_pod()
    context = [(1, [(2, "ALL")]), (3, [(1, NODE), (2, CONTAINER)]), (5, [(1, 1000)]), (7, 1), (11, 1)]
    container = pod.container("safe", "sleep", "1000", extra=[(15, [(2, context)])])
    out = pod.run(container, "sh", "-c", "id -u; touch /x 2>&1; grep -E 'CapBnd|NoNewPrivs' /proc/self/status")[0]
    assert out.startswith("1000\n") and "Read-only" in out and "CapBnd:\t0000000000000000" in out and "NoNewPrivs:\t1" in out, out


def test_exec_with_streams(make_pod):
    pod = make_pod()
    container = pod.container("one", "sleep", "1000")
    words = [(2, word) for word in ("sh", "-c", "read line; echo got $line; echo err >&2; exit 5")]
    url = pod.cri(RUNTIME + "Exec", (1, container), *words, (4, 1), (5, 1), (6, 1))[1].decode()
    stream = Stream(url)
    stream.send("typed\n")
    streams = stream.rest()
    assert streams[1].endswith(b"got typed\n") and streams[2].endswith(b"err\n") and b'"5"' in streams[3], streams


def test_exec_with_a_terminal(make_pod):
    pod = make_pod()
    container = pod.container("one", "sleep", "1000")
    url = pod.cri(RUNTIME + "Exec", (1, container), (2, "sh"), (3, 1), (4, 1), (5, 1))[1].decode()
    stream = Stream(url)
    stream.until(1, b"# ")
    stream.send("tty; exit\n")
    assert b"/dev/pts/0" in stream.rest()[1]


def test_attach(make_pod):
    pod = make_pod()
    container = pod.container("one", "sh", "-c", "read line; echo got $line; sleep 1000", extra=[(12, 1)])
    url = pod.cri(RUNTIME + "Attach", (1, container), (2, 1), (4, 1), (5, 1))[1].decode()
    stream = Stream(url)
    stream.send("attached\n")
    stream.until(1, b"got attached")
    stream.connection.close()
