"""The site over a real socket, by the server that `slo serve` has."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from slo.scheduler.web_server import WebServer


@contextmanager
def serving(app):
    """The URL at which the app answers."""
    server = WebServer(app, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.end()
        thread.join()
