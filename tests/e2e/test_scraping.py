"""A Prometheus that really scrapes: samples that come late, and `slo serve` beside it."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from slo.cycle import run_cycle
from slo.demo.processes import Child, free_port
from slo.store import edges, slos
from slo.store.engine import reading
from tests.support.books import ledgers, open_books
from tests.support.exporter import Exporter
from tests.support.prometheus_server import OpenMetrics, PrometheusServer

TOP = Path(__file__).parents[2]
INTERVAL = 3
SERVICE = """  {job}:
    slos:
      slo:
        objective: 99%
        window: 7d
        events:
          bad: 'http_requests_total{{job="{job}",code=~"5.."}}'
          total: 'http_requests_total{{job="{job}"}}'
"""


def scrape_configs(**exporters: Exporter) -> str:
    """Each exporter is a job; a slow one is scraped as often as it can be."""
    return "\n".join(
        f"- job_name: {job}\n"
        f"  scrape_interval: {'2s' if exporter.delay else '1s'}\n"
        f"  scrape_timeout: {'2s' if exporter.delay else '1s'}\n"
        f"  static_configs: [{{targets: ['{exporter.address}']}}]"
        for job, exporter in exporters.items()
    )


def settings(url: str, database_url: str, *jobs: str) -> str:
    return (
        f"prometheus: {{url: '{url}', lag: 0s, scrape_interval: 1s}}\n"
        f"database: {{url: '{database_url}'}}\ninterval: {INTERVAL}s\nservices:\n"
        + "".join(SERVICE.format(job=job) for job in jobs)
    )


def tally(engine, slo: str) -> tuple[float, float]:
    """Good and bad events of the whole ledger."""
    ledger = ledgers(engine).get(slo, [])
    if not ledger:
        return 0.0, 0.0
    good, total = ledger[-1].good - ledger[0].good, ledger[-1].total - ledger[0].total
    return good, total - good


def wait_for(check, seconds: float, what: str):
    """What `check` gives once it gives anything."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def test_samples_that_arrive_after_their_bucket_was_booked_are_booked_once(tmp_path):
    with (
        Exporter() as fast,
        Exporter(delay=1.5) as slow,
        PrometheusServer(
            tmp_path / "p", scrape_configs=scrape_configs(fast=fast, slow=slow)
        ) as server,
        open_books(settings(server.url, f"sqlite:///{tmp_path / 'slo.db'}", "fast", "slow")) as c,
    ):
        known: list[tuple[int, int]] = []
        late: list[int] = []
        for _ in range(15):
            # Right after a bucket's end: the scrape that began in it is still under way.
            time.sleep(INTERVAL - time.time() % INTERVAL + 0.05)
            assert run_cycle(c, time.time(), 4).faults == {}
            samples = scraped(c, 'http_requests_total{job="slow"}')
            late = [at for edge, end in known for at in samples if edge < at <= end]
            if late:
                break
            known += newest_edge(c.engine, "slow/slo")
        fast.rest()
        slow.rest()
        truth = {"fast": (fast.good, fast.bad), "slow": (slow.good, slow.bad)}

        def books() -> dict[str, tuple[float, float]]:
            assert run_cycle(c, time.time(), 4).faults == {}
            return {job: tally(c.engine, f"{job}/slo") for job in truth}

        wait_for(lambda: books() == truth, 20, f"ledgers that equal {truth}")
        time.sleep(INTERVAL)
        assert books() == truth
    assert late, "no sample came after its bucket was booked, so the test tells nothing"


def newest_edge(engine, slo: str) -> list[tuple[int, int]]:
    """The newest sample that was booked, and the end of the last bucket, in milliseconds."""
    meter = meter_of(engine, slo)
    with reading(engine) as session:
        kept = edges.edges_of(session, [meter.id]).get(meter.id, [])
    return [(max(edge.at for edge in kept), meter.booked_to * 1000)] if kept else []


def scraped(context, selector: str) -> set[int]:
    """When the source has samples, in milliseconds."""
    found = context.clients["prometheus"].instant(f"{selector}[10m]", at=time.time()).series
    return {at for series in found for at in series.times}


