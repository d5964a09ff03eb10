"""What published vulnerabilities teach: one test or more for each kind that a runtime can have. The numbers are CVEs."""

import hashlib
import json
import os
import shutil
import socket
import time
from pathlib import Path

import pytest

from skifftest import host, process
from skifftest.terminal import ConsoleSocket


# ---- every name that the runtime makes by itself × what an image may have put there ----

NAMES = ["proc", "sys", "dev", "dev/pts", "dev/shm", "dev/mqueue", "dev/null", "dev/fd", "dev/ptmx", "dev/stdin", "dev/core",
         "dev/console", "sys/fs/cgroup", "work/dir", "mnt/file", "mnt/volume"]
KINDS = ["absolute link", "relative link", "link to file", "dangling link", "link to itself", "file", "fifo", "directory", "socket"]


def plant(path: Path, kind: str, canary: Path, rootfs: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "absolute link":
        path.symlink_to(canary)
    elif kind == "relative link":
        path.symlink_to("../" * 12 + str(canary / "directory").lstrip("/"))
    elif kind == "link to file":
        path.symlink_to(canary / "file")
    elif kind == "dangling link":
        path.symlink_to(canary / "made-by-runtime")
    elif kind == "link to itself":
        path.symlink_to(path.name)
    elif kind == "file":
        path.write_text("x")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "socket":
        here = os.getcwd()
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path.name)
        os.chdir(here)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.peer(crun="is open to some", runc="is open to some")
def test_i_1_i_2_i_13_names_made_by_the_runtime_never_lead_out_of_the_rootfs(rt, bundle, canary, scratch, name, kind):
    """2015-3627, 2015-1335, 2019-19921, 2023-27561, 2025-54867, 2026-41579, 2026-47766, 2026-55686 …"""
    plant(bundle.rootfs / name, kind, canary, bundle.rootfs)
    bundle.writable()
    if name.startswith("dev/") and name not in ("dev/pts", "dev/shm", "dev/mqueue"):
        bundle.drop_mount("/dev").drop_mount("/dev/pts").drop_mount("/dev/shm").drop_mount("/dev/mqueue")
    elif name.startswith("dev/"):
        bundle.drop_mount("/dev")
    elif name == "sys/fs/cgroup":
        bundle.drop_mount("/sys")
    elif name == "work/dir":
        bundle.process["cwd"] = "/work/dir"
    elif name == "mnt/file":
        (scratch / "source-file").write_text("x")
        bundle.bind(scratch / "source-file", "/mnt/file")
    elif name == "mnt/volume":
        bundle.mount("/mnt/volume/below", "tmpfs", "tmpfs")
    before = host.mounts()
    result = rt.run(bundle.probe(("echo", "ran")), timeout=10)
    assert host.mounts() == before
    assert result.code in (0, 1, 125, 126, 127, 255), result
    if name in ("proc", "sys") and "link" in kind:
        result.failed(name)


@pytest.mark.parametrize("kind", ["absolute link", "relative link"])
def test_2026_41579_console_of_a_terminal_stays_inside(rt, bundle, canary, kind, scratch):
    plant(bundle.rootfs / "dev/console", kind, canary, bundle.rootfs)
    bundle.drop_mount("/dev").writable().process["terminal"] = True
    bundle.probe(("echo", "ran")).write()
    path = Path(f"/tmp/{os.getpid()}-{time.monotonic_ns()}")
    before = host.mounts()
    with ConsoleSocket(path):
        name = rt.new_id()
        if rt("create", "--bundle", bundle.path, "--console-socket", path, name).code == 0:
            assert host.mounts() == before
            rt("delete", "--force", name)
    assert host.mounts() == before


@pytest.mark.parametrize("device", ["/canary/node", "/out/node", "/up/node"])
def test_2026_88264_device_nodes_stay_inside(rt, bundle, canary, device):
    (bundle.rootfs / "out").symlink_to(canary)
    (bundle.rootfs / "up").symlink_to("../" * 12 + str(canary).lstrip("/"))
    bundle.writable().linux["devices"] = [{"path": device, "type": "c", "major": 1, "minor": 3, "uid": 77, "fileMode": 0o666}]
    rt.run(bundle.probe(("echo", "ran")))


# ---- the runtime's own file ----

def digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@pytest.mark.parametrize("way", ["program", "interpreter", "exec program", "exec interpreter"])
def test_2019_5736_the_runtime_cannot_be_run_or_overwritten_through_proc(rt, bundle, way):
    before = digest(rt.path), os.stat(rt.path).st_mtime_ns
    script = bundle.rootfs / "bin/trap"
    script.write_text("#!/proc/self/exe\n")
    script.chmod(0o755)
    target = "/proc/self/exe" if way.endswith("program") else "/bin/trap"
    bundle.capabilities("CAP_DAC_OVERRIDE", "CAP_SYS_PTRACE")
    if way.startswith("exec"):
        with rt.sleeping(bundle) as c:
            # Whoever then runs must be the container's own file or nothing: a runtime would print its usage.
            result = c.exec(target, "--version")
    else:
        bundle.process["args"] = [target, "--version"]
        result = rt.run(bundle)
    assert "Usage" not in result.out  # a copy that nobody can write to may run, as with any other static program
    assert (digest(rt.path), os.stat(rt.path).st_mtime_ns) == before


def test_2019_5736_no_process_in_the_container_gives_a_way_to_write_the_runtime(rt, bundle):
    (bundle.rootfs / "bin/watch").write_text(
        "#!/bin/sh\necho ready\nwhile :; do for p in /proc/[0-9]*; do case $p in /proc/1|/proc/$$) continue;; esac; "
        "(: >>$p/exe) 2>/dev/null && echo WRITABLE $(busybox readlink $p/exe); done; done\n")
    (bundle.rootfs / "bin/watch").chmod(0o755)
    bundle.process["args"] = ["/bin/sh", "/bin/watch"]
    bundle.capabilities("CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE")
    before = digest(rt.path)
    with rt.container(bundle) as c:
        c.wait_text("ready")
        for _ in range(30):
            c.exec("/bin/true").ok()
        assert rt.path not in c.text and "skiff" not in c.text.replace("skifftest", ""), c.text
    assert digest(rt.path) == before


# ---- descriptors and the current directory ----

@pytest.mark.parametrize("number", [3, 4, 5, 6, 7, 8, 9, 10, 15])
@pytest.mark.peer(crun="is open to it")
def test_2024_21626_a_leaked_directory_is_no_way_out_for_run(rt, bundle, number):
    leaks = [os.open("/", os.O_RDONLY | os.O_DIRECTORY) for _ in range(3)]
    try:
        for cwd in (f"/proc/self/fd/{number}", f"/proc/self/fd/{number}/../../"):
            bundle.process["cwd"] = cwd
            bundle.probe(("stat", "work"), ("list", ".")).write()
            result = rt("run", "--bundle", bundle.path, rt.new_id(), pass_fds=leaks)
            if result.code == 0:
                assert result.lines[0]["errno"] == "ENOENT", result
    finally:
        for fd in leaks:
            os.close(fd)


def test_2024_21626_a_leaked_directory_is_no_way_out_for_exec(rt, bundle):
    for n in range(3, 12):
        (bundle.rootfs / f"tmp/link{n}").symlink_to(f"/proc/self/fd/{n}")
    leaks = [os.open("/", os.O_RDONLY | os.O_DIRECTORY) for _ in range(3)]
    try:
        with rt.sleeping(bundle) as c:
            for n in range(3, 12):
                for cwd in (f"/proc/self/fd/{n}", f"/tmp/link{n}"):
                    result = c.exec("/bin/probe", "stat", "work", options=["--cwd", cwd], pass_fds=leaks)
                    if result.code == 0:
                        assert result.lines[0]["errno"] == "ENOENT", result
    finally:
        for fd in leaks:
            os.close(fd)


def test_2016_8649_hooks_get_standard_streams_only(rt, bundle):
    out = bundle.path / "fds"
    hook = bundle.path / "hook"
    hook.write_text(f"#!/bin/sh\ncat >/dev/null\nls /proc/self/fd > {out}\n")
    hook.chmod(0o755)
    for kind in ("prestart", "createContainer"):
        bundle.config["hooks"] = {kind: [{"path": str(hook)}]}
        rt.run(bundle).ok()
        numbers = set(out.read_text().split())
        if rt.name == "skiff":
            assert numbers == {"0", "1", "2", "3"}, (kind, numbers)  # 3 is the directory that ls reads


# ---- races ----

