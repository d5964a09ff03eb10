"""linux.memoryPolicy (NUMA-1)."""

import ctypes

import pytest

SYS_SET_MEMPOLICY = 238
STATIC, RELATIVE, BALANCING = 1 << 15, 1 << 14, 1 << 13
MODES = {"MPOL_DEFAULT": 0, "MPOL_PREFERRED": 1, "MPOL_BIND": 2, "MPOL_INTERLEAVE": 3, "MPOL_LOCAL": 4,
         "MPOL_PREFERRED_MANY": 5, "MPOL_WEIGHTED_INTERLEAVE": 6}


def policy(bundle, mode: str, nodes: str | None = None, *flags: str):
    bundle.linux["memoryPolicy"] = {"mode": mode, **({} if nodes is None else {"nodes": nodes}),
                                    **({"flags": list(flags)} if flags else {})}
    return bundle


@pytest.mark.parametrize("mode, nodes", [
    ("MPOL_DEFAULT", None), ("MPOL_DEFAULT", ""), ("MPOL_LOCAL", None), ("MPOL_LOCAL", ""), ("MPOL_PREFERRED", None),
    ("MPOL_PREFERRED", "0"), ("MPOL_BIND", "0"), ("MPOL_INTERLEAVE", "0"), ("MPOL_PREFERRED_MANY", "0"),
    ("MPOL_WEIGHTED_INTERLEAVE", "0"),
])
def test_numa_1_every_mode_is_in_force(rt, bundle, mode, nodes):
    sched = rt.report(policy(bundle, mode, nodes))["sched"]
    # The kernel calls "preferred, no node" by its newer name.
    expected = MODES["MPOL_LOCAL"] if mode == "MPOL_PREFERRED" and not nodes else MODES[mode]
    assert sched["mempolicy"] == expected
    assert sched["memnodes"] == (1 if nodes else 0)


@pytest.mark.parametrize("mode, flag, bit", [
    ("MPOL_BIND", "MPOL_F_STATIC_NODES", STATIC), ("MPOL_INTERLEAVE", "MPOL_F_RELATIVE_NODES", RELATIVE),
    ("MPOL_BIND", "MPOL_F_NUMA_BALANCING", BALANCING), ("MPOL_PREFERRED_MANY", "MPOL_F_STATIC_NODES", STATIC),
])
def test_numa_1_every_flag_is_in_force(rt, bundle, mode, flag, bit):
    assert rt.report(policy(bundle, mode, "0", flag))["sched"]["mempolicy"] == MODES[mode] | bit


def test_numa_1_exec_has_the_policy_too(rt, bundle):
    with rt.sleeping(policy(bundle, "MPOL_BIND", "0")) as container:
        [report] = container.probe("report")
        assert (report["sched"]["mempolicy"], report["sched"]["memnodes"]) == (MODES["MPOL_BIND"], 1)


def test_numa_1_without_it_the_callers_policy_is_kept(rt, bundle):
    def inherit():
        mask = (ctypes.c_ulong * 1)(1)
        ctypes.CDLL(None).syscall(SYS_SET_MEMPOLICY, MODES["MPOL_BIND"], mask, 65)

    assert rt.report(bundle, preexec=inherit)["sched"]["mempolicy"] == MODES["MPOL_BIND"]


@pytest.mark.parametrize("mode, nodes, flags, words", [
    ("MPOL_NONE", "0", (), ["memory policy mode", "MPOL_NONE"]),
    ("MPOL_BIND", "0", ("MPOL_F_FOO",), ["memory policy flag", "MPOL_F_FOO"]),
    ("MPOL_DEFAULT", "0", (), ["nodes", "must be empty for MPOL_DEFAULT"]),
    ("MPOL_LOCAL", "0", (), ["nodes", "must be empty for MPOL_LOCAL"]),
    ("MPOL_BIND", None, (), ["nodes", "required for MPOL_BIND"]),
    ("MPOL_INTERLEAVE", "", (), ["nodes", "required for MPOL_INTERLEAVE"]),
    ("MPOL_BIND", "3-1", (), ["nodes", "list such as 0-3,7"]),
    ("MPOL_BIND", "a", (), ["nodes", "list such as 0-3,7"]),
    ("MPOL_BIND", "0-4294967295", (), ["nodes", "below 1024"]),
    ("MPOL_BIND", "1024", (), ["nodes", "below 1024"]),
    ("MPOL_BIND", "1023", (), ["MPOL_BIND 1023", "set_mempolicy(2)", "EINVAL", "online"]),
    ("MPOL_BIND", "0", ("MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"), ["flags", "exclude each other"]),
    ("MPOL_INTERLEAVE", "0", ("MPOL_F_NUMA_BALANCING",), ["flags", "MPOL_F_NUMA_BALANCING is only for"]),
    ("MPOL_LOCAL", None, ("MPOL_F_STATIC_NODES",), ["flags", "need nodes"]),
    ("MPOL_PREFERRED", None, ("MPOL_F_RELATIVE_NODES",), ["flags", "need nodes"]),
])
def test_numa_1_wrong_policies_are_refused(rt, bundle, mode, nodes, flags, words):
    rt.refuse(policy(bundle, mode, nodes, *flags), *words)


def test_numa_1_a_mode_is_required(rt, bundle):
    bundle.linux["memoryPolicy"] = {"nodes": "0"}
    rt.refuse(bundle, "memoryPolicy", "mode", "required")
