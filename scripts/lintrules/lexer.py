"""Blanks comments and string literals of Swift and C, so that rules see code only."""

import re

_START = re.compile(r'//|/\*|#*"""|#*"|\'')
_KEEP_LINES = re.compile(r"[^\n]")


def blank(text, swift):
    """`text` with comments and the inside of strings as spaces; the number of lines and columns is the same.
    Code inside an interpolation stays visible."""
    out = []
    position = 0
    while True:
        match = _START.search(text, position)
        if not match:
            out.append(text[position:])
            return "".join(out)
        out.append(text[position:match.start()])
        token = match.group()
        if token == "//":
            end = text.find("\n", match.end())
            end = len(text) if end < 0 else end
            out.append(" " * (end - match.start()))
        elif token == "/*":
            end = _comment_end(text, match.end(), nested=swift)
            out.append(_spaces(text[match.start():end]))
        elif token == "'":
            end = match.end() if swift else _c_literal_end(text, match.end(), "'")
            out.append(_spaces(text[match.start():end]))
        elif swift:
            blanked, end = _swift_string(text, match.start(), token)
            out.append(blanked)
        else:
            hashes = len(token) - len(token.lstrip("#"))
            end = _c_literal_end(text, match.start() + hashes + 1, '"')
            out.append(_spaces(text[match.start():end]))
        position = end


def _spaces(text):
    return _KEEP_LINES.sub(" ", text)


def _comment_end(text, position, nested):
    depth = 1
    for match in re.compile(r"/\*|\*/").finditer(text, position):
        if match.group() == "*/":
            depth -= 1
        elif nested:
            depth += 1
        if depth == 0:
            return match.end()
    return len(text)


def _c_literal_end(text, position, quote):
    while position < len(text):
        if text[position] == "\\":
            position += 2
        elif text[position] in (quote, "\n"):
            return position + 1
        else:
            position += 1
    return len(text)


def _swift_string(text, start, opening):
    """The blanked literal that begins at `start`, and its end. Handles raw and multi-line literals."""
    hashes = len(opening) - len(opening.lstrip("#"))
    closing = opening.lstrip("#") + "#" * hashes
    escape = "\\" + "#" * hashes
    out = [" " * (len(opening) - 1) + '"']
    position = start + len(opening)
    while position < len(text):
        if text.startswith(closing, position):
            out.append('"' + " " * (len(closing) - 1))
            return "".join(out), position + len(closing)
        if text.startswith(escape, position):
            position += len(escape)
            out.append(" " * len(escape))
            if text.startswith("(", position):
                end = _interpolation_end(text, position)
                out.append(blank(text[position:end], swift=True))
                position = end
            elif position < len(text):
                out.append(_spaces(text[position]))
                position += 1
            continue
        if text[position] == "\n" and not opening.endswith('"""'):
            break
        out.append(_spaces(text[position]))
        position += 1
    return "".join(out), position


def _interpolation_end(text, position):
    depth = 0
    while position < len(text):
        if text[position] == "(":
            depth += 1
        elif text[position] == ")":
            depth -= 1
            if depth == 0:
                return position + 1
        elif text[position] == '"':
            opening = '"""' if text.startswith('"""', position) else '"'
            _, position = _swift_string(text, position, opening)
            continue
        position += 1
    return len(text)