@pytest.mark.parametrize("what", ["mount target", "created target", "bind source"])
@pytest.mark.peer(runc="2024-45310: makes the target on the host", crun="not fixed everywhere")
def test_2021_30465_2024_45310_a_swapped_path_never_leads_out(rt, bundle, canary, programs, scratch, what):
    """Another container with the same volume swaps a directory for a link to the host, again and again."""
    volume = scratch / "volume"
    (volume / "real").mkdir(parents=True)
    (volume / "real/inner").mkdir()
    (volume / "link").symlink_to(canary if what != "bind source" else "/etc")
    swapper = process.Running([programs["probe"], "swap", volume / "real", volume / "link"], scratch=scratch)
    try:
        bundle.bind(volume, "/mnt")
        if what == "mount target":
            bundle.mount("/mnt/real", "tmpfs", "tmpfs").probe(("echo", "x"))
        elif what == "created target":
            bundle.mount("/mnt/real/made/deep", "tmpfs", "tmpfs").probe(("echo", "x"))
        else:
            bundle.linux["maskedPaths"] += ["/mnt/real"]
            bundle.probe(("echo", "x"))
        before = host.mounts()
        deadline = time.monotonic() + 4
        for _ in range(150):
            rt.run(bundle, timeout=10)
            assert host.mounts() == before
            assert sorted(os.listdir(canary)) == ["directory", "file"]
            if time.monotonic() > deadline:
                break
    finally:
        swapper.stop()


# ---- /proc, masks ----

@pytest.mark.parametrize("target", ["/proc", "/proc/sys", "/proc/self", "/proc/self/attr", "/proc/1", "/proc/sysrq-trigger"])
@pytest.mark.peer(crun="allows it")
def test_2015_3631_2019_16884_nothing_lands_on_proc(rt, bundle, scratch, target):
    source = scratch / "fake"
    source.mkdir()
    (source / "self").mkdir()
    bundle.bind(source, target)
    rt.refuse(bundle, "/proc", verb="run")


@pytest.mark.peer(crun="allows it")
def test_2015_3631_a_volume_instead_of_proc_is_refused(rt, bundle, scratch):
    (scratch / "fake").mkdir()
    bundle.drop_mount("/proc").bind(scratch / "fake", "/proc")
    rt.refuse(bundle, "/proc", verb="run")


@pytest.mark.parametrize("name", ["meminfo", "cpuinfo", "uptime"])
def test_files_that_lxcfs_covers_may_be_covered(rt, bundle, scratch, name):
    (scratch / "fake").write_text("covered")
    assert rt.answers(bundle.bind(scratch / "fake", f"/proc/{name}"), ("read", f"/proc/{name}"))[0]["text"] == "covered"


@pytest.mark.peer(runc="is open to it")
def test_2025_31133_a_planted_null_device_does_not_unmask(rt, bundle):
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    for name in ("/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"):
        bundle.drop_mount(name)
    (bundle.rootfs / "dev/null").symlink_to("/proc/sys/kernel/core_pattern")
    (bundle.rootfs / "etc/secret").write_text("secret")
    bundle.linux["maskedPaths"] += ["/etc/secret"]
    bundle.writable().capabilities("CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN")
    result = rt.run(bundle.probe(("read", "/etc/secret"), ("write", "/etc/secret", "evil", "w")))
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before
    if result.code == 0:
        assert result.lines[0].get("text", "") == ""


def test_2017_16539_what_a_default_container_may_write_in_proc_and_sys(rt, bundle):
    proc, sys = rt.answers(bundle, ("writable", "/proc"), ("writable", "/sys"))
    # What the kernel lets root write and every engine leaves open; messages of debugging are chosen by dynamic_debug.
    known = {"/proc/mtrr", "/proc/pressure/cpu", "/proc/pressure/io", "/proc/pressure/memory", "/proc/pressure/irq", "/proc/slabinfo",
             "/proc/dynamic_debug/control"}
    assert set(proc["paths"]) <= known, proc["paths"]
    assert sys["paths"] == [], sys["paths"]


def test_2022_0492_release_agent_is_not_writable(rt, bundle):
    bundle.capabilities("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE")
    report = rt.report(bundle)
    trees = [line.split()[4] for line in report["mountinfo"].splitlines() if " - cgroup " in line]
    answers = rt.answers(bundle, *[("write", f"{t}/release_agent", "/evil", "w") for t in trees], ("echo", "x"))
    assert all(a["errno"] for a in answers[:-1])


def test_shocker_host_files_are_not_reached_by_handle(rt, bundle):
    assert rt.answers(bundle, ("open-by-handle", "/etc"))[0]["errno"] == "EPERM"


