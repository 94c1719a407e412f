"""A cycle over sources that say little; what cycles count is held in tests/e2e."""

from __future__ import annotations

import json

import pytest

from slo.config import parse
from slo.context import Told, open_context
from slo.cycle import FIRST_READING, run_cycle
from slo.store import cycles, slos, standings
from slo.store.engine import reading
from tests.support.fault_server import FaultServer, encoded, html
from tests.support.stores import empty_store

NOW = 1_709_251_200 + 17


def gauge(value: float):
    """A source whose gauge has had this value for ever, and whose clock is exactly NOW."""

    def behaviour(handler) -> None:
        params = handler.server.fault.seen[-1].params
        query = params["query"][0]
        if query == "time()":
            handler.send(200, encoded({"resultType": "scalar", "result": [NOW, str(NOW)]}))
            return
        if "range" not in handler.path:
            result = [{"metric": {}, "value": [NOW, str(NOW)]}]
            handler.send(200, encoded({"resultType": "vector", "result": result}))
            return
        start, end, step = (int(float(params[name][0])) for name in ("start", "end", "step"))
        # It has been there for a day.
        values = [[t, str(value)] for t in range(start, end + 1, step) if t > NOW - 86_400]
        result = [{"metric": {}, "values": values}]
        handler.send(200, encoded({"resultType": "matrix", "result": result}))

    return behaviour


@pytest.fixture
def books(tmp_path):
    """A function that opens a context on a server, on one store."""
    engine = empty_store(tmp_path / "slo.db")
    with FaultServer(gauge(1.0)) as server:
        text = json.dumps(
            {
                "prometheus": {"url": server.url, "lag": "15s"},
                "services": {
                    "api": {
                        "slos": {
                            "a": {
                                "objective": "99%",
                                "slices": {"query": "model_accuracy", "at_least": 0.5},
                            }
                        }
                    }
                },
            }
        )
        with open_context(parse(text, "slo.yaml", {}), engine) as context:
            yield server, context
    engine.dispose()


def meter(context):
    with reading(context.engine) as session:
        return slos.running_meters(session)["api/a"]


def test_a_new_ledger_begins_ten_minutes_ago_and_wants_its_history(books):
    _, context = books
    report = run_cycle(context, NOW, 50)
    found = meter(context)

    assert report.booked == {"api/a"}
    assert found.booked_to == NOW - 17
    assert found.booked_from == found.booked_to - FIRST_READING
    assert NOW - 86_400 - 3600 <= found.backfill_to <= NOW - 86_400 + 60
    assert found.watch_from == found.backfill_to


def test_the_same_cycle_again_books_nothing(books):
    _, context = books
    run_cycle(context, NOW, 50)
    before = meter(context)
    again = run_cycle(context, NOW, 50)

    assert again.booked == frozenset()
    assert again.faults == {}
    assert again.caught_up
    assert meter(context) == before


def test_a_cycle_without_time_books_nothing_and_the_next_one_all(books):
    _, context = books
    late = run_cycle(context, NOW, 0)

    assert (late.booked, late.caught_up) == (frozenset(), False)
    assert run_cycle(context, NOW, 50).booked == {"api/a"}


def test_a_cycle_is_written_down_with_what_it_cost(books):
    _, context = books
    run_cycle(context, NOW, 50)
    with reading(context.engine) as session:
        last = cycles.last(session)

    assert (last.slos, last.booked, last.errors) == (1, 1, 0)
    assert last.requests == context.spent.requests > 0
    assert last.finished == NOW


def test_a_fault_is_noted_on_the_standing_until_the_source_answers(books):
    server, context = books
    run_cycle(context, NOW - 120, 50)
    server.behaviour = html()
    report = run_cycle(context, NOW, 50)
    with reading(context.engine) as session:
        sick = standings.one(session, "api/a")
    server.behaviour = gauge(1.0)
    run_cycle(context, NOW, 50)
    with reading(context.engine) as session:
        well = standings.one(session, "api/a")

    assert {fault.kind for fault in report.faults.values()} == {"not_prometheus"}
    assert report.errors["not_prometheus"] == 1
    assert [n.text for n in sick.notes if n.kind == "fault"] == [
        fault.message for fault in report.faults.values()
    ]
    assert "fault" not in {n.kind for n in well.notes}


def test_a_fault_that_lasts_is_told_once_an_hour_and_its_end_once():
    told = Told()
    assert told.is_news("a/b", "down", 0)
    assert not told.is_news("a/b", "down", 60)
    assert told.is_news("a/b", "slow", 120)
    assert told.is_news("a/b", "slow", 120 + 3600)
    assert told.over({"a/b"}) == []
    assert told.over(set()) == ["a/b"]
    assert told.over(set()) == []
    assert told.is_news("a/b", "slow", 9000)
