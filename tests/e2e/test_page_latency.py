"""From a fault to the page, and from a silent Prometheus to a silent heart, as processes."""

from __future__ import annotations

import time
from itertools import pairwise

from slo.demo.processes import free_port
from slo.store import watches
from slo.store.engine import open_engine, writing
from slo.store.watches import Watch
from tests.e2e.test_scraping import serving, told, wait_for
from tests.support.burning import HISTORY, Burning, Sink, ledger_yaml, watching
from tests.support.exporter import Exporter
from tests.support.prometheus_server import PrometheusServer

INTERVAL, LAG, SCRAPE = 10, 2, 1
SLACK = 8
"""Seconds that a busy machine may add; `benchmarks/run.py --only paging` tells the figure."""


def test_a_page_arrives_within_an_interval_the_lag_and_a_scrape_of_the_crossing(tmp_path):
    with Burning() as service, Sink() as sink:
        server = watching(tmp_path / "prometheus", service)
        try:
            server.start()
            database = f"sqlite:///{tmp_path / 'slo.db'}"
            yaml = ledger_yaml(server.url, database, sink, "/page", interval=INTERVAL, lag=LAG)
            with serving(tmp_path / "one", yaml) as (_, address):
                # Both windows are whole before anything breaks.
                wait_for(
                    lambda: _events(address) > HISTORY - 600, 30, "the service's past is booked"
                )
                # Just after a bucket's end: the whole of the next one passes before it is told.
                time.sleep(INTERVAL - time.time() % INTERVAL + 0.5)
                service.fail()
                wait_for(lambda: sink.at("/page"), INTERVAL + LAG + SCRAPE + 10, "a page")
        finally:
            server.child.stop()
    crossed = service.crossed_at()
    arrived, seen = sink.at("/page")[0]
    event = seen.json()
    beats = [when for when, _ in sink.at("/page/beat")]

    assert crossed is not None
    assert 0 < arrived - crossed <= INTERVAL + LAG + SCRAPE + SLACK
    assert event["data"]["severity"] == "page"
    assert "pages at 14.4x" in event["data"]["summary"]
    assert len(sink.at("/page")) == 1
    # A beat after each cycle; what lies between two is an interval.
    assert len(beats) >= 2
    assert max(b - a for a, b in pairwise(beats)) < 3 * INTERVAL


def _events(address: str) -> float:
    found = told(address)
    return sum(found) if found else 0


def test_a_silent_prometheus_is_told_by_the_service_whose_heart_then_stops(tmp_path):
    """Nine minutes and more of silence are in the store already."""
    port, database = free_port(), f"sqlite:///{tmp_path / 'slo.db'}"
    with Exporter() as service, Sink() as sink:
        yaml = ledger_yaml(f"http://127.0.0.1:{port}", database, sink, "/own", interval=1, lag=0)
        with serving(tmp_path / "one", yaml):
            wait_for(lambda: len(sink.at("/own/beat")) >= 2, 15, "beats")
            engine = open_engine(database)
            with writing(engine) as session:
                since = int(time.time()) - 598
                watches.put(session, Watch("source/prometheus", since, "refused"))
            engine.dispose()
            wait_for(lambda: sink.at("/own"), 15, "the service's own alert")
            # One that was on its way may come a moment later.
            time.sleep(1)
            before = len(sink.at("/own/beat"))
            time.sleep(3)
            assert len(sink.at("/own/beat")) == before
            scrape = f"- {{job_name: shop, static_configs: [{{targets: ['{service.address}']}}]}}"
            with PrometheusServer(
                tmp_path / "p", scrape_configs=scrape, scrape_interval="1s", port=port
            ):
                wait_for(lambda: len(sink.at("/own")) == 2, 20, "the end of it")
                wait_for(lambda: len(sink.at("/own/beat")) > before, 10, "beats once more")
    silent, back = (seen.json() for _, seen in sink.at("/own"))
    assert (silent["data"]["kind"], back["data"]["kind"]) == ("system", "system-over")
    assert silent["data"]["severity"] == "page"
    log = (tmp_path / "one" / "serve.log").read_text()
    assert "Traceback" not in log
