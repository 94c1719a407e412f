"""The service's own metrics, read back with the client library's parser."""

from __future__ import annotations

import dataclasses
import math

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

import slo
from slo.config import Fault, Settings
from slo.domain.standing import Note
from slo.loaded import Loaded
from slo.metrics import Metrics
from slo.store import facts
from slo.store.engine import open_engine, writing
from tests.support.stores import empty_store
from tests.web.world import AT, NOW, make_standing, many_standings, put_standings


def samples(metrics):
    """All samples by name and sorted labels."""
    text = generate_latest(metrics.registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics, name, **labels):
    return samples(metrics).get((name, tuple(sorted(labels.items()))))


@pytest.fixture
def store(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    yield engine
    engine.dispose()


def test_requests_samples_and_errors_are_counted_by_source():
    metrics = Metrics()
    metrics.observe_request("eu", "range", 0.2, 36, None)
    metrics.observe_request("eu", "range", 0.4, 4, "timeout")
    assert value(metrics, "slo_ledger_source_requests_total", source="eu", what="range") == 2
    assert value(metrics, "slo_ledger_samples_read_total", source="eu") == 40
    assert value(metrics, "slo_ledger_source_errors_total", source="eu", kind="timeout") == 1
    assert value(metrics, "slo_ledger_source_request_seconds_sum", source="eu") == pytest.approx(
        0.6
    )


def test_cycles_and_their_errors_are_counted():
    metrics = Metrics()
    metrics.observe_cycle(0.3, 10, {})
    metrics.observe_cycle(0.7, 8, {"bad_query": 2})
    assert value(metrics, "slo_ledger_cycles_total") == 2
    assert value(metrics, "slo_ledger_cycle_seconds_sum") == pytest.approx(1.0)
    assert value(metrics, "slo_ledger_cycle_seconds_count") == 2
    assert value(metrics, "slo_ledger_booking_errors_total", kind="bad_query") == 2
    assert value(metrics, "slo_ledger_booked_total") == 18


def test_a_recount_leaves_its_difference():
    metrics = Metrics()
    metrics.observe_verify("fraud-model/latency", 3.0)
    metrics.observe_verify("fraud-model/latency", -1.0)
    name = "slo_ledger_verify_difference_events"
    assert value(metrics, name, slo="fraud-model/latency") == -1


def test_the_build_tells_its_version():
    assert value(Metrics(), "slo_ledger_build_info", version=slo.__version__) == 1


def test_two_instances_share_nothing():
    one, other = Metrics(), Metrics()
    one.observe_cycle(0.1, 1, {})
    assert value(other, "slo_ledger_cycles_total") == 0


def test_standings_are_read_at_each_scrape(store):
    metrics = Metrics(store)
    labels = {"slo": "fraud-model/availability", "service": "fraud-model"}
    assert value(metrics, "slo_sli", **labels) is None
    standing = make_standing(notes=(Note("skew", "a"), Note("skew", "b"), Note("rename", "c")))
    put_standings(store, [standing])
    found = samples(metrics)

    def of(name, **more):
        return found.get((name, tuple(sorted((labels | more).items()))))

    assert of("slo_objective") == 0.999
    assert of("slo_sli") == pytest.approx(standing.sli)
    assert of("slo_budget_remaining") == pytest.approx(standing.budget.remaining)
    assert of("slo_budget_allowed_events") == pytest.approx(standing.budget.allowed)
    assert of("slo_window_bad_events") == standing.bad
    assert of("slo_window_events") == standing.total
    assert of("slo_burn_rate", span="1h") == 0.4
    assert of("slo_coverage") == 0.9997
    assert of("slo_notes", kind="skew") == 2
    assert of("slo_notes", kind="rename") == 1
    assert of("slo_last_reading_timestamp_seconds") == AT
    assert found["slo_ledger_store_up", ()] == 1
    assert found["slo_ledger_last_cycle_timestamp_seconds", ()] == NOW - 12


def test_the_last_backup_is_told_once_there_is_one(store):
    name = "slo_ledger_last_backup_timestamp_seconds"
    metrics = Metrics(store)
    assert value(metrics, name) is None
    with writing(store) as session:
        facts.put(session, "backup", {"at": NOW - 60, "file": "slo-1.db", "bytes": 1})
    assert value(metrics, name) == NOW - 60


def test_just_one_state_holds(store):
    put_standings(store, many_standings())
    found = samples(Metrics(store))
    for standing in many_standings():
        states = {
            dict(labels)["state"]: number
            for (name, labels), number in found.items()
            if name == "slo_state" and dict(labels)["slo"] == standing.slo
        }
        assert states.pop(standing.state) == 1
        assert set(states.values()) == {0}


def test_a_number_that_does_not_exist_has_no_sample(store):
    put_standings(store, [make_standing("search/latency", left=None, total=0.0, coverage=None)])
    names = {name for name, _ in samples(Metrics(store))}
    assert "slo_sli" not in names
    assert "slo_budget_remaining" not in names
    assert "slo_coverage" not in names
    assert "slo_objective" in names


def test_an_slo_without_a_reading_has_no_time_of_one(store):
    put_standings(store, [make_standing("s/never", last_data=None), make_standing("s/read")])
    metrics = Metrics(store)
    name = "slo_last_reading_timestamp_seconds"
    assert value(metrics, name, slo="s/never", service="s") is None
    assert value(metrics, name, slo="s/read", service="s") == AT


def test_no_sample_is_nan(store):
    put_standings(store, many_standings())
    assert not [key for key, number in samples(Metrics(store)).items() if math.isnan(number)]


def test_hostile_names_stay_inside_their_label(store):
    hostile = 'a"b\\c\n} 1'
    put_standings(
        store, [dataclasses.replace(make_standing(), slo=f"{hostile}/x", service=hostile, name="x")]
    )
    assert value(Metrics(store), "slo_objective", slo=f"{hostile}/x", service=hostile) == 0.999


def test_openmetrics_is_valid_too(store):
    put_standings(store, many_standings())
    metrics = Metrics(store)
    metrics.observe_cycle(0.1, 1, {"timeout": 1})
    metrics.observe_request("eu", "range", 0.1, 5, None)
    text = generate_openmetrics(metrics.registry).decode()
    assert {f.name for f in parse_openmetrics(text)} >= {"slo_objective", "slo_ledger_cycles"}


def test_a_store_out_of_reach_costs_only_what_it_holds(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/missing/slo.db")
    metrics = Metrics(engine)
    metrics.observe_cycle(0.1, 1, {})
    found = samples(metrics)
    engine.dispose()
    assert found["slo_ledger_store_up", ()] == 0
    assert found["slo_ledger_cycles_total", ()] == 1


def test_the_last_load_of_slo_yaml_is_told():
    loaded = Loaded(Settings((), ()), 100.0)
    metrics = Metrics(loaded=loaded)

    def told():
        names = ("last_reload_successful", "last_reload_success_timestamp_seconds", "faults")
        return [value(metrics, f"slo_ledger_config_{name}") for name in names]

    assert told() == [1, 100, 0]
    loaded.fail((Fault("slo.yaml", 1, 1, "", "x"), Fault("slo.yaml", 2, 1, "", "y")), 200.0)
    assert told() == [0, 100, 2]
    loaded.put(loaded.settings, 300.0, waiting=("database.url",))
    assert told() == [1, 300, 0]
    assert value(metrics, "slo_ledger_config_restart_needed") == 1
