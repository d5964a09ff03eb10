"""What other runtimes do where the specification is silent, and engines and images rely on."""

import os
import subprocess

import pytest

from skifftest import process

PEERS_OF_DEBIAN = dict(crun="newer ones do", runc="newer ones do")


@pytest.fixture
def script(bundle):
    """An executable shell script in the bundle, or elsewhere."""
    def make(name, text, directory=None):
        path = (directory or bundle.path) / name
        path.write_text("#!/bin/sh\ncat >/dev/null\n" + text)
        path.chmod(0o755)
        return path
    return make


@pytest.fixture
def file(scratch):
    path = scratch / "file"
    path.write_text("content")
    return path


@pytest.mark.peer(**PEERS_OF_DEBIAN)
@pytest.mark.parametrize(("link", "target", "found"), [
    ("etc/hosts", "/tmp/hosts", "tmp/hosts"), ("etc/hosts", "../run/not/there/hosts", "run/not/there/hosts"),
    ("etc/hosts", "../../../../../run/hosts", "run/hosts"), ("etc", "/run/etc", "run/etc/hosts"),
])
def test_mnt_6_a_link_to_nothing_gets_what_it_leads_to(rt, bundle, file, link, target, found):
    (bundle.rootfs / "etc/passwd").unlink(), (bundle.rootfs / "etc/group").unlink()
    if link == "etc":
        (bundle.rootfs / "etc").rmdir()
    (bundle.rootfs / link).symlink_to(target)
    answers = rt.answers(bundle.bind(file, "/etc/hosts", "bind"), ("read", "/etc/hosts"), ("read", f"/{found}"))
    assert [a["text"] for a in answers] == ["content"] * 2
    assert (bundle.rootfs / found).exists() and not os.path.exists("/run/not/there")


def test_mnt_6_a_circle_of_links_is_refused(rt, bundle, file):
    (bundle.rootfs / "etc/hosts").symlink_to("other")
    (bundle.rootfs / "etc/other").symlink_to("hosts")
    rt.refuse(bundle.bind(file, "/etc/hosts", "bind"), "/etc/hosts", "ELOOP")


@pytest.mark.peer(**PEERS_OF_DEBIAN)
def test_mnt_4_a_source_may_come_from_an_earlier_mount(rt, bundle, scratch):
    (scratch / "outer/inner").mkdir(parents=True)
    (scratch / "outer/inner/file").write_text("content")
    bundle.bind(scratch / "outer", "/mnt").bind(bundle.rootfs / "mnt/inner", "/home")
    assert rt.answers(bundle, ("read", "/home/file"))[0]["text"] == "content"


def test_mnt_4_a_source_below_the_root_that_never_comes_is_refused(rt, bundle):
    rt.refuse(bundle.bind(bundle.rootfs / "mnt/inner", "/home"), "mnt/inner", "ENOENT")


@pytest.mark.peer(**PEERS_OF_DEBIAN)
@pytest.mark.parametrize(("options", "mode"), [((), 0o710), (("mode=1500",), 0o1500)])
def test_mnt_17_a_tmpfs_looks_like_what_it_covers(rt, bundle, options, mode):
    (bundle.rootfs / "mnt").chmod(0o710)
    bundle.mount("/mnt", "tmpfs", "tmpfs", *options).mount("/new", "tmpfs")
    answers = rt.answers(bundle.writable(), ("stat", "/mnt"), ("stat", "/new"))
    assert [a["mode"] & 0o7777 for a in answers] == [mode, 0o1777]


@pytest.mark.peer(crun="masks twice", runc="masks twice")
def test_path_1_a_path_that_is_listed_twice_is_masked_once(rt, bundle):
    (bundle.rootfs / "etc/secret").write_text("x")
    bundle.linux["maskedPaths"] += ["/mnt", "/mnt", "/etc/secret", "/etc/secret"]
    points = [line.split()[4] for line in rt.report(bundle)["mountinfo"].splitlines()]
    assert points.count("/mnt") == 1 and points.count("/etc/secret") == 1


@pytest.mark.peer(**PEERS_OF_DEBIAN)
def test_i_10_without_pivot_no_bare_proc_can_be_had(rt, bundle):
    bundle.capabilities("CAP_SYS_ADMIN")
    bundle.probe(("unshare", 0x10020000), ("mount", "proc", "/mnt", "proc"))
    for options in [(), ("--no-pivot",)]:
        answers = rt.run(bundle, *options).ok().lines
        assert answers[1]["errno"] == "EPERM", options


