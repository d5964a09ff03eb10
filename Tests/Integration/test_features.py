"""spec, features, and configurations as engines write them (CLI-15, FEAT-*)."""

import json
import os
from pathlib import Path

import pytest

from skifftest import host
from skifftest.bundle import DEFAULT
from test_cgroups import is_unified

skiff_only = pytest.mark.skiff_only


def test_cli_15_spec_writes_a_configuration_that_runs(rt, bundle):
    (bundle.path / "config.json").unlink(missing_ok=True)
    rt("spec", cwd=bundle.path).ok()
    config = json.loads((bundle.path / "config.json").read_text())
    assert not config["process"]["capabilities"].get("inheritable")
    config["process"].update(terminal=False, args=["/bin/probe", "echo", "runs"])
    (bundle.path / "config.json").write_text(json.dumps(config))
    assert rt("run", "--bundle", bundle.path, rt.new_id()).ok().lines[0]["text"] == "runs"


def test_cli_15_spec_does_not_overwrite(rt, bundle):
    bundle.write()
    before = (bundle.path / "config.json").read_text()
    rt("spec", "--bundle", bundle.path).failed("exist")
    assert (bundle.path / "config.json").read_text() == before


@skiff_only
def test_cli_15_specs_default_is_the_harness_default(rt, bundle):
    rt("spec", "--bundle", bundle.path).ok()
    config = json.loads((bundle.path / "config.json").read_text())
    assert {m["destination"] for m in config["mounts"]} == {m["destination"] for m in DEFAULT["mounts"]}
    assert {n["type"] for n in config["linux"]["namespaces"]} >= {"pid", "network", "ipc", "uts", "mount"}
    assert config["root"]["readonly"] is True and config["process"]["noNewPrivileges"] is True


@skiff_only
def test_cli_15_rootless_spec(rt, bundle):
    rt("spec", "--rootless", "--bundle", bundle.path).ok()
    config = json.loads((bundle.path / "config.json").read_text())
    assert "user" in {n["type"] for n in config["linux"]["namespaces"]} and config["linux"]["uidMappings"]


@pytest.fixture
def features(rt) -> dict:
    if rt.name == "crun":
        rt.lacks("no features")
    return rt("features").ok().json


def test_feat_1_versions(features):
    def number(text):
        return [int(n) for n in text.split("-")[0].split(".")]
    assert number(features["ociVersionMin"]) <= [1, 0, 0] <= [1, 0, 2] <= number(features["ociVersionMax"])


# What features.md and features-linux.md of 1.3 say about types: name → type, or the names inside.
SCHEMA = {
    "ociVersionMin": str, "ociVersionMax": str, "hooks": [str], "mountOptions": [str], "annotations": {None: str},
    "potentiallyUnsafeConfigAnnotations": [str],
    "linux": {
        "namespaces": [str], "capabilities": [str],
        "cgroup": {"v1": bool, "v2": bool, "systemd": bool, "systemdUser": bool, "rdma": bool},
        "seccomp": {"enabled": bool, "actions": [str], "operators": [str], "archs": [str], "knownFlags": [str], "supportedFlags": [str]},
        "apparmor": {"enabled": bool}, "selinux": {"enabled": bool},
        "intelRdt": {"enabled": bool, "schemata": bool, "monitoring": bool},
        "memoryPolicy": {"modes": [str], "flags": [str]},
        "mountExtensions": {"idmap": {"enabled": bool}}, "netDevices": {"enabled": bool},
    },
}


def conforms(value, schema, place: str) -> list[str]:
    if isinstance(schema, list):
        if not isinstance(value, list) or len(set(value)) != len(value):
            return [f"{place}: should be a list without repetition"]
        return [f for n, item in enumerate(value) for f in conforms(item, schema[0], f"{place}[{n}]")]
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            return [f"{place}: should be an object"]
        return [f for key, item in value.items()
                for f in ([f"{place}.{key}: is not of the specification"] if not {key, None} & set(schema)
                          else conforms(item, schema.get(key, schema.get(None)), f"{place}.{key}"))]
    return [] if type(value) is schema else [f"{place}: should be {schema.__name__}"]


