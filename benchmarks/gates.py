"""Gates asked by many clients at once while cycles write, beside /healthz on the same server."""

from __future__ import annotations

import json
import logging
import re
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slo import standings
from slo.config.settings import Settings
from slo.loaded import Loaded
from slo.scheduler.serving import favour_answers
from slo.scheduler.web_server import WebServer
from slo.store import booking, migrations
from slo.store import standings as stored
from slo.store.engine import open_engine, writing
from slo.web.app import create_app, warm

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Engine

    from slo.domain.lookup import Subject
    from slo.domain.slo import SLO

MINUTE = 60
_LENGTH = re.compile(rb"content-length: ([0-9]+)", re.IGNORECASE)
CLIENTS, SHARE = 16, 10
"""Clients at once, and SLOs of a service."""
EVERY = 5.0
"""Seconds from one cycle's start to the next: twelve times as often as is usual."""
PATHS = {"healthz": "/healthz", "gate": "/api/v1/gate/svc00003", "slo": "/api/v1/gate/svc00003/s4"}


def gates(size: int, seconds: float) -> dict[str, Any]:
    """Milliseconds of each path at the median and p99, with cycles and without."""
    from children import filled  # noqa: PLC0415 -- it imports much that clients do not need.

    # Sixteen clients queue for few threads, as is meant.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/slo.db")
        migrations.upgrade(engine)
        now = int(time.time()) // MINUTE * MINUTE
        subjects = filled(engine, size, now, _named)
        app = create_app(engine, loaded=Loaded(Settings((), tuple(s.slo for s in subjects))))
        favour_answers()
        server = WebServer(app, "127.0.0.1", 0)
        thread = threading.Thread(target=server.run)
        thread.start()
        found: dict[str, Any] = {}
        for cycles in (False, True):
            ending = threading.Event()
            writer = threading.Thread(target=_write, args=(engine, app, subjects, now, ending))
            if cycles:
                writer.start()
            for name, path in PATHS.items():
                found[f"{name} {'busy' if cycles else 'idle'}"] = _asked(server.port, path, seconds)
            ending.set()
            if cycles:
                writer.join()
        server.end()
        thread.join()
        engine.dispose()
    return found


def _named(number: int, slo: SLO) -> SLO:
    return replace(slo, service=f"svc{number // SHARE:05}", name=f"s{number % SHARE}")


def _write(
    engine: Engine, app: Flask, subjects: list[Subject], now: int, ending: threading.Event
) -> None:
    """What a cycle does in this process: booking, standings, pages."""
    from children import minute, renewed  # noqa: PLC0415 -- as above.

    end, begun = now, 0.0
    while not ending.wait(max(0.0, begun + EVERY - time.monotonic())):
        end, begun = end + MINUTE, time.monotonic()
        with writing(engine) as session:
            booking.book(session, [minute(s.meter, end) for s in subjects])
            found = standings.compute(session, [renewed(s, end) for s in subjects])
            stored.put(session, found)
        warm(app)


def _asked(port: int, path: str, seconds: float) -> dict[str, float]:
    """What clients in another process measure."""
    done = subprocess.run(
        [sys.executable, __file__, str(port), path, str(seconds)],
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


class _Client:
    """One connection that asks again as soon as it is answered.

    It is as thin as can be: sixteen threads with `http.client` would wait for one another,
    and take from the server half of the machine that they share with it.
    """

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.seconds: list[float] = []
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self._begun, self._got = 0.0, b""

    def ask(self) -> None:
        self._begun, self._got = time.perf_counter(), b""
        self.socket.sendall(self._request)

    def receive(self) -> None:
        """Take what has come; once it is a whole answer, ask again."""
        self._got += self.socket.recv(65_536)
        head, end, body = self._got.partition(b"\r\n\r\n")
        if end and len(body) >= int(_LENGTH.search(head)[1]):  # type: ignore[index] # Always told.
            self.seconds.append(time.perf_counter() - self._begun)
            if head.split(b" ", 2)[1] not in {b"200", b"412"}:
                raise RuntimeError(f"it answered {head[:60]!r}")
            self.ask()


def _measure(port: int, path: str, seconds: float) -> dict[str, float]:
    clients = [_Client(port, path) for _ in range(CLIENTS)]
    with selectors.DefaultSelector() as ready:
        for client in clients:
            ready.register(client.socket, selectors.EVENT_READ, client)
            client.ask()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for key, _ in ready.select(1.0):
                key.data.receive()
    for client in clients:
        client.socket.close()
    found = [second for client in clients for second in client.seconds]
    cuts = statistics.quantiles(found, n=100)
    return {
        "p50": cuts[49] * 1000,
        "p99": cuts[98] * 1000,
        "each": len(found) / seconds,
    }


if __name__ == "__main__":
    print(json.dumps(_measure(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))))