@pytest.mark.peer(**PEERS_OF_DEBIAN)
def test_prc_6_of_a_repeated_variable_the_last_counts(rt, bundle):
    bundle.process["env"] = ["ONE=two", "PATH=/bin", "ONE=", "TWO", "ONE=three"]
    assert rt.report(bundle)["env"] == ["PATH=/bin", "TWO", "ONE=three", "HOME=/root"]


@pytest.mark.peer(**PEERS_OF_DEBIAN)
@pytest.mark.parametrize(("given", "seen"), [("HOME=", "HOME=/root"), ("HOME=/x", "HOME=/x")])
def test_prc_6_an_empty_home_is_no_home(rt, bundle, given, seen):
    bundle.process["env"] = [given, "A=b"]
    assert sorted(rt.report(bundle)["env"]) == ["A=b", seen]


def test_prc_5_a_missing_directory_is_made_before_the_root_is_read_only(rt, bundle):
    bundle.config["root"]["readonly"] = True
    bundle.process["cwd"] = "/not/there"
    assert rt.report(bundle)["cwd"] == "/not/there"


def test_prc_7_rights_of_the_program_count_when_it_is_looked_for(rt, bundle):
    owned = bundle.rootfs / "bin/owned"
    owned.write_bytes((bundle.rootfs / "bin/probe").read_bytes())
    owned.chmod(0o700)
    bundle.process.update(user={"uid": 1000, "gid": 1000}, args=["/bin/owned", "report"])
    rt.refuse(bundle, "permission denied")
    bundle.capabilities("CAP_DAC_OVERRIDE", ambient=True)
    assert rt.run(bundle).ok().first("report")["uids"][0] == 1000


@pytest.mark.parametrize(("uid", "owner"), [(1000, 1000), (0, 0)])
def test_prc_23_pipes_belong_to_the_programs_user(rt, bundle, uid, owner):
    bundle.process["user"] = {"uid": uid, "gid": uid}
    bundle.probe(("stat", "/proc/self/fd/1"), ("stat", "/proc/self/fd/0")).write()
    words = rt.words("run", "--bundle", bundle.path, rt.new_id())
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=rt.env, timeout=20)
    out, null = process.json_lines(done.stdout)
    assert out["uid"] == owner and null["uid"] == 0


def test_hook_4_create_container_hooks_start_in_the_root(rt, bundle, script):
    bundle.hook("createContainer", script("here", "pwd -P > etc/here\n"))
    bundle.probe(("read", "/etc/here"))
    assert rt.run(bundle.writable()).ok().lines[0]["text"].strip() == str(bundle.rootfs.resolve())


@pytest.mark.peer(**PEERS_OF_DEBIAN)
@pytest.mark.parametrize(("env", "seen"), [(None, "from the process"), (["WHO=hook"], "hook")])
def test_hook_12_start_container_hooks_have_the_processs_environment_by_default(rt, bundle, script, env, seen):
    bundle.process["env"] = ["PATH=/bin", "WHO=from the process"]
    script("hook", 'echo "$WHO" > /tmp/who\n', bundle.rootfs / "bin")
    bundle.hook("startContainer", "/bin/hook", **({"env": env} if env else {}))
    bundle.probe(("read", "/tmp/who"))
    assert rt.run(bundle.writable()).ok().lines[0]["text"].strip() == seen


@pytest.mark.parametrize("no_new_privileges", [True, False])
def test_sec_13_start_container_hooks_are_under_the_filter(rt, bundle, script, no_new_privileges):
    bundle.process["noNewPrivileges"] = no_new_privileges
    script("hook", "mkdir /tmp/made || exit 7\n", bundle.rootfs / "bin")
    bundle.hook("startContainer", "/bin/hook")
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                               "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}
    bundle.probe("report")
    result = rt.run(bundle.writable())
    assert result.code != 0 and not (bundle.rootfs / "tmp/made").exists()


def test_prc_23_a_container_that_waits_holds_nothing_of_the_host(rt, bundle, scratch):
    bundle.bind(scratch, "/mnt").probe("report")
    c = rt.create(bundle)
    try:
        held = {os.readlink(link.path) for link in os.scandir(f"/proc/{c.pid}/fd") if int(link.name) > 2}
        assert not [place for place in held if place.startswith("/") and place not in ("/", "/proc")], held
    finally:
        c.kill("KILL").ok()
        c.wait_stopped()
        c.delete().ok()


