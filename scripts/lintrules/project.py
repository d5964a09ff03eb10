"""The files of the project, read once, with Swift and C also in a form without comments and strings."""

import functools
import os
import shutil
import subprocess
from typing import NamedTuple

from . import lexer


class Finding(NamedTuple):
    path: str
    line: int
    text: str


class File:
    def __init__(self, root, path):
        self.path = path
        self.full = os.path.join(root, path)
        self.name = os.path.basename(path)
        with open(self.full, encoding="utf-8", errors="replace") as file:
            self.text = file.read()

    @functools.cached_property
    def lines(self):
        return self.text.splitlines()

    @functools.cached_property
    def code(self):
        """The text with comments and the inside of string literals blanked; lines and columns stay."""
        return lexer.blank(self.text, swift=self.is_swift)

    @functools.cached_property
    def code_lines(self):
        return self.code.splitlines()

    @property
    def is_swift(self):
        return self.name.endswith(".swift")

    @property
    def is_c(self):
        return self.name.endswith((".c", ".h"))

    @property
    def is_python(self):
        return self.name.endswith(".py") or self._interpreter == "python3"

    @property
    def is_shell(self):
        return self.name.endswith(".sh") or self._interpreter in ("sh", "bash")

    @property
    def _interpreter(self):
        first = self.text[:100].split("\n", 1)[0]
        return first.split("/")[-1].split()[-1] if first.startswith("#!") and first.split("/")[-1].split() else ""

    @property
    def target(self):
        """The SwiftPM target of a file below Sources, else None."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "Sources" and len(parts) > 2 else None

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


class Project:
    """`notes` is filled by rules that could not be checked; they are shown, and are no findings."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.notes = []
        self.files = [File(self.root, path) for path in sorted(_paths(self.root)) if _is_text(path)]

    def swift(self, folder="Sources/"):
        return [file for file in self.files if file.is_swift and file.path.startswith(folder)]


def _is_text(path):
    return not path.endswith((".png", ".tar", ".gz", ".zst", ".bin", ".img")) and "/Fixtures/" not in path


def _paths(root):
    listed = None
    if shutil.which("git"):
        listed = subprocess.run(
            ["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, text=True)
    if listed and listed.returncode == 0:
        paths = [path for path in listed.stdout.split("\0") if path]
    else:
        # A source archive without .git.
        paths = []
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in ("out", "__pycache__") and name[:1] != "."]
            paths += [os.path.relpath(os.path.join(folder, name), root) for name in files]
    return [path for path in paths if os.path.isfile(os.path.join(root, path))
            and not os.path.islink(os.path.join(root, path))]
