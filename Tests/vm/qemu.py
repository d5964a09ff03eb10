"""The machine: QEMU's command line, running it, and what can be wrong with a kernel before it is booted."""

import os
import shutil
import signal
import subprocess
import sys

PROGRAM = "qemu-system-x86_64"
# psi: pressure figures are off in some configurations; tsc: nothing else keeps time well without KVM.
KERNEL_WORDS = "panic=-1 nokaslr mitigations=off psi=1 random.trust_cpu=on no_timer_check tsc=reliable"


class NoMachine(Exception):
    """What the machine was to be made of cannot be used."""


def words(image, initrd, memory, console, append, processors=1):
    """The command line for a kernel that says what it has to say to the file `console`."""
    if not shutil.which(PROGRAM):
        raise NoMachine(f"{PROGRAM} is missing; Debian has it in qemu-system-x86")
    return [PROGRAM, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
            # One thread for all processors: with KVM out of reach this is the mode that never hangs.
            "-machine", "q35", "-accel", "tcg,thread=single", "-cpu", "max,la57=off", "-smp", str(processors),
            "-m", str(memory), "-kernel", image, "-initrd", initrd,
            "-append", f"console=ttyS0 {KERNEL_WORDS} {append}".rstrip(),
            "-serial", f"file:{console}", "-device", "virtio-rng-pci"]


def disk(path, mebibytes):
    """An empty disk, /dev/vda inside; its blocks are made when they are written."""
    with open(path, "wb") as file:
        file.truncate(mebibytes << 20)
    return ["-drive", f"file={path},format=raw,if=none,id=disk,cache=unsafe", "-device", "virtio-blk-pci,drive=disk"]


def start(command, interrupted, **more):
    """Starts QEMU; a signal to this program ends both with the exit status `interrupted`."""
    # An end of standard input would look to the machine like nobody being there, and its writes would wait.
    qemu = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, **more)

    def end(*_):
        qemu.kill()
        qemu.wait()
        sys.exit(interrupted)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    return qemu


def wait(qemu, seconds):
    """Waits for its end; False when that took too long."""
    try:
        qemu.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        qemu.kill()
        qemu.wait()
        return False


def last_words(console):
    """The part of the kernel's messages that says why it died: from the panic on, else the last lines."""
    with open(console, errors="replace") as log:
        lines = log.readlines()
    panic = [number for number, line in enumerate(lines) if "Kernel panic" in line]
    return "".join(lines[panic[0]:][:15] if panic else lines[-15:])


def check_kernel(path):
    """Refuses what QEMU could not boot: it says too little about that, or waits."""
    try:
        with open(path, "rb") as file:
            head = file.read(0x206)
    except OSError as failure:
        raise NoMachine(f"kernel {path}: {failure.strerror}") from failure
    # A bzImage, or an ELF file with an entry for virtual machines (CONFIG_PVH).
    if head[0x202:0x206] != b"HdrS" and head[:4] != b"\x7fELF":
        raise NoMachine(f"kernel {os.fspath(path)}: neither a bzImage nor an ELF file")