def test_feat_4_feat_6_the_document_follows_the_specification(features):
    assert conforms(features, SCHEMA, "features") == []
    assert {"ociVersionMin", "ociVersionMax"} <= set(features)


@skiff_only
def test_feat_4_nothing_is_left_open(features):
    assert set(features) == set(SCHEMA) and set(features["linux"]) == set(SCHEMA["linux"])
    for name, inside in SCHEMA["linux"].items():
        if isinstance(inside, dict):
            assert set(features["linux"][name]) == set(inside), name


@skiff_only
@pytest.mark.parametrize("way", [[], ["setpriv", "--bounding-set=-all"], ["unshare", "--user"], ["env", "-i"]])
def test_feat_2_the_document_is_the_same_whoever_asks(rt, features, way):
    rt.wrapper = way
    assert rt("features").ok().json == features


@skiff_only
def test_feat_1_versions_in_between_and_around(rt, features, make_bundle):
    for version in ("1.0.0-rc5", "1.0.1", "1.0.2-dev", "1.1.0", "1.2.0", "1.2.1"):
        bundle = make_bundle()
        bundle.config["ociVersion"] = version
        rt.run(bundle.probe(("echo", "x"))).ok()


@skiff_only
def test_feat_3_every_listed_hook_and_namespace_is_accepted(rt, features, make_bundle):
    for kind in features["hooks"]:
        bundle = make_bundle()
        bundle.bind("/tmp", "/mnt").hook(kind, "/bin/true")
        rt.run(bundle.probe(("echo", "x"))).ok()
    for kind in features["linux"]["namespaces"]:
        bundle = make_bundle()
        bundle.user_namespace() if kind == "user" else bundle.namespace(kind)
        rt.run(bundle.probe(("echo", "x"))).ok()


@skiff_only
def test_feat_3_every_listed_capability_is_accepted(rt, features, bundle):
    bundle.capabilities(*features["linux"]["capabilities"])
    result = rt.run(bundle.probe(("echo", "x"))).ok()
    assert "unknown" not in result.err


@skiff_only
def test_feat_3_every_listed_architecture_is_compiled(rt, features, bundle):
    """Those of the other byte order are refused by libseccomp when they stand beside ours, but by that reason."""
    for name in features["linux"]["seccomp"]["archs"]:
        bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [name],
                                   "syscalls": [{"names": ["personality"], "action": "SCMP_ACT_ERRNO"}]}
        result = rt.run(bundle.probe(("echo", "x")))
        assert result.code == 0 or "is not known" not in result.err, result


def test_feat_1_both_versions_are_accepted(rt, features, make_bundle):
    for key in ("ociVersionMin", "ociVersionMax"):
        bundle = make_bundle()
        bundle.config["ociVersion"] = features[key]
        rt.run(bundle.probe(("echo", "x"))).ok()


def test_feat_3_hooks_and_namespaces(features):
    assert set(features["hooks"]) == {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}
    assert {"pid", "network", "mount", "ipc", "uts", "user", "cgroup"} <= set(features["linux"]["namespaces"])
    assert "CAP_SYS_ADMIN" in features["linux"]["capabilities"]


@skiff_only
def test_feat_3_every_listed_mount_option_is_accepted(rt, features, bundle, scratch):
    refused = []
    (scratch / "source").mkdir()
    for option in features["mountOptions"]:
        if option in ("idmap", "ridmap", "remount", "mand", "bind", "rbind"):
            continue
        bundle.config["mounts"] = bundle.config["mounts"][:7]
        recursive = option.startswith("r") and option not in ("ro", "rw", "relatime")
        if recursive or option in ("private", "shared", "slave", "unbindable"):
            bundle.bind(scratch / "source", "/mnt", "rbind", option)
        else:
            bundle.mount("/mnt", "tmpfs", "tmpfs", option)
        if (result := rt.run(bundle.probe(("echo", "x")))).code != 0:
            refused.append((option, result.err))
    assert refused == []


