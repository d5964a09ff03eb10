"""Just enough of the protocols of redis and PostgreSQL, so that the image needs no client libraries."""

import socket
import struct
import time


def connect(host: str, port: int) -> socket.socket:
    """Waits until the other service is there."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection((host, port), 5)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def redis(*words: str, wait: float = 5.0):
    """The answer to one command: a text, a number, a list, or None."""
    with connect("cache", 6379) as connection:
        connection.settimeout(wait)
        connection.sendall(f"*{len(words)}\r\n".encode() + b"".join(f"${len(w.encode())}\r\n{w}\r\n".encode() for w in words))
        return _redis_answer(connection.makefile("rb"))


def _redis_answer(stream):
    line = stream.readline().rstrip().decode()
    kind, rest = line[:1], line[1:]
    if kind == "-":
        raise RuntimeError(rest)
    if kind == "$":
        return None if rest == "-1" else stream.read(int(rest) + 2)[:-2].decode()
    if kind == "*":
        return None if rest == "-1" else [_redis_answer(stream) for _ in range(int(rest))]
    return int(rest) if kind == ":" else rest


def query(text: str) -> list[list[str]]:
    """The rows of an answer of PostgreSQL; the server trusts us."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return _query(text)
        except ConnectionError:  # it is starting
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _query(text: str) -> list[list[str]]:
    with connect("database", 5432) as connection:
        hello = struct.pack("!i", 196608) + b"user\0postgres\0database\0postgres\0\0"
        connection.sendall(struct.pack("!i", len(hello) + 4) + hello)
        stream, rows, asked = connection.makefile("rb"), [], False
        while True:
            kind = stream.read(1)
            if not kind:
                raise ConnectionError("the server hung up")
            body = stream.read(struct.unpack("!i", stream.read(4))[0] - 4)
            if kind == b"E":
                message = body.decode(errors="replace")
                raise ConnectionError(message) if "starting up" in message else RuntimeError(message)
            if kind == b"D":
                rows.append(_row(body))
            if kind == b"Z" and asked:
                return rows
            if kind == b"Z":
                question = text.encode() + b"\0"
                connection.sendall(b"Q" + struct.pack("!i", len(question) + 4) + question)
                asked = True


def _row(body: bytes) -> list[str]:
    fields, at = [], 2
    for _ in range(struct.unpack("!h", body[:2])[0]):
        length = struct.unpack("!i", body[at : at + 4])[0]
        fields.append(body[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return fields
