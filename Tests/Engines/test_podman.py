"""What only podman has: pods, user namespaces, Kubernetes' files, no daemon that could clean up."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from enginetest import limits
from enginetest.home import RUNTIME
from enginetest.rootless import RootlessPodman
from skifftest.process import until


def test_runtime_in_info(podman):
    runtime = json.loads(podman("info", "--format", "json").ok().out)["host"]["ociRuntime"]
    assert runtime["name"] == RUNTIME and RUNTIME in runtime["version"], runtime


def test_pod(podman):
    pod = podman.new_name()
    infra = ["--infra-command", "/bin/sleep 1000", "--infra-image", "localhost/busybox"]
    podman("pod", "create", "--name", pod, "--network", "none", *infra).ok()
    first, second = podman.new_name(), podman.new_name()
    podman("run", "-d", "--pod", pod, "--name", first, "busybox", "sh", "-c", "echo served >/index.html; exec httpd -f -p 8080 -h /").ok()
    out = podman("run", "--rm", "--pod", pod, "--name", second, "busybox", "sh", "-c",
                 "sleep 0.5; wget -q -O - http://127.0.0.1:8080/index.html; hostname; readlink /proc/self/ns/net").ok().out.split()
    assert out[0] == "served" and out[1] == pod
    assert podman("exec", first, "readlink", "/proc/self/ns/net").ok().out.strip() == out[2]
    podman("pod", "pause", pod).ok()
    podman("pod", "unpause", pod).ok()
    podman("pod", "stop", "--time", "0", pod).ok()
    podman("pod", "start", pod).ok()
    podman("pod", "rm", "--force", "--time", "0", pod).ok()
    assert podman("ps", "-aq").out == ""


@pytest.mark.vm
def test_pod_with_limits(podman):
    if not limits.version():
        pytest.skip("no controllers")
    pod = podman.new_name()
    podman("pod", "create", "--name", pod, "--network", "none", "--infra-command", "/bin/sleep 1000", "--infra-image", "localhost/busybox",
           "--cpus", "0.5").ok()
    podman("run", "--rm", "--pod", pod, "busybox", "true").ok()
    podman("pod", "rm", "--force", "--time", "0", pod).ok()


def test_kube_play(podman, scratch):
    (scratch / "pod.yaml").write_text("""apiVersion: v1
kind: Pod
metadata: {name: played}
spec:
  hostNetwork: true
  containers:
  - name: one
    image: localhost/busybox
    imagePullPolicy: Never
    command: ["sh", "-c", "echo from $WHO; sleep 100"]
    env: [{name: WHO, value: kube}]
    securityContext: {runAsUser: 7, capabilities: {drop: [all]}}
