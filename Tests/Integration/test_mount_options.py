"""Mount options that change how ids, links and times behave, recursively or not (MNT-*, LBL-1, PROP-2)."""

import os
import subprocess
from pathlib import Path

import pytest

from skifftest import host
from skifftest.filesystems import mappable, tmpfs
from test_mounts import entry, source  # noqa: F401
from test_namespaces import holder


# ---- targets ----

def test_mnt_6_a_link_inside_the_root_is_followed(rt, bundle, source):  # noqa: F811
    (bundle.rootfs / "real").mkdir()
    (bundle.rootfs / "link").symlink_to("/real")
    answers = rt.answers(bundle.bind(source, "/link/deep"), ("read", "/real/deep/file"))
    assert answers[0]["text"] == "content"


@pytest.mark.parametrize("target", ["../../../../..", "/", "/proc/self/cwd", "/proc/1/root"])
@pytest.mark.peer(crun="other text", runc="other text")
def test_mnt_6_a_link_out_of_the_root_stays_inside(rt, bundle, source, scratch, target):  # noqa: F811
    (bundle.rootfs / "link").symlink_to(target)
    name = f"made-{scratch.name}"
    rt.run(bundle.writable().bind(source, f"/link/{name}").probe("report"))
    assert not Path("/", name).exists() and not (scratch / name).exists()


# ---- flags ----

@pytest.mark.parametrize("option, flag", [
    ("rnoatime", "noatime"), ("rnodiratime", "nodiratime"), ("rstrictatime", None), ("rrelatime", "relatime"),
    ("rnosymfollow", "nosymfollow"),
])
@pytest.mark.skiff_only
def test_mnt_15_recursive_flags_of_times_and_links(rt, bundle, source, option, flag):  # noqa: F811
    with tmpfs(source / "sub"):
        report = rt.report(bundle.bind(source, "/mnt", "rbind", option))
    for point in ("/mnt", "/mnt/sub"):
        options = entry(report, point)["options"]
        assert flag in options if flag else not options & {"relatime", "noatime"}


@pytest.mark.parametrize("options, flag", [
    (("rnoatime", "rrelatime"), "relatime"), (("rstrictatime", "rnoatime"), "noatime"),
    (("rnoatime", "ratime"), "relatime"), (("rro", "rrw"), "rw"), (("rnosymfollow", "rsymfollow"), "rw"),
])
@pytest.mark.skiff_only
def test_mnt_15_16_the_time_field_is_one_value_and_the_last_one_wins(rt, bundle, source, options, flag):  # noqa: F811
    with tmpfs(source / "sub"):
        report = rt.report(bundle.bind(source, "/mnt", "rbind", *options))
    options = entry(report, "/mnt/sub")["options"]
    assert flag in options and "nosymfollow" not in options
    assert len(options & {"relatime", "noatime"}) <= 1


@pytest.mark.skiff_only
def test_mnt_15_rnosymfollow_bites_below(rt, bundle, source):  # noqa: F811
    with tmpfs(source / "sub"):
        (source / "sub/real").write_text("x")
        (source / "sub/link").symlink_to("real")
        bundle.bind(source, "/mnt", "rbind", "rnosymfollow")
        link, real = rt.answers(bundle, ("read", "/mnt/sub/link"), ("read", "/mnt/sub/real"))
    assert link["errno"] == "ELOOP" and real["text"] == "x"


@pytest.mark.skiff_only
def test_mnt_14_recursive_flags_of_a_fresh_file_system(rt, bundle):
    report = rt.report(bundle.mount("/mnt", "tmpfs", "tmpfs", "rro", "rnoexec"))
    assert {"ro", "noexec"} <= entry(report, "/mnt")["options"]


# ---- identity mappings ----

MAPS = [{"containerID": 0, "hostID": 1000, "size": 10}]


