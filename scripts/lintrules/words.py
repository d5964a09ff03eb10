"""Banned words, each with its reason, and the SAFETY comments of layer 1."""

import re

from .imports import LAYER_1, is_static
from .project import Finding

# pattern over code without comments and strings, reason
EVERYWHERE = [
    (r"\btry\?", "swallows the error; say bestEffort(\"reason\") { … } or handle it"),
    (r"\btry!", "ends the process without saying what failed; throw a typed error"),
    (r"\bfatalError\b", "throw a typed error; preconditionFailure is for our own broken invariants"),
    (r"\bas!", "a failed cast ends the process; use as? and throw"),
    (r"@unchecked\s+Sendable\b", "the compiler must be able to check it"),
    (r"\bnonisolated\(unsafe\)", "shared mutable state; pass a value"),
    (r"@preconcurrency\b", "hides what the compiler would check"),
]
STATIC = [
    (r"(?<![.\w])print\s*\(", "stdio is not for skiff; write through LinuxSystem"),
    (r"(?<![.\w])(?:debugPrint|dump)\s*\(", "stdio is not for skiff; write through LinuxSystem"),
    (r"\basync\b|\bawait\b|\bTask\s*[.{(]|\bactor\s+[A-Z]", "a second thread makes clone unsafe"),
    (r"\b(?:Codable|Decodable|Encodable)\b|\bMirror\s*\(", "reflection is slow and big; use JSONCoding"),
    (r"@testable\b", "package access is enough"),
]
OUTSIDE_LAYER_1 = [
    (r"\bunsafe\b|@unsafe\b|@safe\b", "memory is touched in LinuxSystem and the bindings only"),
    (r"\bUnsafe(?:Mutable)?(?:Raw)?(?:Buffer)?Pointer\b|\bOpaquePointer\b",
     "pointers stay in LinuxSystem and the bindings"),
]
# In any file, comments included. Spelled apart so that this file does not find itself.
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")

# One place each, with the reason.
EXCEPTIONS = {
    # A timeline belongs to the process as its clock does; as a value it would stand in the signature of every step.
    ("Sources/LinuxSystem/Trace.swift", "nonisolated(unsafe)"),
}

SAFETY_REACH = 8
IDIOM_REACH = 3


def check(project):
    """no banned word (each has its reason)"""
    for file in project.swift():
        rules = list(EVERYWHERE)
        if is_static(file.target):
            rules += STATIC
        if file.target not in LAYER_1:
            rules += OUTSIDE_LAYER_1
        for number, line in enumerate(file.code_lines, 1):
            for pattern, why in rules:
                for match in re.finditer(pattern, line):
                    if (file.path, match.group()) in EXCEPTIONS:
                        continue
                    yield Finding(file.path, number, f"`{match.group().strip()}` ({why})")
    for file in project.files:
        for number, line in enumerate(file.lines, 1):
            match = UNFINISHED.search(line)
            if match and not file.path.startswith(("scripts/lintrules/", "Tests/Tooling/")):
                yield Finding(file.path, number, f"`{match.group()}` (unfinished work belongs into an issue)")


def safety_comments(project):
    """each `unsafe` in layer 1 has a SAFETY comment just above it

    One idiom needs none: `path.withCString { unsafe cl_call(…, $0) }`, whose reason stands at Path.withCString.
    """
    for file in project.swift():
        if file.target not in LAYER_1:
            continue
        covered = 0  # the last line that a comment or the idiom vouches for
        for number, line in enumerate(file.lines, 1):
            if "// SAFETY:" in line:
                covered = number + SAFETY_REACH
            if "withCString {" in line:
                covered = max(covered, number + IDIOM_REACH)
            if re.search(r"(?<![@\w(])unsafe\s+[\w(&.\[]", file.code_lines[number - 1]):
                if number > covered:
                    yield Finding(file.path, number,
                                  "`unsafe` without `// SAFETY:` above it (say why the pointer is valid here)")
                else:
                    # One comment may speak for several calls in a row.
                    covered = max(covered, number + 2)


def whitespace(project):
    """no blanks at line ends, no tabs in Swift, a newline at the end"""
    for file in project.files:
        for number, line in enumerate(file.lines, 1):
            if line != line.rstrip() and not file.name.endswith(".md"):
                yield Finding(file.path, number, "blanks at the end of the line (noise in every diff)")
            elif file.is_swift and "\t" in line:
                yield Finding(file.path, number, "a tab (four spaces in Swift)")
        if file.text and not file.text.endswith("\n"):
            yield Finding(file.path, len(file.lines), "no newline at the end of the file")
