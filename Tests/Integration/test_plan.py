"""`debug plan`: what a launch would do, without doing it."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from skifftest import process

pytestmark = pytest.mark.skiff_only
CONFIGS = sorted(p for p in (Path(__file__).resolve().parents[1] / "Fixtures/engine-configs").glob("*.json") if "ociVersion" in p.read_text())
ACTS = re.compile(r"^\d+ +(clone3?|v?fork|(u?mount2?|open_tree|move_mount|fsopen|fsmount|mount_setattr|pivot_root|mkdir(at)?"
                  r"|mknod(at)?|symlink(at)?|unlink(at)?|rename\w*|ch(mod|own|root)|unshare|setns|kill|seccomp|bpf|socket"
                  r"|set(res)?[ug]id|prlimit64\(0, [^,]+, \{))\b", re.MULTILINE)


def plan(rt, bundle, *options, **more) -> dict:
    bundle.write()
    return rt("debug", "plan", "--bundle", bundle.path, "--format", "json", *options, **more).ok().json


def test_plan_tells_namespaces_mounts_limits_and_rights(rt, bundle, tmp_path):
    bundle.namespace("network", "/proc/self/ns/net").user_namespace()
    bundle.bind("/etc", "/mnt", "rbind", "ro", "rnosuid", "rslave").mount(
        "/tmp", "tmpfs", "tmpfs", "nodev", "noatime", "size=1m")
    bundle.hook("createRuntime", "/bin/true", "x", timeout=3)
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["getppid", "getpid"], "action": "SCMP_ACT_ERRNO"},
        {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}]}
    bundle.process.update(oomScoreAdj=100, user={"uid": 7, "gid": 8, "additionalGids": [9], "umask": 0o27})
    bundle.linux["resources"]["pids"] = {"limit": 17}
    found = plan(rt, bundle, "web")
    assert found["id"] == "web" and found["bundle"] == str(bundle.path)
    assert set(found["namespaces"]["new"]) == {"pid", "ipc", "uts", "mount", "cgroup", "user"}
    assert found["namespaces"]["join"] == [{"type": "network", "path": "/proc/self/ns/net", "by": "runtime"}]
    assert found["namespaces"]["uidMappings"] == [{"containerID": 0, "hostID": 100000, "size": 65536}]
    bind, tmpfs = found["mounts"][-2:]
    number = len(bundle.config["mounts"]) - 2
    assert bind == {"step": f"mount /etc on /mnt (mounts[{number}])", "index": number, "destination": "/mnt",
                    "type": "rbind", "source": "/etc", "flags": ["ro"], "recursiveFlags": ["nosuid"], "propagation": ["rslave"]}
    assert tmpfs["flags"] == ["nodev", "noatime"] and tmpfs["options"] == ["size=1m"]
    assert any(w["file"] == "pids.max" and w["value"] == "17" for w in found["cgroup"]["writes"])
    rights = found["security"]
    assert (rights["uid"], rights["gid"], rights["additionalGids"], rights["umask"]) == (7, 8, [9], "27")
    assert rights["oomScoreAdj"] == 100 and rights["noNewPrivileges"]
    assert rights["capabilities"]["bounding"] == sorted(bundle.process["capabilities"]["bounding"], key=lambda c: (
        "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE").index(c))
    assert rights["seccomp"]["actions"] == [{"action": "SCMP_ACT_ERRNO", "calls": 3, "withConditions": 1}]
    assert found["hooks"] == [{"step": "run createRuntime hook 0 /bin/true", "kind": "createRuntime", "index": 0,
                               "path": "/bin/true", "in": "runtime", "arguments": ["/bin/true", "x"], "variables": 0, "timeout": 3}]
    assert found["steps"][0] == "parent" and found["steps"][-1] == "exec"
    assert found["steps"].index("root: masks") < found["steps"].index("identity")


def test_plan_is_what_is_found_in_the_container(rt, bundle):
    bundle.mount("/tmp", "tmpfs", "tmpfs", "nodev", "noatime").mount("/tmp/inner", "tmpfs", "tmpfs", "ro", "nosuid")
    bundle.bind("/etc", "/mnt", "bind", "ro", "noexec")
    planned = plan(rt, bundle)["mounts"]
    bundle.process["args"] = ["/bin/cat", "/proc/self/mountinfo"]
    rows = [line.split() for line in rt.run(bundle).ok().out.splitlines()]
    made = {row[4]: row[5].split(",") for row in rows}
    assert {entry["destination"] for entry in planned} <= set(made)
    for entry in planned:
        flags = set(entry.get("flags", [])) - {"strictatime"}  # which mountinfo does not show
        assert flags <= set(made[entry["destination"]]), (entry, made[entry["destination"]])


def test_plan_in_text_has_one_line_for_each_step(rt, bundle):
    bundle.write()
    text = rt("debug", "plan", "--bundle", bundle.path).ok().out
    assert "\n  - mount tmpfs on /dev (mounts[1])  flags=nosuid,strictatime  options=mode=755,size=65536k\n" in text
    assert "\n  - make device /dev/null  type=c  major=1  minor=3  mode=666  uid=0  gid=0\n" in text
    assert re.search(r"^  new: .*\bpid\b.*\bmount\b", text, re.MULTILINE)


def test_plan_does_not_show_values_of_variables(rt, bundle):
    bundle.process["env"].append("SECRET=hunter2")
    bundle.write()
    text = rt("debug", "plan", "--bundle", bundle.path).ok().out
    assert "SECRET" in text and "hunter2" not in text


@pytest.mark.skipif(not shutil.which("strace"), reason="this machine has no strace")
@pytest.mark.parametrize("config", CONFIGS, ids=lambda p: p.stem)
def test_plan_of_real_configurations_does_nothing(rt, bundle, config):
    spec = json.loads(config.read_text())
    spec["linux"]["namespaces"] = [{"type": n["type"]} for n in spec["linux"]["namespaces"]]  # their paths are gone
    bundle.write(json.dumps(spec))
    calls = rt.scratch / "calls"
    found = process.run(["strace", "-f", "-o", calls, *rt.words("debug", "plan", "--bundle", bundle.path)],
                        scratch=rt.scratch, env=rt.env)
    text = calls.read_text()
    acts = [line for line in text.splitlines() if ACTS.match(line)]
    assert not acts and "execve" in text
    assert not re.search(r"O_WRONLY|O_RDWR|O_CREAT", text)
    assert not rt.root.exists()
    if found.code:
        found.failed("controller", code=1)  # a limit that this host cannot apply is refused here as it is by create
    else:
        assert "\nsteps:\n" in found.out


def test_plan_is_for_any_user(rt, bundle):
    rt.wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    bundle.user_namespace(65534, 1)
    found = plan(rt, bundle)
    assert found["rootfs"]["sourcesOpenedBy"] == "init" and found["mounts"]


def test_plan_refuses_what_create_refuses(rt, bundle):
    bundle.process["cwd"] = "relative"
    bundle.write()
    rt("debug", "plan", "--bundle", bundle.path).failed("process.cwd", code=1)
    rt("debug", "plan", "--bundle", bundle.path, "--format", "yaml").failed("text or json", code=2)
    rt("debug", "nonsense").failed(code=2)
