"""The tar archives of layers (checklist IMG-13 … IMG-18): all forms are read, and what two readers would read in two ways
is refused."""

import io
import os
import subprocess
import tarfile
import zlib

import pytest

from skifftest.loading import helper, load, loads, refuses  # noqa: F401
from skifftest.tars import Layout

pytestmark = pytest.mark.skiff_only


def member(name, data=b"", type=tarfile.REGTYPE, **fields):
    info = tarfile.TarInfo(name)
    info.type, info.size = type, len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def tar_of(*members, format=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data) if info.size else None)
    return out.getvalue()


def pax(*records):
    body = b""
    for key, value in records:
        text = b" " + key + b"=" + value + b"\n"
        length = len(text) + 1
        while len(str(length)) + len(text) != length:
            length = len(str(length)) + len(text)
        body += str(length).encode() + text
    return body


def raw(name, data=b"", type=b"0", size=None, link=b"", fields=None):
    """A header as its bytes say, with its data."""
    size = len(data) if size is None else size
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108], block[108:116], block[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[156:157] = type
    block[157:157 + len(link)] = link
    block[257:265] = b"ustar\x0000"
    for at, value in (fields or {}).items():
        block[at:at + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data + b"\0" * (-len(data) % 512)


END = b"\0" * 1024


def test_img_13_all_forms_of_tar(loads):
    long = "d/" * 60 + "x" * 120
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        tree = loads(Layout([tar_of(member(long, b"1"), member("ü/ö", b"2"), format=form)]),
                     files={long: b"1", "ü/ö": b"2"})
        subprocess.run(["rm", "-r", tree.parents[2]], check=True)
    tar = raw(b"old", b"v7", fields={257: b"\0" * 8}) + raw(b"name", b"p", fields={345: b"pre/fix"}) + END
    loads(Layout([tar]), files={"old": b"v7", "pre/fix/name": b"p"})


@pytest.mark.parametrize("tar, reason", [
    (raw(b"h", pax((b"size", b"1024")), b"x") + raw(b"a", b"A" * 512) + raw(b"hidden", b"x") + END, "by its PAX record"),
    (raw(b"h", pax((b"size", b"0")), b"x") + raw(b"a", raw(b"smuggled", b"x")) + END, "by its PAX record"),
    (raw(b"h", pax((b"size", b"-1")), b"x") + raw(b"a", b"A") + END, ""),
    (raw(b"h", pax((b"path", b"a"), (b"path", b"b")), b"x") + raw(b"c", b"A") + END, "two values of path"),
    (raw(b"g", pax((b"path", b"a")), b"g") + raw(b"c", b"A") + END, "global header"),
    (raw(b"g", pax((b"size", b"100")), b"g") + raw(b"c", b"A") + END, "global header"),
    (raw(b"g", pax((b"SCHILY.xattr.user.a", b"1")), b"g") + raw(b"c", b"A") + END, "global header"),
    (raw(b"h", b"5 a=", b"x") + raw(b"c", b"A") + END, ""),
    (raw(b"h", b"99 path=a\n", b"x") + raw(b"c", b"A") + END, ""),
    (raw(b"l", raw(b"smuggled"), b"2", link=b"t") + END, "with 512 bytes of data"),
    (raw(b"a", b"1") + raw(b"l", raw(b"smuggled"), b"1", link=b"a") + END, "with 512 bytes of data"),
    (raw(b"d/", raw(b"smuggled"), b"5") + END, "with 512 bytes of data"),
    (raw(b"z", b"1", b"Z") + END, "of the type"),
    (raw(b"z", b"1", b"V") + END, "damaged"),
    (raw(b"a", b"1", fields={124: b"\xff" * 12}) + END, ""),
    (raw(b"a", b"1", fields={124: b"00000000x01\0"}) + END, ""),
], ids=range(16))
def test_img_13_what_readers_would_read_in_two_ways_is_refused(refuses, tar, reason):
    refuses(Layout([tar]), reason)


def test_img_13_a_comment_for_all_is_harmless(loads):
    loads(Layout([raw(b"g", pax((b"comment", b"0123")), b"g") + raw(b"c", b"A") + END]), files={"c": b"A"})


def test_img_13_large_sizes_are_in_pax_only(refuses):
    tar = raw(b"h", pax((b"size", b"9000000000")), b"x") + raw(b"c", b"", size=0) + END
    refuses(Layout([tar]), "runcated")


def sparse(extents, realsize, data=b""):
    text = f"{len(extents)}\n" + "".join(f"{at}\n{length}\n" for at, length in extents)
    table = text.encode() + b"\0" * (-len(text) % 512)
    records = pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"s"),
                  (b"GNU.sparse.realsize", str(realsize).encode()))
    return raw(b"h", records, b"x") + raw(b"GNUSparseFile.0/s", table + data) + END


def test_img_14_sparse_files_keep_their_holes(loads):
    data = os.urandom(1024)
    tree = loads(Layout([sparse([(1 << 20, 512), (4 << 20, 512)], 8 << 20, data)]), files={})
    file = tree / "s"
    assert file.stat().st_size == 8 << 20 and file.stat().st_blocks < 64
    content = file.read_bytes()
    assert content[1 << 20:(1 << 20) + 512] + content[4 << 20:(4 << 20) + 512] == data
    assert content.count(0) >= (8 << 20) - 1024


@pytest.mark.parametrize("tar", [
    sparse([(index * 1024, 1) for index in range(1_000_000)], 1 << 30, b"x" * 1_000_000),
    sparse([(index * 1024, 0) for index in range(1_000_000)], 1 << 30),
    sparse([(0, 10), (5, 10)], 100, b"x" * 20), sparse([(90, 20)], 100, b"x" * 20),
    sparse([(0, 1 << 62)], 100), sparse([(-5, 1)], 100, b"x")], ids=["10^6", "10^6 empty", "overlap", "beyond", "huge", "negative"])
def test_img_14_hostile_maps_are_refused_soon(refuses, tar):
    refuses(Layout([tar]))


def test_img_16_of_duplicates_the_last_wins(loads):
    loads(Layout([tar_of(member("a", b"first"), member("b", b"x"), member("a", b"last"))]), files={"a": b"last", "b": b"x"})


def test_img_18_bombs_are_refused(refuses):
    zeros = tar_of(member("zeros", b"\0" * (1 << 20)))
    huge = raw(b"zeros", b"", size=7 << 30)[:512]
    chunk = b"\0" * (1 << 24)

    def pack(_):
        body = zlib.compressobj(9, zlib.DEFLATED, 31)
        out = [body.compress(huge)]
        out += [body.compress(chunk) for _ in range(80)]
        return b"".join(out) + body.flush()

    refuses(Layout([zeros], pack), "more than")


def test_a_document_of_a_gigabyte_is_refused_unread(load, tmp_path):
    path = tmp_path / "big.tar"
    with open(path, "wb") as file:
        file.write(raw(b"oci-layout", b'{"imageLayoutVersion":"1.0.0"}'))
        file.write(raw(b"index.json", b"", size=1 << 30))
        file.truncate(file.tell() + (1 << 30) + 1024)
    done = load(path)
    assert done.returncode == 1 and b"a document has" in done.stderr
