"""Tests/vm/run: its exit statuses, on good input and bad. Each machine boots in some seconds."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
IMAGE = PROJECT / "out/images/busybox.oci.tar"
KERNEL = os.environ.get("KERNEL", "6.1")


@pytest.fixture
def vm(tmp_path):
    def call(*words, kernel=KERNEL, image=IMAGE, **environment):
        command = [PROJECT / "Tests/vm/run", "--kernel", kernel, "--image", image]
        if "SKIFF" in os.environ:
            command += ["--skiff", os.environ["SKIFF"]]
        return subprocess.run([*map(str, command), *map(str, words)], capture_output=True, text=True, timeout=300,
                              env={**os.environ, **environment})
    return call


def test_the_commands_output_and_status_come_out(vm):
    result = vm("--option=--memory=64m", "--", "sh", "-c", "cat /proc/version /sys/fs/cgroup/memory.max; printf no-newline; exit 9")
    lines = result.stdout.splitlines()
    assert result.returncode == 9, result
    assert lines[0].startswith("Linux version") and lines[1:] == [str(64 << 20), "no-newline"]


def test_bytes_come_out_as_they_are(vm):
    result = vm("--", "sh", "-c", r"printf 'a\r\nb\n\001\ttab\n'; seq 2000 | tail -n 1; echo error >&2")
    assert (result.returncode, result.stdout) == (0, "a\r\nb\n\x01\ttab\n2000\nerror\n".replace("\r\n", "\n")), result


@pytest.mark.parametrize("command, status", [(["/no/such/program"], 127), (["/etc"], 126)])
def test_skiffs_own_failures_have_its_statuses(vm, command, status):
    result = vm("--", *command)
    assert result.returncode == status and "skiff:" in result.stdout, result


def test_a_kernel_that_panics(vm):
    result = vm("--append", "rdinit=/no/such/init root=/dev/none")
    assert result.returncode == 123 and "Kernel panic" in result.stderr, result


def test_a_machine_that_takes_too_long(vm):
    result = vm("--time", "12", "--", "sleep", "1000")
    assert result.returncode == 124 and "ended after 12 s" in result.stderr, result


def test_a_folder_of_modules_that_is_none(vm, tmp_path):
    kernel = tmp_path / "kernel"
    kernel.write_bytes(bytes(0x202) + b"HdrS" + bytes(100))
    refused(vm("--modules", tmp_path, kernel=kernel), "modules.dep")


def refused(result, text):
    assert result.returncode == 122 and result.stdout == "", result
    assert result.stderr.startswith("Tests/vm/run: ") and text in result.stderr, result


@pytest.mark.parametrize("content, text", [
    (None, "No such file"), (b"", "neither a bzImage"), (b"text" * 1000, "neither a bzImage"), ("directory", "Is a directory")])
def test_what_is_no_kernel(vm, tmp_path, content, text):
    path = tmp_path / "kernel"
    if content == "directory":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    refused(vm(kernel=path), text)


def test_a_kernel_in_name_only(vm, tmp_path):
    """It has a kernel's mark, so that only QEMU can tell."""
    path = tmp_path / "kernel"
    path.write_bytes(bytes(0x1fe) + b"\x55\xaa\xeb\x66HdrS\x0f\x02" + bytes(60000))
    assert vm("--time", "20", kernel=path).returncode in (122, 123, 124)


@pytest.mark.parametrize("name, text", [("missing", "No such file"), ("text", "not an archive"), ("cut", "not an archive"),
                                        ("other", "neither an OCI nor a docker archive"), ("directory", "Is a directory")])
def test_what_is_no_image(vm, tmp_path, name, text):
    path = tmp_path / name
    if name == "text":
        path.write_text("text" * 1000)
    elif name == "cut":
        path.write_bytes(IMAGE.read_bytes()[:700])
    elif name == "other":
        with tarfile.open(path, "w") as archive:
            archive.add(__file__, "file")
    elif name == "directory":
        path.mkdir()
    refused(vm(image=path), text)


def test_without_qemu(vm, tmp_path):
    (tmp_path / "python3").symlink_to(os.path.realpath("/proc/self/exe"))
    for program in ("ldd", "sh", "env", "cat", "file", "bash"):
        found = next((p for p in (Path("/usr/bin") / program, Path("/bin") / program) if p.exists()), None)
        if found:
            (tmp_path / program).symlink_to(found)
    refused(vm(PATH=str(tmp_path)), "qemu-system-x86_64 is missing")


def test_without_skiff(vm, tmp_path):
    refused(vm("--skiff", tmp_path / "skiff"), "make build")


def test_a_wrong_command_line(vm):
    assert vm("--suite", "--", "true").returncode == 2
    assert vm("--no-such-option").returncode == 2
    assert vm(kernel="5.99").returncode == 122