""")
    result = podman("kube", "play", scratch / "pod.yaml", timeout=60)
    if "pause" in result.err and result.code != 0:
        pytest.skip("kube play builds its pause image from catatonit, which is not installed")
    result.ok()
    podman.until_log("played-one", "from kube")
    podman("kube", "down", scratch / "pod.yaml").ok()


def test_user_namespace(podman):
    out = podman.sh("--uidmap", "0:200000:1000", "--gidmap", "0:300000:1000", "cat /proc/self/uid_map /proc/self/gid_map; id -u; ls -ln /bin/sh").ok().out.split("\n")
    assert out[0].split() == ["0", "200000", "1000"] and out[1].split() == ["0", "300000", "1000"] and out[2] == "0"
    assert out[3].split()[2:4] == ["0", "0"], out


def test_user_namespace_exec(podman):
    name = podman.detached("--uidmap", "0:200000:1000", "--gidmap", "0:200000:1000", "sleep 100")
    assert podman("exec", name, "sh", "-c", "id -u; cat /proc/self/uid_map").ok().out.split() == ["0", "0", "200000", "1000"]
    pid = podman.state(name)["Pid"]
    assert "\nUid:\t200000\t" in Path(f"/proc/{pid}/status").read_text()


def test_private_and_host_cgroup_namespaces(podman):
    for mode in ("private", "host"):
        mine = os.readlink("/proc/self/ns/cgroup")
        assert (podman.sh("--cgroupns", mode, "readlink /proc/self/ns/cgroup").ok().out.strip() == mine) is (mode == "host")


def test_without_cgroups(podman, home):
    """podman allows it only to a runtime whose file is called crun."""
    if RUNTIME == "runc":
        pytest.skip("no crun")
    runtime = home.runtime
    if RUNTIME == "skiff":
        runtime = home.make("called") / "crun"
        runtime.symlink_to(home.runtime)
    out = podman("--runtime", runtime, "run", "--rm", *podman.plain, "--cgroups", "disabled", "busybox", "cat", "/proc/1/cgroup").ok().out
    assert "libpod" not in out, out


def test_preserved_descriptors(podman):
    reading, writing = os.pipe()
    os.dup2(writing, 3, inheritable=True) if writing != 3 else os.set_inheritable(3, True)
    try:
        podman("run", "--rm", *podman.plain, "--preserve-fds", "1", "busybox", "sh", "-c", "echo through >&3", pass_fds=(3,)).ok()
        assert os.read(reading, 100) == b"through\n"
    finally:
        os.close(reading)
        if writing != 3:
            os.close(writing)


@pytest.mark.vm
def test_checkpoint(podman):
    if podman("container", "checkpoint", "--help").code != 0:
        pytest.skip("no checkpoint here")
    name = podman.detached("i=0; while :; do echo $i; i=$((i+1)); sleep 0.1; done")
    result = podman("container", "checkpoint", name, timeout=90)
    if result.code != 0:
        pytest.skip("Debian's CRIU cannot dump programs of this kernel")
    podman("container", "restore", name, timeout=90).ok()


def test_prestart_hooks(podman, home, scratch):
    (scratch / "hooks").mkdir()
    script = scratch / "hook.sh"
    script.write_text(f"#!/bin/sh\ncat >{scratch}/state\n")
    script.chmod(0o755)
    (scratch / "hooks/one.json").write_text(json.dumps(
        {"version": "1.0.0", "hook": {"path": str(script)}, "when": {"always": True}, "stages": ["prestart"]}))
    podman("--hooks-dir", scratch / "hooks", "run", "--rm", *podman.plain, "busybox", "true").ok()
    state = json.loads((scratch / "state").read_text())
    assert state["pid"] > 0 and state["status"] in ("created", "creating") and Path(state["bundle"]).name == "userdata", state


def test_conmon_is_killed(podman):
    """Nothing watches the container any more; podman can still remove it."""
    name = podman.detached("sleep 300")
    details = podman.inspect(name)
    pid, conmon = details["State"]["Pid"], int(Path(details["ConmonPidFile"]).read_text())
    os.kill(conmon, signal.SIGKILL)
    time.sleep(0.3)
    # This process is the parent of the container now, and reaps it.
    removal = podman.start("rm", "--force", "--time", "0", name)
    until(removal.poll, "podman rm ends", 30, interval=0.05)
    removal.wait().ok()
    until(lambda: not Path(f"/proc/{pid}").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text(), "the process is gone", 15, interval=0.1)
    assert podman("ps", "-aq").out == ""


def test_podman_is_killed_at_the_start(podman):
    """At every moment of a start: whatever is left, the next podman removes."""
    for delay in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3):
        running = podman.start("run", "--name", podman.new_name(), *podman.plain, "busybox", "sleep", "300")
        time.sleep(delay)
        running.stop()
    time.sleep(0.5)
    for name in podman("ps", "-aq").out.split():
        podman("rm", "--force", "--time", "0", name).ok()
    assert podman("ps", "-aq").out == ""


def test_rootless(home, needed):
    needed("slirp4netns", "newuidmap", "setpriv")
    user = RootlessPodman(home)
    user.load("busybox")
    out = user("run", "--rm", *user.plain, "busybox", "sh", "-c", "id -u; head -n 1 /proc/self/uid_map").ok().out.split()
    assert out[0] == "0" and out[2] == "4711", out
    assert user.sh("exit 7").code == 7
    name = user.detached("sleep 100")
    assert user("exec", name, "echo", "inside").ok().out == "inside\n"
    with user.terminal("exec", "-it", name, "sh", cwd=str(user.directory)) as t:
        t.expect("[#$] ", timeout=20)
        t.send("exit 3\n")
        assert t.wait(20) == 3
    user("stop", "-t", "0", name).ok()
    user("rm", name).ok()
    out = user("run", "--rm", "--network", "slirp4netns", "busybox", "sh", "-c", "ls /sys/class/net").ok().out
    assert "tap0" in out, out
    user.remove_all()
