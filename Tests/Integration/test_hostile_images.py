"""Hostile images: nothing leaves the tree, nothing crashes, nothing grows without bound, each refusal says why.

FUZZ_SECONDS and FUZZ_SEED steer the mutations: `make fuzz` gives them minutes and a new seed each time.
"""

import gzip
import io
import lzma
import bz2
import os
import random
import shutil
import subprocess
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from skifftest.program import PROJECT, skiff_path
from skifftest.tars import Layout, layer_of

pytestmark = pytest.mark.skiff_only
SECONDS = float(os.environ.get("FUZZ_SECONDS", "12"))
SEED = int(os.environ.get("FUZZ_SEED", "5"))


@pytest.fixture(scope="module")
def helper():
    path = Path(skiff_path()).parent / "skiff-image"
    if not path.exists():
        pytest.skip("skiff-image is not built")
    return path


class Arena:
    """A store beside a tree that nothing may touch."""

    def __init__(self, helper, folder):
        self.helper, self.folder = helper, folder
        self.store = folder / "store"
        self.canary = folder / "canary"
        self.canary.mkdir()
        (self.canary / "file").write_bytes(b"untouched")
        os.chmod(self.canary / "file", 0o640)
        self.before = self.state()

    def state(self):
        return [(name, os.lstat(self.canary / name)[:9], os.listxattr(self.canary / name))
                for name in sorted(os.listdir(self.canary))] + [os.lstat(self.canary)[:9]]

    def load(self, layout):
        """Loads, and sees that nothing but the store changed and that the program ended in good order."""
        source = self.folder / "image.tar"
        layout.archive(source)
        done = subprocess.run([self.helper, "load", "--store", self.store, "-q", source], capture_output=True, timeout=60)
        assert done.returncode in (0, 1), (done.returncode, done.stderr)
        assert self.state() == self.before
        if done.returncode == 1:
            text = done.stderr.decode()
            assert text.startswith("skiff: ") and text.count("\n") == 1, text
            assert all(ord(character) >= 32 or character == "\n" for character in text)
            for place in ("tmp", "layers", "images"):
                assert os.listdir(self.store / place) == []
        else:
            shutil.rmtree(self.store)
        return done


@pytest.fixture
def arena(helper):
    folder = Path(tempfile.mkdtemp(prefix="skiff-hostile-", dir="/run"))
    yield Arena(helper, folder)
    shutil.rmtree(folder)


def member(name, data=b"", type=tarfile.REGTYPE, link="", mode=0o644, major=0, minor=0, **pax):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = type, len(data), link, mode
    info.devmajor, info.devminor, info.pax_headers = major, minor, pax
    return info, data


def tar_of(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data) if info.size else None)
    return out.getvalue()


SYM, HARD, DIR, CHAR, BLOCK, FIFO = (
    tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)


def ways_out(canary):
    """Layers that try to reach `canary`: each a list of layers of members."""
    up = "../" * 12
    for target in (str(canary), up + str(canary)[1:], "/proc/self/root" + str(canary), "/proc/self/cwd/" + up):
        yield [[member("d", type=SYM, link=target), member("d/escaped", b"x")]]
        yield [[member("d", type=SYM, link=target), member("d/sub", type=DIR)]]
        yield [[member("d", type=SYM, link=target), member("d/.wh.file")]]
        yield [[member("d", type=SYM, link=target), member("d/.wh..wh..opq")]]
        yield [[member("d", type=SYM, link=target), member("e", type=SYM, link="d"), member("e/escaped", b"x")]]
        yield [[member("d", type=SYM, link=target)], [member("d/escaped", b"x")]]
        yield [[member("d", type=SYM, link=target)], [member("d/.wh.file")]]
        yield [[member("d", type=SYM, link=target)], [member("d/.wh..wh..opq")]]
        yield [[member("d", type=SYM, link=target)], [member("h", type=HARD, link="d/file")]]
        yield [[member("d", type=SYM, link=target), member("h", type=HARD, link="d/file"), member("h", b"overwritten")]]
        yield [[member("d", type=SYM, link=target, mode=0o777), member("d", type=HARD, link="d", mode=0o777)]]
        yield [[member("f", type=SYM, link=target + "/file"), member("f", b"overwritten")]]
        yield [[member("f", type=SYM, link=target + "/file")], [member("f", b"overwritten", mode=0o777)]]
        yield [[member("f", type=SYM, link=target + "/file"), member("h", type=HARD, link="f"), member("h", b"x")]]
        yield [[member("h", type=HARD, link=target + "/file")]]
        yield [[member(target + "/escaped", b"x")]]
        yield [[member("./" + up + target + "/file", b"x")]]
    for name in (".", "/", "./", "./.", "//", "/./"):
        for kind in (SYM, HARD, CHAR, FIFO, tarfile.REGTYPE):
            yield [[member(name, type=kind, link=str(canary)), member("escaped", b"x")]]
    for name in ("..", "../x", "a/..", "a/../..", "a/../../x", "a/b/../../../x", "/..", "/../x", ".wh...", ".wh..", ".wh.",
                 "a/.wh...", "a/.wh.", ".wh.../x", ".wh..wh..opq/x", ".wh.a/b", "a/.wh.a/b"):
        for kind in (tarfile.REGTYPE, DIR, SYM):
            yield [[member(name, type=kind, link="t")]]
    for marker in (".wh.a/../../x", "a/.wh.../../x", ".wh.\x01", ".wh./etc"):
        yield [[member("a/file", b"")], [member(marker)]]


