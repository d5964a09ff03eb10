"""What the configuration may not ask for: each refusal of the plans with its field and its words. Those of the
validation itself are in Tests/RuntimeSpecTests, those of limits in Tests/CgroupsTests."""

import pytest

from skifftest.errors import create

pytestmark = pytest.mark.skiff_only
MAP = [{"containerID": 0, "hostID": 100000, "size": 10}]
refusals = []


def refusal(text: str):
    """Registers a change to a bundle and the whole refusal, field first."""
    def register(change):
        refusals.append(pytest.param(change, text, id=text.split(":")[0].replace('"', "").replace(" ", "-")))
        return change
    return register


def set_in(table: str, name: str, value):
    return lambda bundle: getattr(bundle, table).__setitem__(name, value)


def mount(**entry):
    return lambda bundle: bundle.config["mounts"].append(entry)


refusal('mounts[7].source: is required for a bind mount')(mount(destination="/mnt", options=["bind"]))
refusal('mounts[7].type: is required unless the mount is a bind')(mount(destination="/mnt", source="x"))
refusal('mounts[7].destination "/proc/x": is inside /proc, where mounts are not allowed')(
    mount(destination="/proc/x", type="tmpfs", source="tmpfs"))
refusal('mounts[7].destination "/proc": only a proc mount may cover /proc')(
    mount(destination="/proc", type="tmpfs", source="tmpfs"))
refusal('mounts[7].gidMappings: is required beside uidMappings')(
    mount(destination="/mnt", source="/etc", options=["bind", "idmap"], uidMappings=MAP))
refusal('mounts[7].options "idmap": needs uidMappings and gidMappings or a user namespace')(
    mount(destination="/mnt", source="/etc", options=["bind", "idmap"]))
refusal('linux.devices[0].path "/": must be an absolute path of a file')(
    set_in("linux", "devices", [{"path": "/", "type": "c", "major": 1, "minor": 3}]))
refusal('linux.devices[0] "/dev/x": needs major and minor for type c')(set_in("linux", "devices", [{"path": "/dev/x", "type": "c"}]))
refusal('linux.maskedPaths[0] "proc": must be an absolute path')(set_in("linux", "maskedPaths", ["proc"]))
refusal('linux.readonlyPaths[0] "proc": must be an absolute path')(set_in("linux", "readonlyPaths", ["proc"]))
refusal('is not a parameter of a namespace')(set_in("linux", "sysctl", {"kernel.panic": "1"}))
refusal('linux.sysctl "net/../kernel.panic": must be a name such as net.ipv4.ip_forward')(set_in("linux", "sysctl", {"net/../kernel.panic": "1"}))
refusal('linux.sysctl["net.ipv4.ip_forward"] "1\\n2": must not contain control characters')(set_in("linux", "sysctl", {"net.ipv4.ip_forward": "1\n2"}))
refusal('linux.uidMappings: must map id 0 of the container')(
    lambda b: (b.user_namespace(), b.linux.update(uidMappings=[{"containerID": 1, "hostID": 100000, "size": 10}])))
refusal('linux.uidMappings[1]: overlaps entry 0')(
    lambda b: (b.user_namespace(), b.linux.update(uidMappings=MAP + [{"containerID": 5, "hostID": 200000, "size": 10}])))
refusal('linux.gidMappings[1]: overlaps entry 0')(
    lambda b: (b.user_namespace(), b.linux.update(gidMappings=MAP + [{"containerID": 50, "hostID": 100005, "size": 10}])))
refusal('linux.uidMappings[0].size "10": the range ends beyond the last id')(
    lambda b: (b.user_namespace(), b.linux.update(uidMappings=[{"containerID": 0, "hostID": 4294967290, "size": 10}])))
refusal('process.terminal: a detached terminal needs a console socket (--console-socket)')(set_in("process", "terminal", True))
refusal('process.oomScoreAdj "1001": must be between -1000 and 1000')(set_in("process", "oomScoreAdj", 1001))
refusal('process.ioPriority.priority "8": must be between 0 and 7')(
    set_in("process", "ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": 8}))
refusal('process.capabilities.effective "CAP_KILL": is not in the permitted set')(
    set_in("process", "capabilities", {"effective": ["CAP_KILL"]}))
