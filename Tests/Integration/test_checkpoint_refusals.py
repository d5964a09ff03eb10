"""CLI-13 and CLI-14: what is refused before CRIU has anything to do. That it saves and restores is shown in vm/."""

import pytest

from skifftest import process
from skifftest.filesystems import mappable

pytestmark = pytest.mark.skiff_only


def test_cli_13_only_what_runs_can_be_saved(rt, bundle, scratch):
    c = rt.create(bundle.probe("sleep"))
    rt("checkpoint", "--image-path", scratch / "images", c.id).failed("created", "running")
    c.remove()
    rt("checkpoint", "--image-path", scratch / "images", "nosuch").failed("does not exist")


def test_cli_13_without_criu_the_message_says_so(rt, bundle, scratch):
    with rt.container(bundle.probe("sleep")) as c:
        words = ["unshare", "-m", "sh", "-c", 'for f in /usr/sbin/criu /usr/bin/criu /sbin/criu; do '
                 '[ ! -e $f ] || mount --bind /dev/null $f; done; exec "$@"', "sh",
                 *rt.words("checkpoint", "--image-path", scratch / "images", c.id)]
        process.run(words, scratch=scratch, env=rt.env).failed("criu", "apt-get install criu")
        assert c.status == "running"


@pytest.mark.parametrize("verb, options, words", [
    ("checkpoint", ["--manage-cgroups-mode", "some"], ["--manage-cgroups-mode", "soft, full, strict, ignore"]),
    ("checkpoint", ["--page-server", "nowhere"], ["--page-server", "ADDRESS:PORT", "nowhere"]),
    ("checkpoint", ["--page-server", "host:0"], ["--page-server", "host:0"]),
    ("checkpoint", ["--empty-ns", "pid"], ["--empty-ns", "network", "pid"]),
    ("checkpoint", ["--status-fd", "77"], ["--status-fd 77"]),
    ("checkpoint", ["--parent-path", "../none"], ["--parent-path ../none"]),
    ("checkpoint", ["--lsm-profile", "a:b"], ["--lsm-profile"]),
    ("restore", ["--leave-running"], ["--leave-running"]),
])
def test_cli_13_cli_14_wrong_options_are_named(rt, bundle, scratch, verb, options, words):
    bundle.probe("sleep").write()
    if verb == "restore":
        rt("restore", "--bundle", bundle.path, *options, rt.new_id()).failed(*words)
        return
    with rt.sleeping(bundle) as c:
        rt("checkpoint", "--image-path", scratch / "images", *options, c.id).failed(*words)
        assert c.status == "running"


def test_cli_14_without_images_nothing_is_made(rt, bundle, scratch):
    bundle.probe("sleep").write()
    name = rt.new_id()
    rt("restore", "--bundle", bundle.path, "--image-path", scratch / "none", name).failed(str(scratch / "none"), "ENOENT")
    (scratch / "empty").mkdir()
    rt("restore", "--bundle", bundle.path, "--image-path", scratch / "empty", name).failed("descriptors.json")
    rt("state", name).failed("does not exist")


def test_cli_13_an_id_mapped_mount_is_refused(rt, bundle, scratch):
    bundle.bind(scratch / "shared", "/mnt", "rbind", "idmap", uidMappings=[{"containerID": 0, "hostID": 5000, "size": 10}],
                gidMappings=[{"containerID": 0, "hostID": 5000, "size": 10}])
    with mappable(scratch / "shared"), rt.sleeping(bundle) as c:
        rt("checkpoint", "--image-path", scratch / "images", c.id).failed("mounts[", "id-mapped")
