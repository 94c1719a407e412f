"""A small exporter that knows the truth about itself, and may answer its scrapes late."""

from __future__ import annotations

import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Exporter:
    """Counts requests all the time; `delay` is how long each scrape takes, in seconds."""

    def __init__(self, delay: float = 0.0):
        self.delay, self.good, self.bad = delay, 0, 0
        self.started = time.time()
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.exporter = self
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True),
            threading.Thread(target=self._work, daemon=True),
        ]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def rest(self) -> None:
        """Count nothing from now on."""
        self._ending.set()
        self._threads[1].join()

    def text(self) -> bytes:
        with self._lock:
            lines = [
                "# TYPE http_requests_total counter",
                f'http_requests_total{{code="200"}} {self.good}',
            ]
            # Born at its first error, as client libraries do.
            if self.bad:
                lines.append(f'http_requests_total{{code="500"}} {self.bad}')
            lines += [
                "# TYPE process_start_time_seconds gauge",
                f"process_start_time_seconds {self.started:.2f}",
            ]
        return ("\n".join(lines) + "\n").encode()

    def _work(self) -> None:
        rng = random.Random(self.delay)
        while not self._ending.wait(0.05):
            with self._lock:
                self.good += rng.randint(0, 9)
                self.bad += rng.random() < 0.1

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        exporter = self.server.exporter
        # The sample carries the time at which the scrape began, and arrives when it ends.
        time.sleep(exporter.delay)
        body = exporter.text()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing on stderr."""
