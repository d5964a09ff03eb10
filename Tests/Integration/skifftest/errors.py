"""Failures as their JSON entries, and ways to provoke them."""

import ctypes
import json
import os
import struct


def told(result) -> dict:
    """The one JSON object of a failure."""
    assert result.code != 0, repr(result)
    lines = [json.loads(line) for line in result.err.splitlines()]
    errors = [line for line in lines if line["level"] == "error"]
    assert len(errors) == 1, repr(result)
    assert errors[0]["msg"].startswith("skiff: ") and errors[0]["time"]
    return errors[0]


def create(rt, bundle, *options):
    """The failure of `create`; what a success leaves is removed."""
    bundle.write()
    name = rt.new_id()
    result = rt("create", "--bundle", bundle.path, *options, name)
    if result.code == 0:
        rt("delete", "--force", name)
    return told(result)


def elf(machine: int | None = None, loader: str | None = None) -> bytes:
    """The beginning of an ELF program, which is all that the kernel looks at before it refuses."""
    own = {"x86_64": 62, "aarch64": 183}[os.uname().machine]
    name = (loader or "").encode() + b"\0"
    header = struct.pack("<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 2, machine or own, 1, 0x400000, 64, 0, 0,
                         64, 56, 2, 0, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 4096, 4096, 4096)
    interpreter = struct.pack("<IIQQQQQQ", 3, 4, 1024, 0x400400, 0x400400, len(name), len(name), 1)
    return (header + load + interpreter).ljust(1024, b"\0") + name.ljust(3072, b"\0")


def put(bundle, path: str, content: bytes, mode: int = 0o755) -> None:
    file = bundle.rootfs / path.lstrip("/")
    file.write_bytes(content)
    file.chmod(mode)


def run_file(rt, bundle, path: str, content: bytes, code: int | None = None) -> dict:
    put(bundle, path, content)
    bundle.process["args"] = [path]
    result = rt.run(bundle)
    if code:
        assert result.code == code
    return told(result)


def without_call(number: int, deadly: bool = False):
    """Makes the kernel answer ENOSYS to a system call, in this process and what it starts; or kill who makes it."""
    answer = 0x80000000 if deadly else 0x00050000 | 38  # SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ERRNO

    def install():
        libc = ctypes.CDLL(None, use_errno=True)
        code = struct.pack("=HBBI", 0x20, 0, 0, 0)  # load the call's number
        code += struct.pack("=HBBI", 0x15, 0, 1, number)  # if it is this one
        code += struct.pack("=HBBI", 0x06, 0, 0, answer)
        code += struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)  # allow
        buffer = ctypes.create_string_buffer(code, len(code))
        program = struct.pack("@HP", 4, ctypes.addressof(buffer))
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, 2, program, 0, 0) == 0
    return install
