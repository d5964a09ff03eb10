"""Layers: a file tree (with overlayfs marks for what was deleted) written as a deterministic tar stream."""

import fnmatch
import gzip
import hashlib
import io
import os
import stat
import subprocess
import tarfile

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"

# Content of these is of the machine or of the moment of the build, never of the image.
LEFT_OUT = [
    "dev/*", "proc/*", "sys/*", "tmp/*", "var/tmp/*", "run/lock/*", "run/utmp",
    "var/lib/apt/lists/*", "var/cache/apt/*", "var/cache/ldconfig/*", "var/cache/debconf/*-old", "var/cache/man/*",
    "var/lib/dpkg/*-old", "var/lib/dpkg/lock*", "var/lib/dpkg/triggers/Lock", "var/log/*.log", "var/log/apt/*",
    "var/log/lastlog", "var/log/faillog", "var/log/btmp", "var/log/wtmp", "var/lib/systemd/*", "etc/*-",
    "etc/.pwd.lock", "etc/machine-id", "usr/sbin/policy-rc.d", "root/.wget-hsts",
    "usr/share/doc/*/changelog*", "usr/share/man/*", "usr/share/info/*", "usr/share/locale/*", "usr/share/lintian/*",
]


class HashingWriter(io.RawIOBase):
    """Passes bytes on to `target` and keeps their SHA-256 and their number."""

    def __init__(self, target):
        self.target, self.digest, self.size = target, hashlib.sha256(), 0

    def writable(self):
        return True

    def write(self, data):
        self.digest.update(data)
        self.size += len(data)
        self.target.write(data)
        return len(data)


def write_compressed(tree, epoch, path, compression):
    """Writes `tree` as a compressed layer to `path`; returns its diff id (digest of the tar), digest and size."""
    with open(path, "wb") as file:
        out = HashingWriter(file)
        if compression == "gzip":
            with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=out, mtime=0) as stream:
                tar = HashingWriter(stream)
                write_tar(tree, epoch, tar)
        else:
            with subprocess.Popen(["zstd", "-q", "-T0", "-6", "-c"], stdin=subprocess.PIPE, stdout=file) as process:
                tar = HashingWriter(process.stdin)
                write_tar(tree, epoch, tar)
                process.stdin.close()
            if process.returncode != 0:
                raise subprocess.CalledProcessError(process.returncode, process.args)
    if compression == "gzip":
        digest, size = out.digest.hexdigest(), out.size
    else:
        with open(path, "rb") as file:
            digest, size = hashlib.file_digest(file, "sha256").hexdigest(), os.path.getsize(path)
    return {"diff_id": f"sha256:{tar.digest.hexdigest()}", "digest": f"sha256:{digest}", "size": size}


def write_tar(tree, epoch, target):
    """Writes `tree` to `target`: entries sorted by name, numeric owners only, no time later than `epoch`."""
    links = {}
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name in _names(tree, ""):
            for entry, content in _entries(tree, name, epoch, links):
                tar.addfile(entry, content)
                if content:
                    content.close()


def _names(tree, folder):
    with os.scandir(os.path.join(tree, folder)) as listing:
        entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
    for entry in entries:
        name = os.path.join(folder, entry.name)
        # A recipe's link from a log to standard output does belong to the image.
        is_log_link = entry.is_symlink() and name.startswith("var/log/")
        if not is_log_link and any(fnmatch.fnmatchcase(name, pattern) for pattern in LEFT_OUT):
            continue
        yield name
        if entry.is_dir(follow_symlinks=False):
            yield from _names(tree, name)


def _entries(tree, name, epoch, links):
    path = os.path.join(tree, name)
    status = os.lstat(path)
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        folder, last = os.path.split(name)
        yield _plain(os.path.join(folder, WHITEOUT + last), epoch), None
        return
    if stat.S_ISSOCK(status.st_mode):
        return
    entry = tarfile.TarInfo(name)
    entry.mode = stat.S_IMODE(status.st_mode)
    entry.uid, entry.gid = status.st_uid, status.st_gid
    entry.mtime = min(int(status.st_mtime), epoch)
    attributes = {a: os.getxattr(path, a, follow_symlinks=False) for a in os.listxattr(path, follow_symlinks=False)}
    for attribute, value in sorted(attributes.items()):
        if not attribute.startswith(("trusted.", "system.posix_acl")):
            entry.pax_headers[f"SCHILY.xattr.{attribute}"] = value.decode("utf-8", "surrogateescape")
    content = None
    first = links.setdefault((status.st_dev, status.st_ino), name) if status.st_nlink > 1 else name
    if stat.S_ISDIR(status.st_mode):
        entry.type = tarfile.DIRTYPE
    elif first != name:
        entry.type, entry.linkname = tarfile.LNKTYPE, first
        entry.pax_headers = {}
    elif stat.S_ISLNK(status.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)
    elif stat.S_ISFIFO(status.st_mode):
        entry.type = tarfile.FIFOTYPE
    elif stat.S_ISREG(status.st_mode):
        entry.size = status.st_size
        content = open(path, "rb")
    else:
        entry.type = tarfile.CHRTYPE if stat.S_ISCHR(status.st_mode) else tarfile.BLKTYPE
        entry.devmajor, entry.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
    yield entry, content
    if attributes.get("trusted.overlay.opaque") == b"y":
        yield _plain(os.path.join(name, OPAQUE), epoch), None


def _plain(name, epoch):
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime = 0o600, epoch
    return entry
