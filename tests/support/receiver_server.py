"""A receiver on 127.0.0.1 that answers, or fails to, as a test says; HTTP by hand.

with ReceiverServer() as server:
    server.answer = status(503, retry_after="7")
    ...
    server.seen[-1].json()
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

NO_BODY = {204, 304}
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came; names of headers in small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)


def status(number: int, body: str = "", **headers: str) -> Callable[[socket.socket, Seen], None]:
    """Answers with a status."""

    def answer(connection: socket.socket, _seen: Seen) -> None:
        content = b"" if number in NO_BODY else body.encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"HTTP/1.1 {number} {_PHRASES.get(number, 'Odd')}"]
        lines += [f"{name}: {value}" for name, value in named.items()]
        lines += [f"Content-Length: {len(content)}", "Connection: close", "", ""]
        connection.sendall("\r\n".join(lines).encode() + content)

    return answer


def raw(content: bytes) -> Callable[[socket.socket, Seen], None]:
    """Answers with these bytes."""
    return lambda connection, _seen: connection.sendall(content)


def reset(connection: socket.socket, _seen: Seen) -> None:
    """Cuts the connection hard."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(_connection: socket.socket, _seen: Seen) -> None:
    """Closes the connection without a word."""


class ReceiverServer:
    """A server on a free port of 127.0.0.1, as a context manager."""

    def __init__(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"):
        self.answer = status(202)
        self.seen: list[Seen] = []
        self.early: Callable[[socket.socket, Seen], None] | None = None
        """Answers once the head of a request has come, instead of reading its body."""
        self.closing = threading.Event()
        self.host = host
        self._tls = tls
        self._listener = socket.create_server((host, 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._serving: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://{self.host}:{self.port}"

    def hang(self, _connection: socket.socket, _seen: Seen) -> None:
        """Never answers."""
        self.closing.wait(30)

    def drip(self, head: bytes, every: float = 0.02) -> Callable[[socket.socket, Seen], None]:
        """Answers with `head`, and then without end, a byte at a time."""

        def answer(connection: socket.socket, _seen: Seen) -> None:
            connection.sendall(head)
            ends = time.monotonic() + 20
            while not self.closing.wait(every) and time.monotonic() < ends:
                connection.sendall(b"x")

        return answer

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        # A listener that is only closed goes on waiting in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for thread in self._serving:
            thread.join(10)

    def _run(self) -> None:
        while not self.closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()
            self._serving = [t for t in self._serving if t.is_alive()] + [thread]

    def _serve(self, connection: socket.socket) -> None:
        # A client that goes away is a part of many tests.
        with contextlib.suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as file:
                seen = self._read(file, connection)
                if seen is not None:
                    self.seen.append(seen)
                    self.answer(connection, seen)

    def _read(self, file, connection: socket.socket) -> Seen | None:
        first = file.readline().decode("latin-1").split(" ", 2)
        if len(first) < 3:
            return None
        method, target, _ = first
        headers = {}
        while line := file.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if self.early is not None:
            seen = Seen(method, target, headers, b"")
            self.seen.append(seen)
            self.early(connection, seen)
            return None
        return Seen(method, target, headers, file.read(int(headers.get("content-length", "0"))))