@pytest.mark.parametrize("part", range(4))
def test_i_19_no_way_leads_out(arena, part):
    tried = 0
    for number, layers in enumerate(ways_out(arena.canary)):
        if number % 4 == part:
            arena.load(Layout([tar_of(*layer) for layer in layers]))
            tried += 1
    assert tried > 30


def test_i_19_devices_capabilities_and_overlay_attributes_stay_data(helper, arena):
    """Devices, set-user-ID and file capabilities are what images hold; they lie where nobody but root comes to, and
    attributes that would steer the overlay do not get in."""
    attributes = {"SCHILY.xattr." + name: value for name, value in {
        "trusted.overlay.opaque": "y", "trusted.overlay.redirect": "/etc", "trusted.overlay.metacopy": "",
        "trusted.overlay.origin": "x", "user.overlay.opaque": "y", "security.selinux": "x", "security.ima": "x",
        "user.mine": "kept", "security.evm": "x", "trusted.x": "1", "system.nfs4_acl": "1"}.items()}
    layer = tar_of(member("d", type=DIR, mode=0o755, **attributes), member("d/f", b"x", mode=0o6755, **attributes),
                   member("null", type=CHAR, major=1, minor=3, mode=0o666), member("white", type=CHAR),
                   member("disk", type=BLOCK, major=8), member("pipe", type=FIFO))
    source = Layout([layer]).archive(arena.folder / "i.tar")
    subprocess.run([helper, "load", "--store", arena.store, "-q", source], check=True, stdout=subprocess.DEVNULL)
    tree = next((arena.store / "layers").iterdir()) / "fs"
    assert os.listxattr(tree / "d") == ["user.mine"] and os.listxattr(tree / "d/f") == ["user.mine"]
    assert (tree / "d/f").stat().st_mode & 0o7777 == 0o6755
    assert os.stat(tree / "null").st_rdev == os.makedev(1, 3) and os.stat(tree / "disk").st_rdev == os.makedev(8, 0)
    assert not (tree / "white").exists()
    for path in (arena.store, arena.store / "layers"):
        assert path.stat().st_mode & 0o7777 == 0o700


def test_names_in_every_encoding_are_kept_byte_for_byte(helper, arena):
    names = [bytes([byte]) * 3 for byte in range(1, 256) if byte not in b"/."]
    names += ["ünï".encode(code) for code in ("utf-8", "latin-1", "utf-16-le", "cp437")]
    names += [b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"a\nb", b"-rf", b"\xe2\x80\xae", "a\u0301".encode(), "\u00e1".encode()]
    names = sorted({name for name in names if b"\0" not in name and b"/" not in name})
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(os.fsdecode(name)))
    source = Layout([out.getvalue()]).archive(arena.folder / "i.tar")
    done = subprocess.run([helper, "load", "--store", arena.store, "-q", source], capture_output=True)
    assert done.returncode == 0, done.stderr
    tree = next((arena.store / "layers").iterdir()) / "fs"
    assert sorted(os.listdir(os.fsencode(tree))) == names


