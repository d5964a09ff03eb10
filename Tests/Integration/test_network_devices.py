"""linux.netDevices (NDV-*): a network namespace of the test's own stands for the host's."""

import ctypes
import json
import os
import subprocess

import pytest

from test_namespaces import holder

NEW_NETWORK = 0x40000000


class Network:
    """A network namespace; `enter` moves a program into it before it runs."""

    def __init__(self, pid: int):
        self.pid = pid
        self.path = f"/proc/{pid}/ns/net"

    def ip(self, *words, check: bool = True) -> str:
        result = subprocess.run(["nsenter", f"--net={self.path}", "ip", *words], capture_output=True, text=True)
        assert not check or result.returncode == 0, result.stderr
        return result.stdout

    def enter(self) -> None:
        file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        if ctypes.CDLL(None).setns(file, NEW_NETWORK):
            os._exit(99)

    def addresses(self) -> dict[str, dict]:
        """Every interface by name, as `ip -j address` describes it."""
        return {entry["ifname"]: entry for entry in json.loads(self.ip("-j", "address"))}

    def veth(self, name: str, peer: str, *addresses: str) -> None:
        self.ip("link", "add", name, "type", "veth", "peer", "name", peer)
        self.ip("link", "set", peer, "up")
        self.ip("link", "set", name, "up")
        for address in addresses:
            self.ip("address", "add", *address.split(), "dev", name)


def known(entry: dict) -> list[str]:
    return sorted(f"{a['local']}/{a['prefixlen']}" for a in entry["addr_info"] if a["scope"] == "global")


@pytest.fixture
def outside():
    with holder("network") as pid:
        yield Network(pid)


@pytest.fixture
def inside(rt, outside):
    """inside(bundle) → (a running container made from the namespace `outside`, its network)."""
    made = []

    def make(bundle, **more):
        bundle.probe(("echo", "ready"), "sleep").write()
        container = rt.create(bundle, preexec=outside.enter, **more)
        made.append(container)
        container.start()
        container.wait_text("ready")
        return container, Network(container.pid)

    yield make
    for container in made:
        container.remove()


def devices(bundle, **names):
    bundle.linux["netDevices"] = {host: {"name": name} if name else {} for host, name in names.items()}
    return bundle


def test_ndv_1_a_device_moves_into_the_container(bundle, outside, inside):
    outside.veth("veth0", "veth1")
    _, network = inside(devices(bundle, veth0=None))
    assert "veth0" in network.addresses() and "veth0" not in outside.addresses()
    assert "veth1" in outside.addresses()


def test_ndv_1_a_device_is_renamed(bundle, outside, inside):
    outside.veth("veth0", "veth1")
    _, network = inside(devices(bundle, veth0="ctr0"))
    assert set(network.addresses()) >= {"lo", "ctr0"} and "veth0" not in network.addresses()


def test_ndv_1_several_devices(bundle, outside, inside):
    for number in range(3):
        outside.veth(f"a{number}", f"b{number}")
    _, network = inside(devices(bundle, a0="x", a1=None, a2="y"))
    assert {"x", "a1", "y"} <= set(network.addresses())


@pytest.mark.parametrize("user", [False, True])
def test_ndv_1_the_program_of_run_finds_the_device(rt, bundle, outside, user):
    outside.veth("veth0", "veth1", "10.9.8.7/24")
    if user:
        bundle.user_namespace()
    devices(bundle, veth0="ctr0")
    assert "ctr0:" in rt.report(bundle, preexec=outside.enter)["net_dev"]


def test_ndv_1_a_sysctl_of_the_device_can_be_set(rt, bundle, outside):
    outside.veth("veth0", "veth1")
    devices(bundle, veth0="ctr0").linux["sysctl"] = {"net/ipv4/conf/ctr0/forwarding": "1"}
    [answer] = rt.answers(bundle, ("read", "/proc/sys/net/ipv4/conf/ctr0/forwarding"), preexec=outside.enter)
    assert answer["text"].strip() == "1"


def test_ndv_1_a_joined_network_namespace_gets_the_device(rt, bundle, outside):
    outside.veth("veth0", "veth1")
    with holder("network") as pid:
        devices(bundle.namespace("network", f"/proc/{pid}/ns/net"), veth0="ctr0")
        assert "ctr0:" in rt.report(bundle, preexec=outside.enter)["net_dev"]
        assert "ctr0" in Network(pid).addresses(), "what has moved stays in the namespace (NDV-4)"


def test_ndv_1_a_missing_device_is_an_error(rt, bundle, outside):
    rt.refuse(devices(bundle, nodev0=None), "nodev0", "no such device", preexec=outside.enter)


def test_ndv_1_loopback_cannot_move(rt, bundle, outside):
    rt.refuse(devices(bundle, lo="lo1"), "network device lo", "cannot be moved", preexec=outside.enter)


def test_ndv_2_a_name_that_is_taken_is_refused(rt, bundle, outside):
    outside.veth("veth0", "veth1", "10.1.2.3/24")
    before = known(outside.addresses()["veth0"])
    rt.refuse(devices(bundle, veth0="lo"), "veth0", "has a device lo already", preexec=outside.enter)
    assert known(outside.addresses()["veth0"]) == before


