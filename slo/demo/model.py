"""The demo's fraud model: a service with made-up traffic, watched by Prometheus.

Run as `python -m slo.demo.model --port 8001`. `GET /metrics` is scraped;
`PUT /faults` with a body such as `errors,latency` (or nothing) switches faults,
`GET /faults` tells which are on.
"""

from __future__ import annotations

import argparse
import http.server
import threading
import time
from collections import deque
from random import Random
from typing import TYPE_CHECKING

import prometheus_client as prom
from prometheus_client.exposition import choose_encoder

from slo.demo.traffic import (
    BOUNDS,
    FAST,
    FAULTS,
    LABELLED,
    PREDICTION_SHARE,
    REFRESH,
    SLOW,
    conditions_under,
    poisson,
    rate,
)

if TYPE_CHECKING:
    from slo.demo.traffic import Fault

TICK = 0.25
"""Seconds between two handfuls of requests."""
REMEMBERED = 500
"""The accuracy gauge is the share of correct ones among this many labelled predictions."""
MODEL = "fraud"


def parse_faults(text: str) -> frozenset[Fault]:
    """The faults that a comma-separated text names; none for an empty one."""
    words = {word.strip() for word in text.split(",") if word.strip()}
    unknown = sorted(words - set(FAULTS))
    if unknown:
        raise ValueError(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    return frozenset(fault for fault in FAULTS if fault in words)


class FraudModel:
    """The instrumented service: metrics, the faults that are on, and its traffic."""

    def __init__(self, seed: int, now: float, faults: frozenset[Fault] = frozenset()) -> None:
        self.faults = faults
        self.registry = prom.CollectorRegistry()
        self._rng = Random(seed)  # noqa: S311 -- a demo's traffic, no secret
        self._remembered: deque[bool] = deque(maxlen=REMEMBERED)
        self._refreshed = 0.0
        self._requests = prom.Counter(
            "inference_requests", "Requests by answer.", ["model", "code"], registry=self.registry
        )
        self._seconds = prom.Histogram(
            "inference_seconds",
            "Time of a request.",
            ["model"],
            registry=self.registry,
            buckets=BOUNDS,
        ).labels(MODEL)
        self._prediction = prom.Summary(
            "model_prediction_duration_seconds",
            "Time of a prediction.",
            ["model"],
            registry=self.registry,
        ).labels(MODEL)
        self._labelled = self._counter("predictions_labelled", "Predictions with a known truth.")
        self._correct = self._counter("predictions_correct", "Predictions that were right.")
        self._accuracy = self._gauge("model_accuracy", "Accuracy of the newest labelled ones.")
        self._fresh = self._gauge("feature_data_timestamp_seconds", "When features were refreshed.")
        started = prom.Gauge(
            "process_start_time_seconds", "When the service began.", registry=self.registry
        )
        started.set(now)
        for code in ("200", "400", "500", "503"):
            self._requests.labels(MODEL, code)
        self._accuracy.set(conditions_under(faults).accuracy)
        self.step(now, 0.0)

    def _counter(self, name: str, text: str) -> prom.Counter:
        return prom.Counter(name, text, ["model"], registry=self.registry).labels(MODEL)

    def _gauge(self, name: str, text: str) -> prom.Gauge:
        return prom.Gauge(name, text, ["model"], registry=self.registry).labels(MODEL)

    def step(self, now: float, seconds: float) -> None:
        """Let the requests of `seconds` come; while the service is out there are none."""
        conditions = conditions_under(self.faults)
        if not conditions.up:
            return
        if now - self._refreshed >= REFRESH:
            self._refreshed = now
            self._fresh.set(now)
        for _ in range(poisson(self._rng, rate(now) * seconds)):
            self._request(conditions.errors, conditions.slow, conditions.accuracy)

    def _request(self, errors: float, slow: float, accuracy: float) -> None:
        rng = self._rng
        if rng.random() < errors:
            code = "503" if rng.random() < 0.3 else "500"  # noqa: PLR2004 -- the history's share
        else:
            code = "400" if rng.random() < 0.005 else "200"  # noqa: PLR2004 -- the history's share
        parts = SLOW if rng.random() < slow else FAST
        ((_, low, high),) = rng.choices(parts, [share for share, _, _ in parts])
        # Not below `low`: a bucket holds its bound, so `low` itself belongs to the one before.
        seconds = high - (high - low) * rng.random() * 0.999
        self._requests.labels(MODEL, code).inc()
        self._seconds.observe(seconds)
        self._prediction.observe(seconds * PREDICTION_SHARE)
        if rng.random() < LABELLED:
            correct = rng.random() < accuracy
            self._labelled.inc()
            self._correct.inc(int(correct))
            self._remembered.append(correct)
            if len(self._remembered) >= REMEMBERED // 10:
                self._accuracy.set(sum(self._remembered) / len(self._remembered))


def make_server(model: FraudModel, port: int) -> http.server.ThreadingHTTPServer:
    """The service's HTTP server on 127.0.0.1, not yet serving."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """Metrics and the faults' switch."""

        def do_GET(self) -> None:
            if self.path == "/faults":
                self._answer(200, ",".join(f for f in FAULTS if f in model.faults))
            elif self.path != "/metrics":
                self._answer(404, "there are /metrics and /faults")
            elif "outage" in model.faults:
                self.close_connection = True  # No answer at all, as from a dead service.
            else:
                encode, kind = choose_encoder(self.headers.get("Accept", ""))
                self._answer(200, encode(model.registry), kind)

        def do_PUT(self) -> None:
            if self.path != "/faults":
                self._answer(404, "there is /faults to put to")
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            try:
                model.faults = parse_faults(body.decode(errors="replace"))
            except ValueError as error:
                self._answer(400, str(error))
                return
            self._answer(200, ",".join(f for f in FAULTS if f in model.faults))

        def _answer(self, status: int, body: str | bytes, kind: str = "text/plain") -> None:
            data = body.encode() + b"\n" if isinstance(body, str) else body
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing: a scrape every five seconds is no news."""

    return http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m slo.demo.model", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=parse_faults, default=frozenset())
    options = parser.parse_args()
    model = FraudModel(options.seed, time.time(), options.faults)
    server = make_server(model, options.port)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    before = time.monotonic()
    while True:
        time.sleep(TICK)
        now = time.monotonic()
        # A laptop that slept must not serve an hour's requests at once.
        model.step(time.time(), min(now - before, 5.0))
        before = now


if __name__ == "__main__":
    main()