@pytest.mark.skiff_only
@pytest.mark.parametrize("option, below", [("idmap", 0), ("ridmap", 1000)])
def test_mnt_19_20_only_ridmap_reaches_submounts(rt, bundle, scratch, option, below):
    rt.needs_calls("open_tree", "mount_setattr")
    with mappable(scratch / "owned"):
        (scratch / "owned/sub").mkdir()
        with mappable(scratch / "owned/sub"):
            bundle.bind(scratch / "owned", "/mnt", "rbind", option, uidMappings=MAPS, gidMappings=MAPS)
            top, sub = rt.answers(bundle, ("stat", "/mnt"), ("stat", "/mnt/sub"))
    assert (top["uid"], top["gid"]) == (1000, 1000) and (sub["uid"], sub["gid"]) == (below, below)


@pytest.mark.skiff_only
def test_mnt_20_ridmap_with_the_mappings_of_the_user_namespace(rt, bundle, scratch):
    rt.needs_calls("open_tree", "mount_setattr")
    with mappable(scratch / "owned"):
        (scratch / "owned/sub").mkdir()
        with mappable(scratch / "owned/sub"):
            bundle.user_namespace().bind(scratch / "owned", "/mnt", "rbind", "ridmap")
            top, sub = rt.answers(bundle, ("stat", "/mnt"), ("stat", "/mnt/sub"))
    assert top["uid"] == 0 and sub["uid"] == 0


@pytest.mark.skiff_only
def test_mnt_19_idmap_with_the_mappings_of_a_joined_user_namespace(rt, bundle, make_bundle, scratch):
    rt.needs_calls("open_tree", "mount_setattr")
    with rt.sleeping(make_bundle().user_namespace(host_id=300000)) as first, mappable(scratch / "owned"):
        bundle.namespace("user", f"/proc/{first.pid}/ns/user").bind(scratch / "owned", "/mnt", "bind", "idmap")
        [stat] = rt.answers(bundle, ("stat", "/mnt"))
    assert (stat["uid"], stat["gid"]) == (0, 0)


@pytest.mark.skiff_only
def test_mnt_21_mappings_of_the_mount_win_over_the_user_namespaces(rt, bundle, scratch):
    rt.needs_calls("open_tree", "mount_setattr")
    maps = [{"containerID": 0, "hostID": 100007, "size": 10}]
    with mappable(scratch / "owned"):
        bundle.user_namespace().bind(scratch / "owned", "/mnt", "bind", "idmap", uidMappings=maps, gidMappings=maps)
        [stat] = rt.answers(bundle, ("stat", "/mnt"))
    assert (stat["uid"], stat["gid"]) == (7, 7)


@pytest.mark.skiff_only
def test_mnt_21_mappings_need_no_option(rt, bundle, scratch):
    rt.needs_calls("open_tree", "mount_setattr")
    bundle.bind(scratch / "owned", "/mnt", "bind", uidMappings=MAPS, gidMappings=MAPS)
    with mappable(scratch / "owned"):
        [stat] = rt.answers(bundle, ("stat", "/mnt"))
    assert stat["uid"] == 1000


@pytest.mark.skiff_only
def test_mnt_19_idmap_of_a_new_file_system_is_refused(rt, bundle):
    bundle.mount("/mnt", "tmpfs", "tmpfs", "idmap", uidMappings=MAPS, gidMappings=MAPS)
    rt.refuse(bundle, "mounts[7]", "idmap is for bind mounts only")


@pytest.mark.skiff_only
@pytest.mark.parametrize("maps, words", [
    ([{"containerID": 0, "hostID": 0, "size": 0}], ["uidMappings[0].size"]),
    ([{"containerID": 0, "hostID": 0, "size": 5}, {"containerID": 4, "hostID": 100, "size": 5}], ["overlaps entry 0"]),
    ([{"containerID": n, "hostID": n, "size": 1} for n in range(341)], ["340"]),
])
def test_mnt_21_mappings_that_the_kernel_would_refuse(rt, bundle, source, maps, words):  # noqa: F811
    rt.refuse(bundle.bind(source, "/mnt", "bind", "idmap", uidMappings=maps, gidMappings=maps), *words)