def test_ndv_2_one_name_for_two_devices_is_refused(rt, bundle, outside):
    rt.refuse(devices(bundle, a0="x", b0="x"), "netDevices", "one name", preexec=outside.enter)


def test_ndv_2_a_template_takes_the_first_free_number(bundle, outside, inside):
    outside.veth("eth0", "b0")
    outside.veth("a1", "b1")
    outside.veth("a2", "b2")
    _, network = inside(devices(bundle, eth0="eth%d", a1="eth%d", a2="net%d"))
    assert {"eth0", "eth1", "net0"} <= set(network.addresses())


@pytest.mark.parametrize("name", ["a%", "%d%d", "eth%x", "%s"])
def test_ndv_2_a_wrong_template_is_refused(rt, bundle, outside, name):
    rt.refuse(devices(bundle, veth0=name), "netDevices", "%d", preexec=outside.enter)


def test_ndv_3_permanent_global_addresses_stay_and_the_link_is_up(bundle, outside, inside):
    outside.veth("veth0", "veth1", "10.1.2.3/24", "10.1.2.4/24", "fd00:1::5/64 nodad", "10.7.7.7/24 scope link",
                 "10.8.8.8/24 valid_lft 500 preferred_lft 500")
    _, network = inside(devices(bundle, veth0="ctr0"))
    entry = network.addresses()["ctr0"]
    assert known(entry) == ["10.1.2.3/24", "10.1.2.4/24", "fd00:1::5/64"]
    assert "UP" in entry["flags"]
    assert not [a for a in entry["addr_info"] if a["local"] in ("10.7.7.7", "10.8.8.8")]


def test_ndv_3_a_device_that_was_down_is_set_up(bundle, outside, inside):
    outside.ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
    _, network = inside(devices(bundle, veth0=None))
    assert "UP" in network.addresses()["veth0"]["flags"]


def test_ndv_3_the_number_may_be_taken_in_the_container(rt, bundle, outside):
    outside.veth("veth0", "veth1", "10.1.2.3/24")
    with holder("network") as pid:
        for number in range(8):
            Network(pid).ip("link", "add", f"p{number}", "type", "veth", "peer", "name", f"q{number}")
        devices(bundle.namespace("network", f"/proc/{pid}/ns/net"), veth0="ctr0")
        assert "ctr0:" in rt.report(bundle, preexec=outside.enter)["net_dev"]
        assert known(Network(pid).addresses()["ctr0"]) == ["10.1.2.3/24"]


def test_ndv_4_delete_does_not_bring_the_device_back(rt, bundle, outside):
    outside.veth("veth0", "veth1")
    with holder("network") as pid:
        devices(bundle.namespace("network", f"/proc/{pid}/ns/net"), veth0=None)
        bundle.probe(("echo", "ready"), "sleep")
        container = rt.create(bundle, preexec=outside.enter)
        container.start()
        container.remove()
        assert "veth0" in Network(pid).addresses() and "veth0" not in outside.addresses()


def test_ndv_5_names_that_are_too_long_are_refused(rt, bundle, outside):
    rt.refuse(devices(bundle, veth0="n" * 16), "netDevices", "1 to 15 bytes", preexec=outside.enter)


def test_ndv_5_without_a_network_namespace_of_its_own(rt, bundle, outside):
    rt.refuse(devices(bundle.without_namespace("network"), veth0=None), "netDevices", "network namespace",
              preexec=outside.enter)


def test_ndv_5_the_runtimes_own_namespace_by_path_is_refused(rt, bundle, outside):
    rt.refuse(devices(bundle.namespace("network", outside.path), veth0=None), "netDevices", "other than the runtime",
              preexec=outside.enter)


@pytest.mark.parametrize("fault", ["program", "hook", "second device"])
def test_ndv_1_a_failed_create_gives_devices_back_as_they_were(rt, bundle, outside, scratch, fault):
    outside.veth("veth0", "veth1", "10.1.2.3/24", "fd00:1::5/64 nodad")
    before = known(outside.addresses()["veth0"])
    devices(bundle, veth0="ctr0")
    if fault == "program":
        bundle.process["args"] = ["/bin/missing"]
    elif fault == "hook":
        bundle.hook("createRuntime", "/bin/false")
    else:
        devices(bundle, veth0="ctr0", nodev0=None)
    rt.refuse(bundle, preexec=outside.enter)
    entry = outside.addresses()["veth0"]
    assert known(entry) == before == ["10.1.2.3/24", "fd00:1::5/64"] and "UP" in entry["flags"]


def test_ndv_1_hooks_find_the_device(rt, bundle, outside, scratch):
    outside.veth("veth0", "veth1")
    script = scratch / "hook"
    script.write_text(f"#!/bin/sh\ncat /proc/self/net/dev >{scratch}/seen\n")
    script.chmod(0o755)
    devices(bundle, veth0="ctr0").hook("createContainer", script)
    rt.report(bundle, preexec=outside.enter)
    assert "ctr0:" in (scratch / "seen").read_text()