@skiff_only
def test_feat_3_every_listed_seccomp_action_operator_architecture_and_flag_is_accepted(rt, features, bundle):
    section = features["linux"]["seccomp"]
    refused = []
    for key, values in (("actions", section["actions"]), ("operators", section["operators"]), ("archs", section["archs"]),
                        ("flags", section.get("supportedFlags", section.get("knownFlags", [])))):
        for value in values:
            if key == "archs" and value not in ("SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"):
                continue  # one filter cannot hold architectures of both byte orders
            rule = {"names": ["personality"], "action": "SCMP_ACT_ERRNO"}
            seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], "syscalls": [rule]}
            if key == "actions":
                if value == "SCMP_ACT_NOTIFY":
                    continue
                rule["action"] = value
                if value == "SCMP_ACT_ALLOW":
                    seccomp["defaultAction"] = "SCMP_ACT_LOG"
            elif key == "operators":
                rule["args"] = [{"index": 0, "value": 1, "valueTwo": 1, "op": value}]
            elif key == "archs":
                seccomp["architectures"] = [value]
            else:
                seccomp["flags"] = [value]
            bundle.linux["seccomp"] = seccomp
            if (result := rt.run(bundle.probe(("echo", "x")))).code != 0:
                refused.append((value, result.err))
    assert refused == []


@skiff_only
def test_feat_6_only_properties_that_the_specification_knows(features):
    assert set(features) <= {"ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "linux", "annotations", "potentiallyUnsafeConfigAnnotations"}
    assert set(features["linux"]) <= {"namespaces", "capabilities", "cgroup", "seccomp", "apparmor", "selinux", "intelRdt", "memoryPolicy",
                                      "mountExtensions", "netDevices"}


@pytest.mark.parametrize("engine", ["podman", "docker", "containerd2", "podman-cgv2", "docker-cgv2", "podman-limits", "docker-limits", "podman-userns"])
def test_configurations_of_engines_run(rt, bundle, scratch, engine):
    """The whole configuration as the engine wrote it, but with our rootfs and without what is of the engine's machine."""
    fixture = Path(__file__).resolve().parents[1] / f"Fixtures/engine-configs/{engine}.json"
    config = json.loads(fixture.read_text())
    config["process"].update(args=["/bin/probe", "report"], terminal=False, cwd="/", user={"uid": 0, "gid": 0})
    config["process"]["rlimits"] = [r for r in config["process"].get("rlimits", []) if r["hard"] <= 4096]
    config["process"].pop("apparmorProfile", None)
    config.pop("hooks", None)
    config["root"] = {"path": "rootfs", "readonly": config["root"].get("readonly", False)}
    config["mounts"] = [m for m in config["mounts"] if m.get("type") != "bind" and "bind" not in m.get("options", []) and "rbind" not in m.get("options", [])]
    config["linux"]["namespaces"] = [{"type": n["type"]} for n in config["linux"]["namespaces"]]
    config["linux"]["cgroupsPath"] = f"/{os.path.basename(rt.new_id())}"
    if config["process"].get("oomScoreAdj", 0) < int(Path("/proc/self/oom_score_adj").read_text()):
        config["process"].pop("oomScoreAdj", None)
    if "CAP_SYS_RESOURCE" in json.dumps(config["process"].get("capabilities", {})) and not host.has_capability(24):
        pytest.skip("asks for a capability that this machine lacks")
    if os.environ.get("CGROUPS") == "v2":  # limits that this view cannot hold are refused by name: tested elsewhere
        config["linux"]["resources"] = {"devices": config["linux"].get("resources", {}).get("devices", [])}
    # They were written on machines with two processors and trees of version 1.
    resources = config["linux"].get("resources", {})
    if os.cpu_count() < 2:
        resources.get("cpu", {}).pop("cpus", None)
    if is_unified("memory"):
        resources.get("memory", {}).pop("swappiness", None)
    if rt.name == "crun" and config["linux"].get("resources", {}).get("blockIO"):
        rt.lacks("fails on weight 0")
    if rt.name == "crun" and config["ociVersion"] == "1.3.0":
        rt.lacks("knows 1.0 only")
    bundle.config = config
    report = rt.run(bundle).ok().first("report")
    assert report["pid"] == 1
