"""A local HTTP server that misbehaves on demand.

    with FaultServer(hang()) as server:
        ...                                  # server.url never answers
        server.behaviour = vector([])        # from now on it does

A behaviour is a function of the request's handler; `server.seen` lists the requests.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Seen:
    """One request; `params` from the address and, if posted as a form, from the body."""

    method: str
    path: str
    params: dict[str, list[str]]
    headers: dict[str, str]
    client: tuple[str, int]


class FaultServer:
    """A server on a free port of 127.0.0.1, as a context manager."""

    def __init__(self, behaviour: Callable | None = None, tls: ssl.SSLContext | None = None):
        self.behaviour = behaviour or vector([])
        self.seen: list[Seen] = []
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.fault = self
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            # The handshake is left to the handler's thread, so that a bad client stops nobody.
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fault: FaultServer

    def handle_error(self, request, client_address):
        """Clients that leave early are what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    # Else a kept connection would hold up the end of the test.
    timeout = 5
    # Headers and body are two writes: the second would wait for the first to be acknowledged.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._answer(self.rfile.read(length).decode())

    def _answer(self, form: str) -> None:
        address = urlsplit(self.path)
        params = parse_qs(address.query, keep_blank_values=True)
        params |= parse_qs(form, keep_blank_values=True)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.fault.seen.append(
            Seen(self.command, address.path, params, headers, self.client_address)
        )
        self.server.fault.behaviour(self)

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        sent = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        self.send_response(status)
        for name, value in (sent | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""


def respond(status: int, body: bytes | str = b"", **headers: str) -> Callable:
    """`status` and `body`; headers as `Retry_After="4"`."""
    data = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.send(status, data, named)


def success(data: object, **more: object) -> Callable:
    """A success as Prometheus writes it; `more` such as `warnings=[...]`."""
    return respond(200, encoded(data, **more))


def encoded(data: object, **more: object) -> bytes:
    whole = {"status": "success", "data": data, **more}
    return json.dumps(whole, separators=(",", ":")).encode()


def vector(result: list, **more: object) -> Callable:
    return success({"resultType": "vector", "result": result}, **more)


def matrix(result: list, **more: object) -> Callable:
    return success({"resultType": "matrix", "result": result}, **more)


def refuse(status: int, kind: str, text: str, **headers: str) -> Callable:
    """An error as Prometheus writes it."""
    body = json.dumps({"status": "error", "errorType": kind, "error": text})
    return respond(status, body, **headers)


def html(status: int = 200) -> Callable:
    return respond(
        status, "<!doctype html><title>Sign in</title>", Content_Type="text/html; charset=utf-8"
    )


def zipped(body: bytes) -> Callable:
    return respond(200, gzip.compress(body), Content_Encoding="gzip")


def hang() -> Callable:
    """Takes the request and never answers."""
    return lambda handler: handler.server.fault.closing.wait()


def trickle(body: bytes, every: float = 0.05) -> Callable:
    """Headers at once, then a byte of the body now and then."""

    def behaviour(handler: _Handler) -> None:
        handler.send(200, b"", {"Content-Length": str(len(body))})
        _drip(handler, body, every)

    return behaviour


def trickle_headers(every: float = 0.05) -> Callable:
    """A byte of the headers now and then."""
    return lambda handler: _drip(handler, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000, every)


def _drip(handler: _Handler, data: bytes, every: float) -> None:
    for index in range(len(data)):
        handler.wfile.write(data[index : index + 1])
        if handler.server.fault.closing.wait(every):
            return


def cut(body: bytes, at: int) -> Callable:
    """Promises the whole body, sends `at` bytes and closes."""

    def behaviour(handler: _Handler) -> None:
        handler.send(200, body[:at], {"Content-Length": str(len(body))})
        handler.close_connection = True

    return behaviour


def close_silently(handler: _Handler) -> None:
    """Close the connection without a word, as one does that was idle for too long."""
    handler.close_connection = True


def in_turn(*behaviours: Callable) -> Callable:
    """Each behaviour once, then the last for ever."""
    waiting = list(behaviours)
    lock = threading.Lock()

    def behaviour(handler: _Handler) -> None:
        with lock:
            one = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        one(handler)

    return behaviour


def slowly(behaviour: Callable, seconds: float) -> Callable:
    """`behaviour`, after a wait."""

    def later(handler: _Handler) -> None:
        time.sleep(seconds)
        behaviour(handler)

    return later
