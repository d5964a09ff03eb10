"""Lengths of files and functions."""

import re

from .project import Finding

FILE_LINES = 400
FUNCTION_LINES = 60

# `// lint:table REASON` above a function, or among the first lines of a file, lifts the limit.
_MARKER = re.compile(r"(?://|#)\s*lint:table\s+\S+")

_SWIFT_FUNCTION = re.compile(
    r"^[ \t]*(?:@\w+(?:\([^)\n]*\))?\s+)*(?:[a-z]+(?:\([a-z]+\))?[ \t]+)*"
    r"(?:func[ \t]+(?P<name>`[^`]*`|[^\s(<]+)|(?P<special>init[?!]?(?=\s*[(<])|deinit\b|subscript\b))", re.MULTILINE)
_ENDS_HEADER = re.compile(r"[{}]|\b(?:func|var|let|case|init|struct|enum|class|extension)\b")
_C_FUNCTION = re.compile(r"^(?!\s|#|typedef|struct|enum|union|extern)[^;{}=]*?(\w+)\s*\([^;{}]*\)\s*\{", re.MULTILINE)
_PYTHON_FUNCTION = re.compile(r"^(\s*)def\s+(\w+)")


def file_length(project):
    """files have at most 400 lines"""
    for file in project.files:
        if not (file.is_swift or file.is_c or file.is_python or file.is_shell):
            continue
        if len(file.lines) > FILE_LINES and not any(_MARKER.search(line) for line in file.lines[:15]):
            yield Finding(file.path, FILE_LINES + 1,
                          f"{len(file.lines)} lines, limit {FILE_LINES} (one subject per file: split it)")


def function_length(project):
    """functions have at most 60 lines"""
    for file in project.files:
        if file.is_swift:
            functions = _swift_functions(file.code)
        elif file.is_c:
            functions = _c_functions(file.code)
        elif file.is_python:
            functions = _python_functions(file.lines)
        else:
            continue
        for name, first, last in functions:
            marked = any(_MARKER.search(line) for line in file.lines[max(0, first - 4):first])
            if last - first + 1 > FUNCTION_LINES and not marked:
                yield Finding(file.path, first, f"{name} has {last - first + 1} lines, limit {FUNCTION_LINES} "
                              "(one thing per function; a procedure is a list of named steps)")


def _swift_functions(code):
    for match in _SWIFT_FUNCTION.finditer(code):
        body = _body_start(code, match.end())
        if body is not None:
            yield _measured(code, match.group("name") or match.group("special"), match, body)


def _body_start(code, position):
    """Where the body's brace is, or None for a requirement of a protocol."""
    depth = 0
    for match in re.compile(r"[()\[\]]|" + _ENDS_HEADER.pattern).finditer(code, position):
        token = match.group()
        if token in "([":
            depth += 1
        elif token in ")]":
            depth -= 1
        elif depth == 0:
            return match.start() if token == "{" else None
    return None


def _c_functions(code):
    for match in _C_FUNCTION.finditer(code):
        yield _measured(code, match.group(1), match, match.end() - 1)


def _measured(code, name, match, body):
    first = code.count("\n", 0, match.end()) + 1
    return name, first, first + code.count("\n", match.end(), _block_end(code, body))


def _block_end(code, brace):
    depth = 0
    for match in re.compile(r"[{}]").finditer(code, brace):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.end()
    return len(code)


def _python_functions(lines):
    for number, line in enumerate(lines, 1):
        match = _PYTHON_FUNCTION.match(line)
        if not match:
            continue
        last = number
        for following, text in enumerate(lines[number:], number + 1):
            if text.strip() and not text.startswith((match.group(1) + " ", match.group(1) + ")")):
                break
            last = following if text.strip() else last
        yield match.group(2), number, last
