"""The layers: what each target may import. docs/architecture.md has the picture."""

import re

from .project import Finding

LAYER_1 = {"LinuxSystem", "SeccompBinding", "CapabilityBinding", "ArchiveBinding", "DigestBinding"}
_MECHANISM = {"LinuxSystem", "RuntimeSpec", "JSONCoding"}

# A target may import the modules named here and nothing else. Peers of layer 3 do not see each other.
ALLOWED = {
    # layer 1: the only importers of C
    "LinuxSystem": {"CLinux", "Glibc"},
    "SeccompBinding": {"CSeccomp", "LinuxSystem", "Glibc"},
    "CapabilityBinding": {"CCapability", "LinuxSystem", "Glibc"},
    "ArchiveBinding": {"CArchive", "CCompression", "LinuxSystem", "Glibc"},
    "DigestBinding": {"CDigest", "LinuxSystem", "Glibc"},
    # layer 2: documents
    "JSONCoding": set(),
    "RuntimeSpec": {"JSONCoding"},
    "ImageSpec": {"JSONCoding"},
    "CommandGrammar": set(),
    # layer 2: a protocol over a socket
    "MessageBus": {"LinuxSystem"},
    # layer 3: mechanisms
    "Namespaces": _MECHANISM,
    "Rootfs": _MECHANISM,
    "Cgroups": _MECHANISM | {"MessageBus"},
    "Security": _MECHANISM | {"SeccompBinding", "CapabilityBinding"},
    "Networking": _MECHANISM,
    "ImageStore": _MECHANISM | {"ImageSpec"},
    # layer 4: procedures
    "ContainerInit": _MECHANISM | {"Namespaces", "Rootfs", "Security"},
    "ContainerRuntime": _MECHANISM | {
        "ContainerInit", "Cgroups", "Namespaces", "Rootfs", "Security", "CapabilityBinding"},
    "Engine": _MECHANISM | {
        "ContainerInit", "ContainerRuntime", "ImageStore", "ImageSpec", "Cgroups", "Networking", "Rootfs", "Security", "Namespaces",
        "CapabilityBinding"},
    "KernelFeatures": _MECHANISM | {"Cgroups"},
    "Registry": {"ImageSpec", "JSONCoding", "Foundation", "DigestBinding"},
    "ImageTransfer": {
        "ImageStore", "ImageSpec", "ArchiveBinding", "DigestBinding", "SeccompBinding", "LinuxSystem", "JSONCoding", "Registry",
        "Foundation", "Dispatch", "Synchronization"},
    # layer 5: command lines
    "skiff": _MECHANISM | {
        "CapabilityBinding", "Engine", "ContainerRuntime", "ContainerInit", "Cgroups", "ImageStore", "ImageSpec", "Security", "Networking",
        "Rootfs", "Namespaces", "KernelFeatures", "CommandGrammar"},
    "skiff-image": {
        "ImageTransfer", "ImageStore", "ImageSpec", "LinuxSystem", "JSONCoding", "ArgumentParser", "Foundation"},
}

# Not linked into `skiff`: these may use Foundation, concurrency and `print`.
DYNAMIC = {"ArchiveBinding", "DigestBinding", "Registry", "ImageTransfer", "skiff-image"}

WHY = {
    "Foundation": "skiff is static and starts in a millisecond; Foundation doubles its size and start",
    "Dispatch": "a second thread makes clone unsafe",
    "_Concurrency": "a second thread makes clone unsafe",
    "Glibc": "C is reached through LinuxSystem and the bindings only",
    "ArgumentParser": "costs 1.5 ms at every start",
}

_IMPORT = re.compile(
    r"^[ \t]*(?:@\w+(?:\([^)]*\))?[ \t]+)*(?:(?:package|public|internal|fileprivate|private)[ \t]+)?"
    r"import[ \t]+(?:(?:struct|enum|class|func|var|let|protocol|typealias)[ \t]+)?(\w+)", re.MULTILINE)
_LAYER = re.compile(r'layer\(\s*"(\w+)",\s*\[(.*?)\]\)', re.DOTALL)


def is_static(target):
    return target is not None and target not in DYNAMIC


def check(project):
    """each target imports only what the table of layers allows"""
    for file in project.swift():
        allowed = ALLOWED.get(file.target)
        if allowed is None:
            yield Finding(file.path, 1, f"target {file.target} is not in the table (add it to scripts/lintrules/imports.py)")
            continue
        for match in _IMPORT.finditer(file.code):
            module = match.group(1)
            if module not in allowed:
                why = WHY.get(module) or (
                    "C is reached through LinuxSystem and the bindings only" if re.match(r"C[A-Z]", module)
                    else "imports go down, and peers of a layer do not see each other")
                yield Finding(file.path, file.line_of(match.start(1)), f"{file.target} may not import {module} ({why})")
    yield from _package_arrows(project)


def _package_arrows(project):
    """Package.swift must not declare an arrow that the table forbids: an unused one invites its use."""
    for file in project.files:
        if file.path != "Package.swift":
            continue
        for match in _LAYER.finditer(file.text):
            target, dependencies = match.group(1), re.findall(r'"(\w+)"', match.group(2))
            for dependency in dependencies:
                if dependency not in ALLOWED.get(target, set()):
                    yield Finding(file.path, file.line_of(match.start()),
                                  f"{target} may not depend on {dependency} (imports go down, peers are blind)")