@pytest.mark.skiff_only
def test_mnt_23_no_namespace_and_no_process_stays(rt, bundle, scratch):
    rt.needs_calls("open_tree", "mount_setattr")
    def namespaces() -> set[str]:
        found = set()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                found.add(os.readlink(f"/proc/{pid}/ns/user"))
            except OSError:
                pass
        return found

    before = namespaces()
    bundle.bind(scratch / "owned", "/mnt", "bind", "idmap", uidMappings=MAPS, gidMappings=MAPS)
    with mappable(scratch / "owned"), rt.sleeping(bundle):
        assert namespaces() <= before


# ---- file systems ----

@pytest.mark.skiff_only
def test_mnt_29_overlay_directories_with_very_long_paths(rt, bundle, scratch):
    """Beyond what fsconfig(2) takes in one value, and together beyond a page."""
    def deep(name: str) -> Path:
        path = scratch.joinpath(name, *("d" * 120 for _ in range(4)))
        path.mkdir(parents=True)
        return path

    lowers = [deep(f"lower{n}") for n in range(12)]
    for number, lower in enumerate(lowers):
        (lower / f"f{number}").write_text(str(number))
    bundle.mount("/mnt", "overlay", "overlay", "lowerdir=" + ":".join(map(str, lowers)),
                 f"upperdir={deep('upper')}", f"workdir={deep('work')}")
    listing, write = rt.answers(bundle, ("list", "/mnt"), ("write", "/mnt/new", "x"))
    assert len(listing["names"]) == 12 and write["errno"] == ""
    assert (scratch.joinpath("upper", *("d" * 120 for _ in range(4))) / "new").read_text() == "x"


@pytest.mark.parametrize("option", ["volatile", "userxattr", "redirect_dir=on"])
def test_mnt_29_options_of_overlay(rt, bundle, scratch, option):
    for name in ("lower", "upper", "work"):
        (scratch / name).mkdir()
    bundle.mount("/mnt", "overlay", "overlay", f"lowerdir={scratch}/lower", f"upperdir={scratch}/upper",
                 f"workdir={scratch}/work", option)
    shown = entry(rt.report(bundle), "/mnt")["super"]
    assert any(option in word for word in shown), shown


def test_mnt_28_mqueue_belongs_to_the_joined_ipc_namespace(rt, bundle):
    with holder("ipc") as pid:
        bundle.namespace("ipc", f"/proc/{pid}/ns/ipc")
        assert "/dev/mqueue" in [line.split()[4] for line in rt.report(bundle)["mountinfo"].splitlines()]


# ---- propagation ----

def test_prop_2_a_default_bind_is_a_slave_of_the_host_or_private_and_never_its_peer(rt, bundle, source):  # noqa: F811
    with tmpfs(source / "sub"):
        subprocess.run(["mount", "--make-shared", source / "sub"], check=True)
        before = host.mounts()
        fields = entry(rt.report(bundle.bind(source / "sub", "/mnt")), "/mnt")["propagation"]
        assert not any(field.startswith("shared") for field in fields)
        assert host.mounts() == before


@pytest.mark.skiff_only
@pytest.mark.parametrize("value", ["slave", "rslave"])
def test_prop_1_2_a_slave_root_sees_what_the_host_mounts_later(rt, bundle, scratch, value):
    rootfs = bundle.rootfs
    subprocess.run(["mount", "--bind", rootfs, rootfs], check=True)
    subprocess.run(["mount", "--make-shared", rootfs], check=True)
    try:
        bundle.linux["rootfsPropagation"] = value
        with rt.sleeping(bundle) as container:
            with tmpfs(rootfs / "mnt"):
                (rootfs / "mnt/late").write_text("x")
                [answer] = container.probe(("list", "/mnt"))
            assert answer["names"] == ["late"]
    finally:
        subprocess.run(["umount", "-l", rootfs], check=True)


@pytest.mark.skiff_only
def test_prop_1_an_unknown_word_is_refused(rt, bundle):
    bundle.linux["rootfsPropagation"] = "public"
    rt.refuse(bundle, "rootfsPropagation", "public")


# ---- labels ----