@contextmanager
def serving(folder: Path, yaml: str):
    """`slo serve` in a process of its own; gives the child and its address."""
    folder.mkdir(exist_ok=True)
    (folder / "slo.yaml").write_text(yaml)
    port = free_port()
    child = Child(
        "slo serve",
        [sys.executable, "-m", "slo.cli", "serve", "--port", str(port)],
        folder / "serve.log",
        {"PYTHONPATH": str(TOP), "SLO_CONFIG": str(folder / "slo.yaml"), "PYTHONWARNINGS": "error"},
    )
    child.start()
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: get(address + "/healthz")[0] == 200, 20, "slo serve answers")
        yield child, address
    finally:
        child.stop()


def get(address: str) -> tuple[int, str]:
    """Status and text; 0 while nothing listens."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


@pytest.fixture
def store(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'slo.db'}"
    return request.getfixturevalue("postgresql_url")


@pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)
def test_two_services_on_one_store_book_once_stop_at_once_and_catch_up(tmp_path, store):
    with (
        Exporter() as api,
        PrometheusServer(tmp_path / "p", scrape_configs=scrape_configs(api=api)) as server,
    ):
        yaml = settings(server.url, store, "api")
        with (
            serving(tmp_path / "one", yaml) as (_, one),
            serving(tmp_path / "two", yaml) as (_, two),
        ):
            for address in (one, two):
                wait_for(lambda a=address: get(a + "/readyz")[0] == 200, 20, "a cycle")
            wait_for(lambda: shown(one)["events"]["total"] > 0, 20, "events")
            assert shown(two)["slo"] == "api/slo"
            for path in ("/", "/slo/api/slo"):
                status, text = get(one + path)
                assert (status, "api" in text) == (200, True)
            metrics = get(one + "/metrics")[1]
            assert "slo_ledger_cycles_total" in metrics
            assert 'slo_ledger_booking_errors_total{kind="internal"}' not in metrics
        # Two buckets and more pass while nobody books.
        time.sleep(2 * INTERVAL + 1)
        api.rest()
        truth = (float(api.good), float(api.bad))
        with serving(tmp_path / "one", yaml) as (child, one):
            # The window's events, read as anybody would.
            wait_for(lambda: told(one) == truth, 25, f"a ledger that tells {truth}")
            began = time.monotonic()
            os.kill(child.pid, signal.SIGTERM)
            wait_for(lambda: not child.alive, 8, "its end after SIGTERM")
            assert time.monotonic() - began < 8
    for folder in ("one", "two"):
        log = (tmp_path / folder / "serve.log").read_text()
        assert "Traceback" not in log, log


def shown(address: str) -> dict:
    """The one SLO of the API."""
    (slo,) = json.loads(get(address + "/api/v1/slos")[1])["slos"]
    return slo


def told(address: str) -> tuple[float, float] | None:
    status, text = get(address + "/api/v1/slos")
    found = json.loads(text)["slos"] if status == 200 else []
    return (found[0]["events"]["good"], found[0]["events"]["bad"]) if found else None


def test_a_first_start_books_live_at_once_and_its_history_in_the_background(tmp_path):
    """Live SLOs wait for no backfill: the history of two days comes while pages answer."""
    now = int(time.time()) // 60 * 60
    history, start = OpenMetrics(), now - 2 * 86_400
    values = [(at, float(n)) for n, at in enumerate(range(start, now, 60))]
    history.add('http_requests_total{job="api",instance="old:80",code="200"}', values)
    history.add('up{job="api",instance="old:80"}', [(at, 1.0) for at, _ in values])
    with (
        Exporter() as api,
        PrometheusServer(
            tmp_path / "p", scrape_configs=scrape_configs(api=api), openmetrics=history
        ) as server,
        serving(
            tmp_path / "one", settings(server.url, f"sqlite:///{tmp_path / 'slo.db'}", "api")
        ) as (_, address),
    ):
        wait_for(lambda: get(address + "/readyz")[0] == 200, 20, "a cycle")
        wait_for(lambda: told(address) is not None and told(address)[0] > 2800, 40, "history")
        with open_books(settings(server.url, f"sqlite:///{tmp_path / 'slo.db'}", "api")) as context:

            def live() -> bool:
                return meter_of(context.engine, "api/slo").booked_to > now

            wait_for(live, 20, "live readings beside the history")
            meter = meter_of(context.engine, "api/slo")

    assert meter.booked_from <= start
    assert meter.backfill_to is None


def meter_of(engine, slo: str):
    with reading(engine) as session:
        return slos.running_meters(session)[slo]