@pytest.mark.parametrize("verb", [("mount", "none", "/mnt", "tmpfs"), ("sethostname", "x"), ("unshare", str(0x20000)), ("mknod", "/tmp/n", "c", "1", "3"),
                                  ("umount", "/proc"), ("setuid", "1"), ("bind", "1024"), ("open", "/proc/sys/kernel/core_pattern", "w")])
def test_default_capabilities_do_not_allow_what_they_should_not(rt, bundle, verb):
    answer = rt.answers(bundle, verb)[0]
    if verb[0] == "bind":
        assert answer["errno"] == ""
    else:
        assert answer["errno"] in ("EPERM", "EROFS", "EACCES"), answer


@pytest.mark.skiff_only
def test_2015_1334_2025_52881_exec_does_not_write_into_a_proc_that_the_container_covers(rt, bundle):
    """A container that may mount covers its /proc and plants files where the runtime would write."""
    bundle.capabilities("CAP_SYS_ADMIN")
    bundle.linux.pop("maskedPaths"), bundle.linux.pop("readonlyPaths")
    (bundle.rootfs / "bin/cover").write_text(
        "#!/bin/sh\nbusybox mount -t tmpfs tmpfs /proc && busybox mkdir -p /proc/self/attr /proc/thread-self/attr && "
        ": >/proc/self/oom_score_adj && : >/proc/self/attr/exec && echo covered\nbusybox sleep 100\n")
    (bundle.rootfs / "bin/cover").chmod(0o755)
    bundle.process["args"] = ["/bin/sh", "/bin/cover"]
    with rt.container(bundle) as c:
        c.wait_text("covered")
        spec = {"cwd": "/", "args": ["/bin/probe", "sleep"], "oomScoreAdj": 321}
        (c.bundle.path / "process.json").write_text(json.dumps(spec))
        pid_file = c.bundle.path / "pid"
        rt("exec", "--detach", "--pid-file", pid_file, "--process", c.bundle.path / "process.json", c.id).ok()
        assert Path(f"/proc/{pid_file.read_text()}/oom_score_adj").read_text() == "321\n"
        assert c.exec("/bin/cat", "/proc/self/oom_score_adj").ok().out == ""


@pytest.mark.skiff_only
@pytest.mark.parametrize("name", ["dev", "proc", "mnt"])
def test_2015_3629_a_second_start_with_changed_links_stays_inside(rt, bundle, canary, name):
    bundle.writable().mount("/mnt/below", "tmpfs", "tmpfs")
    rt.report(bundle)
    place = bundle.rootfs / name
    place.rename(bundle.rootfs / "old")
    place.symlink_to(canary)
    before = host.mounts()
    rt.run(bundle.probe(("echo", "x")))
    assert host.mounts() == before and set(os.listdir(canary)) == {"directory", "file"}


@pytest.mark.skiff_only
@pytest.mark.parametrize("change, words", [
    (lambda b: b.namespace("network", "/proc/self/ns/" + "n" * 70000), ["File name too long"]),
    (lambda b: b.config.update(hostname="h" * 70000), ["hostname", "64"]),
    (lambda b: b.mount("/" + "d/" * 35000, "tmpfs", "tmpfs"), ["File name too long"]),
    (lambda b: b.process.update(cwd="/" + "d" * 70000), ["File name too long"]),
])
def test_2021_43784_texts_of_70_kb_are_refused_whole(rt, bundle, change, words):
    change(bundle)
    rt.refuse(bundle, *words)


@pytest.mark.skiff_only
def test_2021_43784_a_variable_of_70_kb_arrives_whole(rt, bundle):
    text = "LONG=" + "x" * 70000
    bundle.process["env"].append(text)
    assert text in rt.report(bundle)["env"]


@pytest.mark.skiff_only
def test_2022_1227_no_verb_executes_anything_of_the_container(rt, bundle):
    for name in ("ps", "nsenter", "sh", "kill", "busybox", "ld.so", "criu"):
        program = bundle.rootfs / "bin" / name
        program.unlink(missing_ok=True)
        program.write_text("#!/bin/probe mkdir\n")
        program.chmod(0o755)
    (bundle.rootfs / "etc/ld.so.preload").write_text("/lib/evil.so\n")
    bundle.writable()
    with rt.sleeping(bundle) as c:
        for words in (["ps", c.id], ["ps", "--format", "json", c.id], ["state", c.id], ["events", "--stats", c.id], ["list"], ["pause", c.id],
                      ["resume", c.id], ["update", "--pids-limit", "100", c.id]):
            rt(*words)
        assert len(c.probe("processes")[0]["processes"]) == 2
        assert not (bundle.rootfs / "d").exists()