@pytest.mark.skiff_only
def test_lbl_1_a_label_for_mounts(rt, bundle):
    bundle.linux["mountLabel"] = "system_u:object_r:container_file_t:s0:c1,c2"
    if not Path("/sys/fs/selinux/enforce").exists():
        # There is nothing that a label could keep out; a label of the program is refused, see PRC-18.
        result = rt.run(bundle.probe("report")).ok()
        assert "warning" in result.err and "container_file_t" in result.err
        return
    report = rt.report(bundle)
    for point in ("/dev", "/dev/shm", "/dev/pts", "/dev/mqueue"):
        assert any("container_file_t" in word for word in entry(report, point)["super"]), point


# ---- corners ----

@pytest.mark.skiff_only
@pytest.mark.parametrize("option, flag", [("rro", "ro"), ("rnoexec", "noexec"), ("rnosymfollow", "nosymfollow")])
@pytest.mark.parametrize("kind", ["fifo", "file", "socket"])
def test_mnt_5_recursive_flags_on_what_is_no_directory(rt, bundle, scratch, kind, option, flag):
    place = scratch / "place"
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "file":
        place.write_text("x")
    else:
        import socket
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.relpath(place))
    report = rt.report(bundle.bind(place, "/mnt/place", "rbind", option))
    assert flag in entry(report, "/mnt/place")["options"]


@pytest.mark.parametrize("destination", ["/mnt/", "//mnt", "/./mnt", "/tmp/../mnt"])
def test_mnt_2_destinations_that_are_written_in_other_ways(rt, bundle, source, destination):  # noqa: F811
    assert rt.answers(bundle.bind(source, destination), ("read", "/mnt/file"))[0]["text"] == "content"


@pytest.mark.parametrize("option, field", [("rshared", "shared:"), ("private", ""), ("unbindable", "unbindable")])
@pytest.mark.skiff_only
def test_mnt_12_propagation_of_a_new_file_system(rt, bundle, option, field):
    fields = entry(rt.report(bundle.mount("/mnt", "tmpfs", "tmpfs", option)), "/mnt")["propagation"]
    assert any(f.startswith(field) for f in fields) if field else fields == []


def test_mnt_17_options_of_proc(rt, bundle):
    bundle.config["mounts"][0]["options"] = ["nosuid", "hidepid=2", "noexec"]
    found = entry(rt.report(bundle), "/proc")
    assert {"nosuid", "noexec"} <= found["options"] and found["super"] & {"hidepid=2", "hidepid=invisible"}


@pytest.mark.skiff_only
def test_mnt_17_a_source_may_be_missing(rt, bundle):
    bundle.config["mounts"].append({"destination": "/mnt", "type": "tmpfs"})
    assert entry(rt.report(bundle), "/mnt")["type"] == "tmpfs"


@pytest.mark.skiff_only
@pytest.mark.parametrize("option", ["ro", "rro"])
def test_mnt_18_tmpcopyup_into_what_becomes_read_only(rt, bundle, option):
    (bundle.rootfs / "etc/one").write_text("x")
    os.link(bundle.rootfs / "etc/one", bundle.rootfs / "etc/two")
    os.chmod(bundle.rootfs / "etc", 0o711)
    bundle.mount("/etc", "tmpfs", "tmpfs", "tmpcopyup", "mode=755", "size=1m", option)
    one, two, directory, write = rt.answers(
        bundle, ("stat", "/etc/one"), ("stat", "/etc/two"), ("stat", "/etc"), ("write", "/etc/new", "x"))
    assert one["nlink"] == two["nlink"] == 2
    assert directory["mode"] == 0o711 and write["errno"] == "EROFS"


@pytest.mark.skiff_only
def test_mnt_32_the_message_names_entry_destination_and_call(rt, bundle):
    bundle.mount("/mnt", "tmpfs", "tmpfs", "ro").mount("/mnt/inner", "nosuchfs", "x")
    rt.refuse(bundle, "mounts[8]", "/mnt/inner", "nosuchfs", "ENODEV")


@pytest.mark.skiff_only
def test_mnt_11_remount_of_what_is_not_mounted_is_an_error(rt, bundle):
    rt.refuse(bundle.mount("/mnt", "tmpfs", "tmpfs", "remount", "ro"), "mounts[7]", "/mnt", "EINVAL")
