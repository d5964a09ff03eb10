"""`run` of an image in the foreground."""

import signal

import pytest

from skifftest import process


def test_prints_and_passes_the_exit_code_on(engine):
    result = engine.run("busybox", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (result.code, result.out, result.err) == (7, "out\n", "err\n")


def test_a_signal_is_128_and_its_number(engine):
    assert engine.run("busybox", "sh", "-c", "kill -9 $$; sleep 5", timeout=10).code in (0, 137)
    assert engine.run("--init", "busybox", "sh", "-c", "kill -9 $$").code == 137


def test_standard_input_arrives_only_when_asked_for(engine):
    assert engine.run("busybox", "cat", stdin=b"text\n").ok().out == ""
    assert engine.run("-i", "busybox", "cat", stdin=b"text\n").ok().out == "text\n"


def test_a_large_stream_goes_through_unharmed(engine):
    data = bytes(range(256)) * 8192
    result = engine.run("-i", "busybox", "md5sum", stdin=data).ok()
    import hashlib
    assert result.out.split()[0] == hashlib.md5(data).hexdigest()
    result = engine.run("busybox", "sh", "-c", "head -c 5000000 /dev/zero").ok()
    assert result.out_path.stat().st_size == 5_000_000


def test_a_reader_that_goes_away_ends_a_pipeline(engine):
    words = engine.words("run", "--rm", "busybox", "sh", "-c", "while echo y; do :; done")
    command = " ".join(f"'{w}'" for w in words) + " | head -1"
    result = process.run(["sh", "-c", command], scratch=engine.scratch, timeout=15)
    assert result.out == "y\n"


def test_environment(engine):
    (engine.scratch / "file").write_text("# comment\nA=1\n\nFROM_CALLER\nNOT_SET\nB=two words\n")
    engine.env["FROM_CALLER"] = "yes"
    out = engine.run("--env-file", engine.scratch / "file", "-e", "A=3", "-e", "FROM_CALLER", "-e", "MISSING",
                     "busybox", "env").ok().out.splitlines()
    assert "A=3" in out and "A=1" not in out and "B=two words" in out and "FROM_CALLER=yes" in out
    assert not [line for line in out if line.startswith(("MISSING", "NOT_SET"))]
    assert "HOME=/root" in out


def test_user_directory_and_entry_point(engine):
    assert engine.run("-u", "1000:1001", "-w", "/tmp", "--entrypoint", "sh", "busybox", "-c",
                      "echo $(id -u):$(id -g) $(pwd)").ok().out == "1000:1001 /tmp\n"


def test_names_of_the_host_are_the_containers_own(engine):
    out = engine.run("--hostname", "boat", "busybox", "sh", "-c", "hostname; cat /etc/hostname /etc/hosts").ok().out
    assert out.startswith("boat\nboat\n") and "127.0.1.1\tboat" in out


def test_only_a_loopback_interface_that_is_up(engine):
    out = engine.run("busybox", "sh", "-c", "ls /sys/class/net; cat /sys/class/net/lo/operstate; ping -c 1 127.0.0.1").ok().out
    assert out.startswith("lo\n") and "1 packets received" in out


def test_the_hosts_network(engine):
    out = engine.run("--network", "host", "busybox", "readlink", "/proc/self/ns/net").ok().out.strip()
    import os
    assert out == os.readlink("/proc/self/ns/net")


def test_read_only_with_memory_beside(engine):
    result = engine.run("--read-only", "--tmpfs", "/scratch", "busybox", "sh", "-c",
                        "touch /scratch/x && echo fine; touch /x")
    assert result.code == 1 and result.out == "fine\n" and "Read-only file system" in result.err


def test_init_reaps_and_passes_signals_on(engine):
    assert engine.run("--init", "busybox", "sh", "-c", "cat /proc/1/cmdline | tr '\\0' ' '; exit 5").code == 5
    child = engine.background("run", "--rm", "--init", "busybox", "sh", "-c",
                              "trap 'echo got; exit 3' TERM; echo ready; while :; do sleep 0.05; done")
    child.wait_text("ready")
    child.signal(signal.SIGTERM)
    result = child.wait()
    assert result.code == 3 and "got" in result.out


def test_init_exit_codes_of_missing_programs(engine):
    engine.run("--init", "busybox", "nosuch").failed("nosuch", code=127)
    engine.run("--init", "busybox", "/etc/passwd").failed("passwd", code=126)


def test_signals_are_passed_on(engine):
    child = engine.background("run", "--rm", "busybox", "sh", "-c",
                              "trap 'echo usr1' USR1; trap 'exit 9' INT; echo ready; while :; do sleep 0.05; done")
    child.wait_text("ready")
    child.signal(signal.SIGUSR1)
    child.wait_text("usr1")
    child.signal(signal.SIGINT)
    assert child.wait().code == 9


@pytest.mark.parametrize("place", ["oci-archive:{}", "{}"])
def test_an_archive_is_run_directly(engine, busybox_archive, place):
    assert engine.run(place.format(busybox_archive), "echo", "hi").ok().out == "hi\n"


def test_a_host_directory_and_its_read_only_form(engine):
    (engine.scratch / "shared").mkdir()
    (engine.scratch / "shared/file").write_text("from the host\n")
    volume = f"{engine.scratch}/shared:/data"
    engine.run("-v", volume, "busybox", "sh", "-c", "cat /data/file; echo x > /data/new").ok()
    assert (engine.scratch / "shared/new").read_text() == "x\n"
    result = engine.run("-v", volume + ":ro", "busybox", "sh", "-c", "echo y > /data/new")
    assert result.code == 1 and "Read-only" in result.err


def test_a_named_volume_is_seeded_and_kept(engine):
    engine.run("-v", "notes:/etc", "busybox", "sh", "-c", "test -f /etc/passwd && echo kept > /etc/note").ok()
    assert engine.run("-v", "notes:/mnt", "busybox", "cat", "/mnt/note").ok().out == "kept\n"
    import shutil
    shutil.rmtree(engine.store / "volumes/notes")


def test_seccomp_capabilities_and_privileges(engine):
    status = "grep -E 'Seccomp:|NoNewPrivs|CapEff' /proc/self/status"
    out = engine.run("busybox", "sh", "-c", status).ok().out
    assert "CapEff:\t00000000a80425fb" in out and "Seccomp:\t2" in out and "NoNewPrivs:\t0" in out
    out = engine.run("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--security-opt",
                     "seccomp=unconfined", "busybox", "sh", "-c", status).ok().out
    assert "CapEff:\t0000000000000000" in out and "Seccomp:\t0" in out and "NoNewPrivs:\t1" in out


def test_the_receipt_on_request(engine):
    result = engine.run("--usage", "busybox", "true").ok()
    assert "wall time" in result.err and "memory peak" in result.err and result.out == ""


def test_only_a_container_that_goes_away_does_without_safety_on_disk(engine):
    out = engine.run("busybox", "grep", "-o", "^overlay / .*volatile", "/proc/mounts").ok().out
    assert "rw" in out
    id = engine.detached("busybox", "grep", "-c", "^overlay / .*volatile", "/proc/mounts")
    assert engine("wait", id).ok().out == "1\n" and engine.log(id) == "0\n"
    assert engine("start", "-a", id).out == "0\n"
    engine("rm", id).ok()
