"""Rules that other programs check."""

import os
import re
import shutil
import subprocess

from .project import Finding

_LINE = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):(?:\d+:)? (?P<text>.*)$")


def swift_format(project):
    """`swift format lint --strict` has nothing to say"""
    paths = [p for p in ("Sources", "Tests", "Package.swift") if os.path.exists(os.path.join(project.root, p))]
    if shutil.which("swift") is None:
        yield Finding("Package.swift", 1, "swift is not in PATH, so the format was not checked")
        return
    done = subprocess.run(
        ["swift", "format", "lint", "--strict", "--recursive", "--parallel", *paths],
        cwd=project.root, capture_output=True, text=True)
    yield from _findings(project, done)


def shellcheck(project):
    """shellcheck has nothing to say about the shell scripts"""
    scripts = [file.path for file in project.files if file.is_shell]
    if shutil.which("shellcheck") is None:
        project.notes.append("shellcheck is not installed (scripts/setup test); the shell scripts were not checked")
        return
    if scripts:
        done = subprocess.run(
            ["shellcheck", "--format=gcc", "--external-sources", *scripts], cwd=project.root, capture_output=True, text=True)
        yield from _findings(project, done)


def python_compiles(project):
    """every Python file compiles"""
    for file in project.files:
        if file.is_python:
            try:
                compile(file.text, file.path, "exec")
            except SyntaxError as error:
                yield Finding(file.path, error.lineno or 1, str(error.msg))


def _findings(project, done):
    found = False
    for line in (done.stdout + done.stderr).splitlines():
        match = _LINE.match(line)
        if match:
            found = True
            path = os.path.relpath(os.path.join(project.root, match["path"]), project.root)
            yield Finding(path, int(match["line"]), match["text"])
    if done.returncode != 0 and not found:
        yield Finding(done.args[0], 0, f"exit {done.returncode}: {(done.stderr or done.stdout)[-500:]}")
