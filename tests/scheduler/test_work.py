"""The service's ticks: a store that fails costs a cycle and no more."""

from __future__ import annotations

import logging

import pytest
from prometheus_client import generate_latest
from sqlalchemy import text

from slo.backfill import want_backfill
from slo.config import parse
from slo.context import open_context
from slo.declaring import declare, running
from slo.metrics import Metrics
from slo.scheduler import work
from slo.scheduler.work import backfill_once, tick_once
from tests.support.fault_server import FaultServer, html
from tests.support.stores import empty_store

NOW = 1_709_251_200


@pytest.fixture
def context(tmp_path):
    """A context whose source is a sign-in page."""
    with FaultServer(html()) as server:
        settings = parse(
            f"prometheus: {{url: '{server.url}'}}\n"
            f"database: {{url: 'sqlite:///{tmp_path / 'slo.db'}'}}\n"
            "services: {api: {slos: {a: {objective: 99%, slices: {query: up, at_least: 1}}}}}\n",
            "slo.yaml",
            {},
        )
        engine = empty_store(tmp_path / "slo.db")
        with open_context(settings, engine) as context:
            yield context
        engine.dispose()


def test_a_tick_counts_its_cycle_and_the_faults_by_kind(context):
    metrics = Metrics()
    report = tick_once(context, metrics, NOW)
    shown = generate_latest(metrics.registry).decode()

    assert set(report.faults) == {"source prometheus"}
    assert "slo_ledger_cycles_total 1.0" in shown
    assert 'slo_ledger_booking_errors_total{kind="not_prometheus"} 1.0' in shown


def test_a_store_that_fails_is_logged_and_counted_and_the_next_tick_tries_again(context, caplog):
    metrics = Metrics()
    with context.engine.begin() as connection:
        connection.execute(text("ALTER TABLE cycle RENAME TO gone"))
    assert tick_once(context, metrics, NOW) is None
    with context.engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO cycle"))
    assert tick_once(context, metrics, NOW) is not None

    assert "cycle failed" in caplog.text
    shown = generate_latest(metrics.registry).decode()
    assert 'slo_ledger_booking_errors_total{kind="StoreVersionError"} 1.0' in shown


def test_a_fault_of_ours_is_logged_with_its_trace_and_stops_nothing(context, caplog, monkeypatch):
    def broken(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(work, "run_cycle", broken)
    metrics = Metrics()
    with caplog.at_level(logging.ERROR):
        assert tick_once(context, metrics, NOW) is None

    assert "KeyError" in caplog.text
    shown = generate_latest(metrics.registry).decode()
    assert 'slo_ledger_booking_errors_total{kind="internal"} 1.0' in shown


def test_a_backfill_waits_for_a_source_that_does_not_answer(context, caplog):
    want_backfill(context, declare(context, NOW).counted, NOW - 3600)
    backfill_once(context, lambda: False)

    assert "backfill waits: " in caplog.text
    (waiting,) = running(context)
    assert waiting.meter.backfill_to == NOW - 3600
    assert waiting.meter.booked_from is None
