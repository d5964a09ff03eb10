"""Mounts and their options (MNT-*)."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from skifftest import host
from skifftest.filesystems import mappable, tmpfs


def entry(report: dict, point: str) -> dict:
    """The topmost mount at `point`: options, propagation fields, type, source, superblock options."""
    found = [line.split() for line in report["mountinfo"].splitlines() if line.split()[4] == point]
    assert found, f"nothing mounted at {point}: {report['mountinfo']}"
    fields = found[-1]
    dash = fields.index("-")
    return {"root": fields[3], "options": set(fields[5].split(",")), "propagation": fields[6:dash], "type": fields[dash + 1],
            "source": fields[dash + 2], "super": set(fields[dash + 3].split(","))}


@pytest.fixture
def source(scratch) -> Path:
    path = scratch / "source"
    (path / "sub").mkdir(parents=True)
    (path / "file").write_text("content")
    return path


def test_mnt_1_later_mounts_shadow_earlier_ones(rt, bundle, source, scratch):
    other = scratch / "other"
    other.mkdir()
    (other / "second").write_text("2")
    answers = rt.answers(bundle.bind(source, "/mnt").bind(other, "/mnt"), ("list", "/mnt"))
    assert answers[0]["names"] == ["second"]


def test_mnt_1_a_mount_may_lie_inside_an_earlier_one(rt, bundle, source):
    bundle.mount("/mnt", "tmpfs", "tmpfs").bind(source, "/mnt/deep/er")
    assert rt.answers(bundle, ("read", "/mnt/deep/er/file"))[0]["text"] == "content"


def test_mnt_2_a_relative_destination_is_below_the_root(rt, bundle, source):
    assert rt.answers(bundle.writable().bind(source, "data"), ("read", "/data/file"))[0]["text"] == "content"


@pytest.mark.parametrize("kind", ["none", "bind", "whatever", ""])
def test_mnt_3_the_option_makes_a_bind_whatever_the_type(rt, bundle, source, kind):
    assert rt.answers(bundle.mount("/mnt", kind, source, "bind"), ("read", "/mnt/file"))[0]["text"] == "content"


def test_mnt_3_bind_without_recursion_leaves_submounts_out(rt, bundle, source):
    with tmpfs(source / "sub"):
        (source / "sub/inner").write_text("x")
        plain = bundle.bind(source, "/mnt", "bind").bind(source, "/tmp", "rbind")
        first, second = rt.answers(plain, ("list", "/mnt/sub"), ("list", "/tmp/sub"))
    assert first["names"] == [] and second["names"] == ["inner"]


@pytest.mark.parametrize("what", ["source", "source/file"])
def test_mnt_4_a_relative_source_is_below_the_bundle(rt, bundle, source, what):
    shutil.move(source, bundle.path / "source")
    target = "/mnt" if what == "source" else "/tmp/file"
    bundle.bind(what, target)
    bundle.write()
    path = target + "/file" if what == "source" else target
    bundle.probe(("read", path)).write()
    assert rt("run", "--bundle", bundle.path, rt.new_id(), cwd="/").ok().lines[0]["text"] == "content"


@pytest.mark.parametrize("kind", ["file", "dir", "fifo", "socket", "char"])
def test_mnt_5_sources_of_every_kind_get_a_matching_target(rt, bundle, scratch, kind):
    path = scratch / "thing"
    if kind == "file":
        path.write_text("x")
    elif kind == "dir":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    else:
        path = Path("/dev/null")
    answers = rt.answers(bundle.writable().bind(path, "/made/by/mount", "rbind", "nosuid"), ("stat", "/made/by/mount"))
    assert answers[0]["kind"] == kind


def test_mnt_5_a_missing_source_is_refused(rt, bundle, scratch):
    rt.refuse(bundle.bind(scratch / "missing", "/mnt"), "missing", "no such file or directory")


def test_mnt_5_a_directory_on_a_file_is_refused(rt, bundle, source):
    rt.refuse(bundle.bind(source, "/etc/passwd"), "/etc/passwd", "not a directory")


@pytest.mark.parametrize("options, expected, unexpected", [
    (["ro"], {"ro"}, {"rw"}), (["rw"], {"rw"}, {"ro"}), (["nosuid"], {"nosuid"}, set()), (["nodev"], {"nodev"}, set()),
    (["noexec"], {"noexec"}, set()), (["nosuid", "suid"], set(), {"nosuid"}), (["nodev", "dev"], set(), {"nodev"}),
    (["noexec", "exec"], set(), {"noexec"}), (["ro", "rw"], {"rw"}, {"ro"}), (["rw", "ro"], {"ro"}, {"rw"}),
    (["noatime"], {"noatime"}, set()), (["strictatime"], set(), {"relatime", "noatime"}), (["relatime"], {"relatime"}, set()),
    (["nodiratime"], {"nodiratime"}, set()), (["noatime", "relatime"], {"relatime"}, {"noatime"}),
    (["ro", "nosuid", "nodev", "noexec", "noatime"], {"ro", "nosuid", "nodev", "noexec", "noatime"}, set()),
])
@pytest.mark.parametrize("bind", [False, True])
@pytest.mark.peer(crun="the first of two wins")
def test_mnt_7_8_16_flags_of_mounts_and_binds(rt, bundle, source, bind, options, expected, unexpected):
    if rt.name != "skiff" and set(options) & {"noatime", "relatime", "strictatime", "nodiratime"} and (len(options) > 1 or bind):
        rt.lacks("atime is not one field")
    if bind:
        bundle.bind(source, "/mnt", "rbind", *options)
    else:
        bundle.mount("/mnt", "tmpfs", "tmpfs", *options)
    found = entry(rt.report(bundle), "/mnt")["options"]
    assert expected <= found and not unexpected & found, found


@pytest.mark.parametrize("options, expected", [(["sync"], {"sync"}), (["dirsync"], {"dirsync"}), (["lazytime"], {"lazytime"})])
@pytest.mark.peer(crun="does not know lazytime", runc="does not know lazytime")
def test_mnt_8_9_options_of_the_superblock(rt, bundle, options, expected):
    found = entry(rt.report(bundle.mount("/mnt", "tmpfs", "tmpfs", *options)), "/mnt")
    assert expected <= found["super"] | found["options"]


@pytest.mark.parametrize("option", ["async", "loud", "silent", "nolazytime", "mand", "nomand", "defaults", "iversion", "noiversion"])
@pytest.mark.peer(crun="does not know some", runc="does not know some")
def test_mnt_9_10_11_options_that_are_accepted(rt, bundle, option):
    entry(rt.report(bundle.mount("/mnt", "tmpfs", "tmpfs", option)), "/mnt")


def test_mnt_7_options_bite(rt, bundle, source, programs):
    shutil.copy2(programs["probe"], source / "probe")
    os.mknod(source / "null", 0o666 | 0o020000, os.makedev(1, 3))
    bundle.bind(source, "/mnt", "rbind", "ro", "nodev", "noexec")
    answers = rt.answers(bundle, ("write", "/mnt/new", "x"), ("open", "/mnt/null", "r"), ("exec", "/mnt/probe"))
    assert [a["errno"] for a in answers] == ["EROFS", "EACCES", "EACCES"]


def test_mnt_7_a_read_only_bind_leaves_the_source_writable(rt, bundle, source):
    with rt.sleeping(bundle.bind(source, "/mnt", "rbind", "ro")):
        (source / "new").write_text("x")


def test_mnt_11_remount_changes_an_earlier_entry(rt, bundle):
    bundle.mount("/mnt", "tmpfs", "tmpfs").mount("/mnt", "none", "none", "remount", "ro")
    assert rt.answers(bundle, ("write", "/mnt/x", "1"))[0]["errno"] == "EROFS"


@pytest.mark.parametrize("option, expected", [("shared", "shared:"), ("rshared", "shared:"), ("slave", "master:"), ("rslave", "master:"),
                                              ("private", ""), ("rprivate", ""), ("unbindable", "unbindable"), ("runbindable", "unbindable")])
@pytest.mark.peer(crun="stays private")
def test_mnt_12_propagation(rt, bundle, source, option, expected):
    with tmpfs(source / "sub"):
        subprocess.run(["mount", "--make-shared", source / "sub"], check=True)
        if "slave" in option:
            bundle.linux["rootfsPropagation"] = "rslave"
        bundle.bind(source / "sub", "/mnt", "rbind", option)
        fields = entry(rt.report(bundle), "/mnt")["propagation"]
    if expected:
        assert any(f.startswith(expected) for f in fields), fields
    else:
        assert fields == []


@pytest.mark.peer(crun="does not know it", runc="does not know it")
def test_mnt_13_nosymfollow(rt, bundle, source):
    (source / "link").symlink_to("file")
    assert rt.answers(bundle.bind(source, "/mnt", "rbind", "nosymfollow"), ("read", "/mnt/link"))[0]["errno"] == "ELOOP"


@pytest.mark.parametrize("option, flag", [("rro", "ro"), ("rnosuid", "nosuid"), ("rnodev", "nodev"), ("rnoexec", "noexec"), ("rnoatime", "noatime")])
@pytest.mark.peer(crun="asks for two kinds of atime")
def test_mnt_14_recursive_flags_reach_submounts(rt, bundle, source, option, flag):
    with tmpfs(source / "sub"):
        report = rt.report(bundle.bind(source, "/mnt", "rbind", option))
    assert flag in entry(report, "/mnt")["options"] and flag in entry(report, "/mnt/sub")["options"]


def test_mnt_14_a_plain_flag_leaves_submounts_alone(rt, bundle, source):
    with tmpfs(source / "sub"):
        report = rt.report(bundle.bind(source, "/mnt", "rbind", "ro"))
    assert "ro" in entry(report, "/mnt")["options"] and "rw" in entry(report, "/mnt/sub")["options"]


def test_mnt_17_options_of_the_file_system_are_passed_on(rt, bundle):
    bundle.mount("/mnt", "tmpfs", "tmpfs", "size=64k", "mode=0700", "nr_inodes=5", "nosuid")
    report = rt.report(bundle)
    assert {"size=64k", "mode=700", "nr_inodes=5"} <= entry(report, "/mnt")["super"]


def test_mnt_17_an_unknown_option_is_refused_and_named(rt, bundle):
    rt.refuse(bundle.mount("/mnt", "tmpfs", "tmpfs", "nosuchoption"), "nosuchoption", "/mnt")


def test_mnt_17_an_unknown_file_system_is_refused_and_named(rt, bundle):
    rt.refuse(bundle.mount("/mnt", "nosuchfs", "x"), "nosuchfs", "/mnt")


def test_mnt_18_tmpcopyup_keeps_what_was_there(rt, bundle):
    (bundle.rootfs / "etc/dir").mkdir()
    os.chown(bundle.rootfs / "etc/dir", 7, 8)
    (bundle.rootfs / "etc/dir/file").write_text("x")
    os.chmod(bundle.rootfs / "etc/dir/file", 0o640)
    (bundle.rootfs / "etc/link").symlink_to("dir/file")
    bundle.mount("/etc", "tmpfs", "tmpfs", "tmpcopyup")
    dir_, file, link, write = rt.answers(bundle, ("stat", "/etc/dir"), ("stat", "/etc/dir/file"), ("readlink", "/etc/link"),
                                         ("write", "/etc/new", "x"))
    assert (dir_["uid"], dir_["gid"]) == (7, 8) and file["mode"] == 0o640
    assert link["target"] == "dir/file" and write["errno"] == ""
    assert not (bundle.rootfs / "etc/new").exists()


def test_mnt_19_idmapped_bind_shows_mapped_owners(rt, bundle, scratch):
    rt.needs_calls("open_tree", "mount_setattr")
    source = scratch / "owned"
    source.mkdir()
    os.chown(source, 0, 0)
    bundle.user_namespace(host_id=100000).bind(source, "/mnt", "bind", "idmap")
    if rt.name == "runc":
        rt.lacks("no idmap")
    with mappable(source):
        answers = rt.answers(bundle, ("stat", "/mnt"), ("write", "/mnt/new", "x"), ("stat", "/mnt/new"))
        assert os.stat(source / "new").st_uid == 0
    assert answers[0]["uid"] == 0 and answers[1]["errno"] == "" and answers[2]["uid"] == 0


@pytest.mark.skiff_only
def test_mnt_19_idmapped_bind_with_mappings_of_its_own_needs_no_user_namespace(rt, bundle, scratch):
    rt.needs_calls("open_tree", "mount_setattr")
    maps = [{"containerID": 0, "hostID": 1000, "size": 10}]
    bundle.bind(scratch / "owned", "/mnt", "bind", "idmap", uidMappings=maps, gidMappings=maps)
    with mappable(scratch / "owned"):
        (scratch / "owned/file").write_text("x")
        answers = rt.answers(bundle, ("stat", "/mnt/file"))
    assert answers[0]["uid"] == 1000


@pytest.mark.skiff_only
def test_mnt_21_only_one_kind_of_mapping_is_refused(rt, bundle, source):
    bundle.bind(source, "/mnt", "bind", "idmap", uidMappings=[{"containerID": 0, "hostID": 1000, "size": 10}])
    rt.refuse(bundle, "mounts[7]")


@pytest.mark.peer(runc="does not know it")
def test_mnt_22_idmap_without_mappings_is_refused(rt, bundle, source):
    rt.refuse(bundle.bind(source, "/mnt", "bind", "idmap"), "idmap")


def test_mnt_25_the_cgroup_mount_shows_only_the_containers_own(rt, bundle):
    report = rt.report(bundle)
    points = [line.split()[4] for line in report["mountinfo"].splitlines()]
    assert any(p.startswith("/sys/fs/cgroup") for p in points), points
    for line in report["cgroup"].splitlines():
        assert line.split(":", 2)[2] == "/", report["cgroup"]
    trees = [line.split()[4] for line in report["mountinfo"].splitlines() if " - cgroup" in line]
    answers = rt.answers(bundle, *[("mkdir", f"{tree}/x") for tree in trees])
    assert trees and {a["errno"] for a in answers} <= {"EROFS", "EACCES"}, answers


def test_mnt_26_options_of_the_hosts_cgroup_mounts_stay(rt, bundle):
    def options():
        return sorted(line for line in host.mounts() if " cgroup" in line)
    before = options()
    bundle.drop_mount("/sys/fs/cgroup").mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "rw")
    with rt.sleeping(bundle):
        assert options() == before
    assert options() == before


def test_mnt_27_devpts_is_a_new_instance_with_the_options(rt, bundle):
    answers = rt.answers(bundle, ("list", "/dev/pts"), ("stat", "/dev/pts/ptmx"))
    assert answers[0]["names"] == ["ptmx"] and answers[1]["mode"] == 0o666


@pytest.mark.peer(crun="for root it is not dropped")
def test_mnt_27_the_gid_option_is_dropped_where_it_is_not_mapped(rt, bundle):
    bundle.namespace("user")
    bundle.linux["uidMappings"] = bundle.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1}]
    if rt.name == "runc":
        rt.lacks("refused for root")
    rt.report(bundle)


def test_mnt_28_mqueue_works(rt, bundle):
    made, seen = rt.answers(bundle, ("mqueue", "/hello"), ("list", "/dev/mqueue"))
    assert made["errno"] == "" and seen["names"] == ["hello"]


def test_mnt_29_an_overlay_with_sixty_long_lower_directories(rt, bundle, scratch):
    if rt.name != "skiff":
        rt.lacks("mount(2) takes one page of options")
    lowers = []
    for n in range(60):
        lower = scratch / f"{'layer' * 20}{n}"
        lower.mkdir()
        (lower / f"f{n}").write_text(str(n))
        lowers.append(str(lower))
    for name in ("upper", "work"):
        (scratch / name).mkdir()
    bundle.mount("/mnt", "overlay", "overlay", f"lowerdir={':'.join(lowers)}", f"upperdir={scratch}/upper", f"workdir={scratch}/work")
    answers = rt.answers(bundle, ("list", "/mnt"), ("write", "/mnt/new", "x"))
    assert len(answers[0]["names"]) == 60 and (scratch / "upper/new").read_text() == "x"


def test_mnt_30_a_failed_mount_leaves_the_hosts_table_as_it_was(rt, bundle, source):
    before = host.mounts()
    bundle.bind(source, "/mnt").bind(source / "missing", "/tmp")
    rt.refuse(bundle)
    assert host.mounts() == before


def test_mnt_30_mounts_made_inside_do_not_reach_the_host(rt, bundle):
    bundle.capabilities("CAP_SYS_ADMIN")
    before = host.mounts()
    bundle.bind("/tmp", "/mnt").probe(("mount", "tmpfs", "/mnt", "tmpfs"), ("echo", "ready"), "sleep")
    with rt.container(bundle) as c:
        c.wait_text("ready")
        assert c.lines[0]["errno"] == ""
        assert host.mounts() == before


def test_mnt_31_the_hosts_root_as_source(rt, bundle):
    before = host.mounts()
    answers = rt.answers(bundle.bind("/", "/mnt", "rbind", "ro"), ("stat", "/mnt/etc/passwd"))
    assert answers[0]["errno"] == "" and host.mounts() == before


@pytest.mark.allows_leftovers
def test_mnt_31_the_root_as_destination_harms_nobody(rt, bundle, source):
    before = host.mounts()
    result = rt.run(bundle.bind(source, "/", "rbind").probe(("echo", "x")))
    assert host.mounts() == before
    assert result.code != 0 or result.lines


@pytest.mark.peer(crun="makes the target in the read-only source")
def test_mnt_32_a_target_that_cannot_be_made_is_named(rt, bundle, source):
    bundle.bind(source, "/mnt", "rbind", "ro").bind(source, "/mnt/below/this")
    rt.refuse(bundle, "/mnt/below", "read-only file system")


def test_mnt_1_a_read_only_tmpfs_may_hold_later_mounts(rt, bundle, source):
    bundle.mount("/mnt", "tmpfs", "tmpfs", "ro").bind(source, "/mnt/below/this")
    read, write = rt.answers(bundle, ("read", "/mnt/below/this/file"), ("write", "/mnt/x", "1"))
    assert read["text"] == "content" and write["errno"] == "EROFS"


@pytest.mark.skiff_only
@pytest.mark.parametrize("option", ["copy-symlink", "src-nofollow", "dest-nofollow"])
def test_mnt_33_options_of_one_peer_only_are_refused_by_name(rt, bundle, source, option):
    result = rt.run(bundle.bind(source, "/mnt", "rbind", option))
    if result.code != 0:
        result.failed(option)


@pytest.mark.peer(crun="a slave bind is cut off from the host")
def test_prop_1_root_is_private_to_the_host_by_default(rt, bundle, source):
    """Mounts made on the host later do not show in a private bind, and show in a slave bind."""
    with tmpfs(source / "sub"):
        subprocess.run(["mount", "--make-shared", source / "sub"], check=True)
        bundle.bind(source / "sub", "/mnt", "rbind", "rprivate").bind(source / "sub", "/tmp", "rbind", "rslave")
        with rt.sleeping(bundle) as c:
            (source / "sub/late").mkdir()
            with tmpfs(source / "sub/late"):
                (source / "sub/late/marker").write_text("x")
                private, slave = c.probe(("list", "/mnt/late"), ("list", "/tmp/late"))
    assert private["names"] == [] and slave["names"] == ["marker"]


@pytest.mark.parametrize("value, expected", [("shared", "shared:"), ("rshared", "shared:"), ("private", ""), ("unbindable", "unbindable")])
@pytest.mark.peer(runc="lost by pivot_root")
def test_prop_1_propagation_of_the_root(rt, bundle, value, expected):
    bundle.linux["rootfsPropagation"] = value
    before = host.mounts()
    fields = entry(rt.report(bundle), "/")["propagation"]
    assert any(f.startswith(expected) for f in fields) if expected else not any(f.startswith("shared") for f in fields)
    assert host.mounts() == before


def test_mnt_30_no_mount_of_the_host_is_left_inside(rt, bundle):
    """Nor on top of the root, where only a process that joins would meet it."""
    with rt.sleeping(bundle) as c:
        points = [line.split()[4] for line in Path(f"/proc/{c.pid}/mountinfo").read_text().splitlines()]
        assert points.count("/") == 1, points
        assert c.probe(("list", "/"))[0]["names"] == rt.answers(bundle, ("list", "/"))[0]["names"]
