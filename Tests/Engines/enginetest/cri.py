"""The container runtime interface of Kubernetes, spoken as kubelet does: gRPC by curl, messages put together by hand.

Only the fields that the tests use; their numbers are those of k8s.io/cri-api/pkg/apis/runtime/v1/api.proto.
"""

import hashlib
import io
import json
import socket
import struct
import tarfile
from pathlib import Path

from skifftest import process

from .home import Home

Field = tuple[int, "int | str | bytes | list"]


def message(*fields: Field) -> bytes:
    """(number, value): text or bytes, a whole number, or a list of fields for a message within."""
    encoded = b""
    for number, value in fields:
        if isinstance(value, int):
            encoded += varint(number << 3) + varint(value)
        else:
            body = message(*value) if isinstance(value, list) else value.encode() if isinstance(value, str) else value
            encoded += varint(number << 3 | 2) + varint(len(body)) + body
    return encoded


def varint(value: int) -> bytes:
    encoded = b""
    while value > 127:
        encoded, value = encoded + bytes([value & 127 | 128]), value >> 7
    return encoded + bytes([value])


def decode(data: bytes) -> dict[int, "int | bytes"]:
    """The fields by number; the last one wins."""
    found, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            found[key >> 3] = number()
        elif key & 7 == 2:
            length = number()
            found[key >> 3] = data[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {key & 7} is not used by the interface")
    return found


class RuntimeInterface:
    def __init__(self, home: Home, socket: Path):
        self.home, self.socket = home, socket

    def __call__(self, method: str, *fields: Field) -> dict[int, "int | bytes"]:
        body = message(*fields)
        directory = self.home.make("cri")
        (directory / "request").write_bytes(b"\0" + struct.pack("!I", len(body)) + body)
        process.run(["curl", "-sS", "--http2-prior-knowledge", "--unix-socket", self.socket, "-H", "content-type: application/grpc",
                     "-H", "te: trailers", "--data-binary", f"@{directory}/request", "-D", directory / "headers", "-o", directory / "answer",
                     f"http://localhost/runtime.v1.{method}"], scratch=directory, timeout=60).ok()
        headers = dict(line.split(": ", 1) for line in (directory / "headers").read_text().splitlines() if ": " in line)
        if headers.get("grpc-status", "none") != "0":
            raise RuntimeError(headers.get("grpc-message", "no message"))
        return decode((directory / "answer").read_bytes()[5:])


def archive_with(archive: Path, made: Path, command: list[str]) -> None:
    """The image of `archive` with another command, and without a name of its own."""
    with tarfile.open(archive) as tar:
        files = {m.name.removeprefix("./"): tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}
    index = json.loads(files["index.json"])

    def blob(data: dict) -> dict:
        text = json.dumps(data).encode()
        digest = hashlib.sha256(text).hexdigest()
        files[f"blobs/sha256/{digest}"] = text
        return {"digest": f"sha256:{digest}", "size": len(text)}

    manifest = json.loads(files["blobs/" + index["manifests"][0]["digest"].replace(":", "/")])
    configuration = json.loads(files["blobs/" + manifest["config"]["digest"].replace(":", "/")])
    configuration["config"]["Cmd"] = command
    manifest["config"].update(blob(configuration))
    index["manifests"][0].update(blob(manifest))
    index["manifests"][0].pop("annotations", None)
    files["index.json"] = json.dumps(index).encode()
    with tarfile.open(made, "w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


class Stream:
    """A program's streams through the server of `Exec` and `Attach`: a web socket whose messages begin with the number
    of the stream, 0 input, 1 output, 2 errors, 3 how it ended."""

    def __init__(self, url: str):
        host, _, path = url.removeprefix("http://").partition("/")
        address, _, port = host.rpartition(":")
        self.connection = socket.create_connection((address.strip("[]"), int(port)), 10)
        self.connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nOrigin: http://{host}\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                                "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n".encode())
        self.file = self.connection.makefile("rb")
        status = self.file.readline()
        if b" 101 " not in status:
            raise RuntimeError(status.decode())
        while self.file.readline().strip():
            pass
        self.streams: dict[int, bytes] = {}

    def send(self, text: str) -> None:
        data = b"\0" + text.encode()
        self.connection.sendall(struct.pack("!BB", 0x82, 0x80 | len(data)) + b"\0\0\0\0" + data)  # a mask of zeros

    def receive(self) -> bool:
        """Takes one message; False at the end."""
        head = self.file.read(2)
        if len(head) < 2 or head[0] & 15 == 8:
            return False
        length = head[1] & 127
        if length == 126:
            length = struct.unpack("!H", self.file.read(2))[0]
        data = self.file.read(length)
        if data and head[0] & 15 in (1, 2):
            self.streams[data[0]] = self.streams.get(data[0], b"") + data[1:]
        return True

    def until(self, stream: int, text: bytes) -> None:
        while text not in self.streams.get(stream, b""):
            if not self.receive():
                raise AssertionError(f"{text!r} never came: {self.streams}")

    def rest(self) -> dict[int, bytes]:
        while self.receive():
            pass
        self.connection.close()
        return self.streams