def test_cli_4_the_process_may_come_from_a_descriptor(rt, bundle):
    with rt.sleeping(bundle) as c:
        read, write = os.pipe()
        os.write(write, b'{"args":["/bin/probe","echo","hi"],"cwd":"/","user":{"uid":0,"gid":0}}')
        os.close(write)
        try:
            words = rt.words("exec", "--process", f"/dev/fd/{read}", c.id)
            done = subprocess.run(words, pass_fds=[read], capture_output=True, text=True, env=rt.env, timeout=20)
        finally:
            os.close(read)
        assert done.returncode == 0 and '"hi"' in done.stdout, done


@pytest.mark.skiff_only
def test_prc_2_output_of_a_terminal_reaches_a_pipe_without_carriage_returns(rt, bundle):
    bundle.process["terminal"] = True
    bundle.write()
    primary, replica = os.openpty()
    words = rt.words("run", "--bundle", bundle.probe(("echo", "a"), ("echo", "b")).write().path, rt.new_id())
    try:
        done = subprocess.run(words, stdin=replica, capture_output=True, env=rt.env, timeout=20)
    finally:
        os.close(primary), os.close(replica)
    assert done.returncode == 0 and b"\r" not in done.stdout and done.stdout.count(b"\n") == 2, done


def test_prc_2_a_terminal_that_cannot_be_read_is_no_failure(rt, bundle):
    bundle.process["terminal"] = True
    words = rt.words("run", "--bundle", bundle.probe(("echo", "done")).write().path, rt.new_id())
    primary, replica = os.openpty()
    os.close(primary)  # hung up
    try:
        done = subprocess.run(words, stdin=replica, capture_output=True, env=rt.env, timeout=20)
    finally:
        os.close(replica)
    assert done.returncode == 0 and b'"done"' in done.stdout, done


def test_hook_4_called_crun_create_container_hooks_start_in_the_bundle(rt, bundle, script, scratch):
    if rt.name != "skiff":
        pytest.skip("about skiff under another name")
    (scratch / "crun").symlink_to(rt.path)
    bundle.hook("createContainer", script("hook", "pwd -P > here\n")).probe("report").write()
    done = subprocess.run([scratch / "crun", "--root", rt.root, "run", "--bundle", bundle.path, rt.new_id()],
                          stdin=subprocess.DEVNULL, capture_output=True, env=rt.env, timeout=20)
    assert done.returncode == 0 and (bundle.path / "here").read_text().strip() == str(bundle.path.resolve()), done


@pytest.mark.peer(**PEERS_OF_DEBIAN)
def test_mnt_1_a_destination_may_be_a_path_of_the_host_below_the_root(rt, bundle, file):
    bundle.bind(file, str(bundle.rootfs / "mnt/file"), "bind")
    assert rt.answers(bundle, ("read", "/mnt/file"))[0]["text"] == "content"


@pytest.mark.peer(**PEERS_OF_DEBIAN)
def test_mnt_4_a_source_below_the_root_has_what_earlier_entries_mounted(rt, bundle, scratch):
    (scratch / "outer").mkdir()
    (scratch / "outer/file").write_text("content")
    bundle.bind(scratch / "outer", "/mnt").bind(bundle.rootfs / "mnt", "/home")
    assert rt.answers(bundle, ("read", "/home/file"))[0]["text"] == "content"


@pytest.mark.peer(**PEERS_OF_DEBIAN)
def test_cli_5_kill_reaches_what_a_gone_init_left_in_a_shared_pid_namespace(rt, bundle):
    bundle.without_namespace("pid").shell("sleep 1000 & sleep 1001")
    c = rt.create(bundle)
    c.start()
    process.until(lambda: len(rt("ps", "--format", "json", c.id).ok().json) > 1, "the second process is there")
    left = [pid for pid in rt("ps", "--format", "json", c.id).ok().json if pid != c.pid]
    os.kill(c.pid, 9)
    c.wait_stopped()
    c.kill("KILL").ok()
    process.until(lambda: all(gone(pid) for pid in left), "all end")
    assert c.kill("TERM").code != 0
    c.delete().ok()


def gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.peer(crun="does not add them")
def test_cli_4_an_added_capability_is_ambient_if_the_container_made_it_inheritable(rt, bundle):
    bundle.process["capabilities"] = {"bounding": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL"],
                                      "effective": ["CAP_KILL"], "inheritable": ["CAP_CHOWN"]}
    with rt.sleeping(bundle) as c:
        status = c.exec("/bin/sh", "-c", "grep CapAmb /proc/self/status", options=("--cap", "CAP_CHOWN")).ok().out
        assert int(status.split()[1], 16) == 1
