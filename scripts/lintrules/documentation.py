"""Doc comments on what other targets may use."""

import os
import re

from .project import Finding

_DECLARATION = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:package|public|open)(?:\(set\))?\s+"
    r"(?:(?:static|final|mutating|consuming|borrowing|nonmutating|indirect|lazy|override|convenience|required|"
    r"class|private\(set\)|internal\(set\))\s+)*"
    r"(?P<kind>func|var|let|struct|enum|class|protocol|typealias|init|subscript|actor|macro)\b\s*(?P<rest>.*)")

# Witnesses of well-known protocols: the protocol documents them.
_WITNESSES = re.compile(
    r"^(?:description|debugDescription|rawValue|hashValue)\b|^hash\(into|^(?:==|<|\|)|^makeIterator\b|^next\(\)"
    r"|^[?!]?\((?:rawValue|stringLiteral|stringInterpolation|integerLiteral|arrayLiteral|booleanLiteral"
    r"|unicodeScalarLiteral|extendedGraphemeClusterLiteral|from reader|from decoder)\b"
    r"|^write\(to|^encode\(to|^validate\(\) throws$|^run\(\)|^(?:StringLiteralType|RawValue)\b|^configuration\b")

# `static let ENOENT = …` or `static let readOnly = Flags(rawValue: CL_…_RDONLY)`: the man page of the kernel's name
# documents it.
_CONSTANT = re.compile(r"^\s*package static (?:let|var) (?:[A-Z][A-Z0-9_]+\b|\w+ = \w*\(rawValue: )")
# One-line members without blank lines between them: the comment of the first, or of their type, speaks for all.
_MEMBER = re.compile(r"^\s*package (?:static )?(?:let|var) [^{]*$")


def check(project):
    """each package declaration has a doc comment"""
    for file in project.swift():
        for number, line in enumerate(file.code_lines, 1):
            match = _DECLARATION.match(line)
            if not match or _WITNESSES.match(match.group("rest")) or _CONSTANT.match(line):
                continue
            if not _documented(file.lines, number):
                name = re.match(r"[^\s({:=<]*", match.group("rest")).group()
                what = f"{match.group('kind')} {name}".strip()
                yield Finding(file.path, number, f"{what} has no doc comment (other targets see only this)")


def _documented(lines, number):
    """Whether a doc comment stands above the line, or above the run of one-line members that it belongs to."""
    above = number - 2
    while above >= 0:
        text = lines[above].strip()
        if text.startswith("///") or text.endswith("*/") or _CONSTANT.match(lines[above]):
            return True
        in_run = _MEMBER.match(lines[number - 1]) and (_MEMBER.match(lines[above]) or _opens_type(text))
        if not in_run and not text.startswith(("@", "//", "#if")):
            return False
        above -= 1
    return False


def _opens_type(text):
    return text.endswith("{") and re.search(r"\b(?:struct|enum|class)\b", text) is not None


_LINK = re.compile(r"\[[^\]]*\]\((?!\w+:|#)([^)#\s]+)[^)]*\)")


def links(project):
    """links between the pages of the documentation lead to a file"""
    for file in project.files:
        if not file.name.endswith(".md"):
            continue
        for number, line in enumerate(file.lines, 1):
            for target in _LINK.findall(re.sub(r"`[^`]*`", "", line)):
                if not os.path.exists(os.path.join(project.root, os.path.dirname(file.path), target)):
                    yield Finding(file.path, number, f"the link to {target} leads nowhere (a reader is lost)")