@pytest.mark.parametrize("length, taken", [(4095, True), (4096, False), (70_000, False)])
def test_paths_of_4096_bytes(arena, length, taken):
    name = ("d" * 127 + "/") * (length // 128 + 1)
    name = name[:length - 1].rstrip("/").ljust(length, "f")
    done = arena.load(Layout([tar_of(member(name, b"x"))]))
    assert (done.returncode == 0) == taken, done.stderr


SAMPLE = tar_of(*[member(f"dir{n % 7}/file{n}", os.urandom(n * 37 % 3000), **({"comment": "x" * 200} if n % 5 == 0 else {}))
                  for n in range(60)], member("l", type=SYM, link="dir1"), member("h", type=HARD, link="dir1/file1"))


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c", "--check"], input=data, stdout=subprocess.PIPE, check=True).stdout


COMPRESSIONS = {"gzip": gzip.compress, "zstd": zstd, "plain": bytes}


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_truncated_layers_of_every_compression(arena, name):
    whole = COMPRESSIONS[name](SAMPLE)
    chance = random.Random(SEED)
    for _ in range(12):
        cut = whole[:chance.randrange(len(whole) - 1)]
        started = time.monotonic()
        # The cut blob has the right digest; its content is not what the configuration promises.
        assert arena.load(Layout([SAMPLE], lambda tar: cut)).returncode == 1
        assert time.monotonic() - started < 20


@pytest.mark.parametrize("pack", [gzip.compress, zstd, lzma.compress, bz2.compress], ids=["gzip", "zstd", "xz", "bzip2"])
def test_truncated_archives_of_every_compression(helper, arena, pack):
    whole = pack(layer_of(Layout([SAMPLE]).files))
    for cut in (10, len(whole) // 2, len(whole) - 1):
        path = arena.folder / "cut"
        path.write_bytes(whole[:cut])
        done = subprocess.run([helper, "load", "--store", arena.store, "-q", path], capture_output=True, timeout=20)
        assert done.returncode == 1 and done.stderr.count(b"\n") == 1
        assert os.listdir(arena.store / "tmp") == []


def mutated(data, chance):
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 40))):
        at = chance.randrange(len(data))
        way = chance.randrange(6)
        if way == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            data[at] = chance.choice((0, 0xFF, 0x80, 0x2F, 0x2E, 0x30, 0x37, 0x39))
        elif way == 2:
            length = chance.randrange(1, 2000)
            data[at:at + length] = b""
        elif way == 3:
            other = chance.randrange(len(data))
            data[at:at + 512] = data[other:other + 512]
        elif way == 4:
            data[at:at] = os.urandom(chance.randrange(1, 600)) if chance.random() < 0.1 else b"\0" * chance.randrange(1, 1024)
        else:
            data[at:at + 12] = chance.choice((b"99999999999 ", b"\x80" + b"\xff" * 11, b"-0000000001 ", b"77777777777\0"))
        if not data:
            return b"\0"
    return bytes(data)


@pytest.mark.parametrize("what", ["tar", "gzip", "zstd", "documents", "archive"])
def test_mutations_end_in_good_order(helper, arena, what):
    """Random damage, for SECONDS in all. Whatever comes out: exit code 0 or 1, one line, no trace outside of the store."""
    chance = random.Random(f"{SEED} {what}")
    deadline = time.monotonic() + SECONDS / 5
    cases = 0
    while time.monotonic() < deadline:
        if what == "tar":
            arena.load(Layout([mutated(SAMPLE, chance)], bytes))
        elif what in ("gzip", "zstd"):
            arena.load(Layout([SAMPLE], lambda tar: mutated(COMPRESSIONS[what](tar), chance)))
        elif what == "documents":
            layout = Layout([SAMPLE], bytes)
            for name in chance.sample(sorted(layout.files), 2):
                if len(layout.files[name]) < 2000:
                    layout.files[name] = mutated(layout.files[name], chance)
            arena.load(layout)
        else:
            (arena.folder / "a").write_bytes(mutated(layer_of(Layout([SAMPLE], bytes).files), chance))
            done = subprocess.run([helper, "load", "--store", arena.store, "-q", arena.folder / "a"], capture_output=True)
            assert done.returncode in (0, 1) and done.stderr.count(b"\n") <= 1, done
        cases += 1
    print(f"{cases} cases")
    assert cases >= 3


@pytest.fixture(scope="module")
def peak_of(tmp_path_factory):
    """Says the largest resident set, in MB, of a command and what it waited for; by a small program, because the kernel
    counts the memory of whoever forked."""
    program = tmp_path_factory.mktemp("peak") / "peak"
    subprocess.run(["cc", "-O1", "-o", program, PROJECT / "Tests/Benchmarks/peak.c"], check=True)

    def measure(command):
        done = subprocess.run([program, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return int(done.stdout) / 1024

    return measure


@pytest.mark.parametrize("case", ["zeros", "many members", "large attributes", "sparse map", "deep"])
def test_i_20_memory_stays_below_256_mb(helper, arena, peak_of, case):
    if case == "zeros":
        layer = tar_of(member("zeros", b"\0" * (300 << 20)))
    elif case == "many members":
        layer = tar_of(*[member(f"d{n % 300}/{n}", type=DIR if n % 3 else SYM, link="x") for n in range(60_000)])
    elif case == "large attributes":
        layer = tar_of(*[member(f"f{n}", **{"SCHILY.xattr.user.a": "x" * 3000}) for n in range(6000)])
    elif case == "sparse map":
        table = "1000000\n" + "".join(f"{n * 1024}\n0\n" for n in range(1_000_000))
        layer = tar_of(member("GNUSparseFile.0/s", table.encode() + b"\0" * (-len(table) % 512), **{
            "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s", "GNU.sparse.realsize": str(1 << 30)}))
    else:
        layer = tar_of(*[member("d/" * n + "f", b"x") for n in range(500)])
    source = Layout([layer]).archive(arena.folder / "i.tar")
    peak = peak_of([helper, "load", "--store", arena.store, "-q", source])
    assert peak < 256, f"{peak} MB"
