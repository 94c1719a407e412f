"""Alive, ready, metrics."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from slo.metrics import Metrics
from slo.store import cycles
from slo.store.engine import open_engine, writing
from slo.web.app import create_app
from tests.web.world import NOW, make_client, make_standing, put_standings


@pytest.fixture
def unreachable(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/missing/slo.db")
    yield engine
    engine.dispose()


def finish_cycle(engine, at):
    with writing(engine) as session:
        number = cycles.start(session, at - 1)
        cycles.finish(session, number, at, slos=1, booked=1, samples=1, requests=1, errors=0)


def test_alive_does_not_ask_the_store(unreachable):
    response = make_client(unreachable).get("/healthz")
    assert response.status_code == 200
    assert response.get_json() == {"status": "alive"}


def test_not_ready_before_the_first_cycle(client):
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.get_json()["reason"] == "no cycle has finished yet"


def test_a_cycle_that_runs_is_not_one_that_finished(engine):
    with writing(engine) as session:
        cycles.start(session, NOW - 1)
    assert make_client(engine).get("/readyz").status_code == 503


@pytest.mark.parametrize(
    ("age", "interval", "status"),
    [
        (12, 60, 200),
        (300, 60, 200),
        (301, 60, 503),
        (301, 10, 503),
        (1499, 300, 200),
        (1501, 300, 503),
    ],
)
def test_ready_while_a_cycle_finished_within_five_intervals(engine, age, interval, status):
    finish_cycle(engine, NOW - age)
    response = make_client(engine, interval=interval).get("/readyz")
    assert response.status_code == status
    assert response.get_json()["ready"] is (status == 200)
    assert response.get_json()["age_seconds"] == age


def test_a_stale_cycle_is_named(engine):
    finish_cycle(engine, NOW - 900)
    reason = make_client(engine).get("/readyz").get_json()["reason"]
    assert reason == "the last cycle finished 900 s ago, more than 300 s"


def test_not_ready_without_the_store(unreachable):
    response = make_client(unreachable).get("/readyz")
    assert response.status_code == 503
    body = response.get_json()
    assert body["store"] == "down"
    assert "the store does not answer" in body["reason"]


def test_only_this_machine_is_told_by_readiness_where_the_store_is(unreachable, tmp_path, caplog):
    client = make_client(unreachable)
    here = client.get("/readyz").get_json()["reason"]
    assert str(tmp_path) in here
    for away in (
        {"environ_overrides": {"REMOTE_ADDR": "192.0.2.1"}},
        {"headers": {"X-Forwarded-For": "127.0.0.1"}},
    ):
        caplog.clear()
        reason = client.get("/readyz", **away).get_json()["reason"]
        assert reason == "the store does not answer: the log of the service says why"
        assert str(tmp_path) in caplog.text


def test_metrics_show_the_registry_that_was_given(engine):
    metrics = Metrics(engine)
    metrics.observe_cycle(0.2, 1, {})
    put_standings(engine, [make_standing()])
    client = create_app(engine, registry=metrics.registry).test_client()
    response = client.get("/metrics")
    assert response.content_type.startswith("text/plain")
    families = {f.name: f for f in text_string_to_metric_families(response.text)}
    assert families["slo_ledger_cycles"].samples[0].value == 1
    assert families["slo_objective"].samples[0].labels["slo"] == "fraud-model/availability"


def test_metrics_come_as_openmetrics_for_those_who_ask(engine):
    put_standings(engine, [make_standing()])
    accept = "application/openmetrics-text; version=1.0.0"
    response = make_client(engine).get("/metrics", headers={"Accept": accept})
    assert response.content_type.startswith("application/openmetrics-text")
    assert "slo_sli" in {f.name for f in parse_openmetrics(response.text)}


def test_an_empty_registry_is_an_empty_answer(engine):
    client = create_app(engine, registry=CollectorRegistry()).test_client()
    assert client.get("/metrics").status_code == 200


def test_without_the_store_metrics_still_answer(unreachable):
    response = make_client(unreachable).get("/metrics")
    assert response.status_code == 200
    assert "slo_ledger_store_up 0.0" in response.text