refusal('linux.personality.flags "X": must be empty')(
    set_in("linux", "personality", {"domain": "LINUX", "flags": ["X"]}))


@refusal('linux.namespaces: a mount namespace is required with a user namespace or without privileges')
def _(bundle):
    bundle.user_namespace().without_namespace("mount")


@refusal('root.path "/tmp/..": must not be the host\'s root without a mount namespace')
def _(bundle):
    bundle.without_namespace("mount")
    bundle.config["root"]["path"] = "/tmp/.."


@refusal('hostname "skifftest": needs a uts namespace of its own: the host\'s name must not change')
def _(bundle):
    bundle.namespace("uts", "/proc/self/ns/uts")


@refusal('hostname "skifftest": needs a uts namespace in linux.namespaces')
def _(bundle):
    bundle.without_namespace("uts")


@refusal('must not be longer than 64 bytes')
def _(bundle):
    bundle.config["hostname"] = "h" * 65


@refusal("linux.netDevices: needs a network namespace other than the runtime's own")
def _(bundle):
    bundle.namespace("network", "/proc/self/ns/net")
    bundle.linux["netDevices"] = {"eth7": {}}


@refusal("linux.netDevices: needs a network namespace in linux.namespaces")
def _(bundle):
    bundle.without_namespace("network")
    bundle.linux["netDevices"] = {"eth7": {}}


@refusal('linux.namespaces[6].type "pid": occurs twice')
def _(bundle):
    bundle.linux["namespaces"].append({"type": "pid"})


@refusal('linux.namespaces[5].path "proc/self/ns/uts": must be an absolute path')
def _(bundle):
    bundle.namespace("uts", "proc/self/ns/uts")


@pytest.mark.parametrize("change, text", refusals)
def test_each_refusal_names_its_field_and_the_reason(rt, bundle, change, text):
    rt.globals += ["--log-format", "json"]
    change(bundle)
    error = create(rt, bundle)
    assert error["msg"].endswith(text), error["msg"]
    assert error["code"] in ("config-invalid", "unsupported") and error["operand"], error
    assert not rt.root.exists() or not any(rt.root.iterdir()), "something was made before the refusal"


def test_a_console_socket_without_a_terminal_is_refused(rt, bundle):
    rt.globals += ["--log-format", "json"]
    error = create(rt, bundle, "--console-socket", "/nowhere")
    assert error["msg"].endswith("process.terminal: is false, so there is nothing for the console socket")


@pytest.mark.parametrize("user", ["1:2:3", "x", "-1", "4294967295"])
def test_a_user_of_exec_that_is_no_number_is_refused(rt, bundle, user):
    with rt.sleeping(bundle) as c:
        c.exec("/bin/true", options=["--user", user]).failed("user")


def test_mnt_32_a_failed_mount_names_index_destination_and_the_missing_element(rt, bundle, scratch):
    rt.globals += ["--log-format", "json"]
    bundle.bind(scratch / "is" / "not" / "there", "/mnt/deep")
    (scratch / "is").mkdir()
    error = create(rt, bundle)
    assert error["step"] == f"mount {scratch}/is/not/there on /mnt/deep (mounts[7])"
    assert error["operand"] == f"{scratch}/is/not/there" and error["errno"] == "ENOENT"
    assert error["hint"] == f"{scratch}/is/not: no such file or directory"


def test_mnt_32_a_failed_mount_names_the_parameter_that_the_file_system_refuses(rt, bundle):
    rt.globals += ["--log-format", "json"]
    bundle.mount("/mnt", "tmpfs", "tmpfs", "size=nonsense")
    error = create(rt, bundle)
    assert error["step"] == "mount tmpfs on /mnt (mounts[7])" and "size" in error["operand"]
    assert error["code"] == "mount-failed" and error["call"]


def test_mnt_32_a_directory_on_a_file_is_told_in_words(rt, bundle):
    rt.globals += ["--log-format", "json"]
    bundle.bind("/etc", "/bin/probe", "bind")
    error = create(rt, bundle)
    assert "mounts[7]" in error["msg"] and "/bin/probe" in error["msg"] and error["code"] == "mount-failed"
