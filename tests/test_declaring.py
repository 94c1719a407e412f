"""What slo.yaml says, brought into the store; what the source cannot tell yet is a fault."""

from __future__ import annotations

from decimal import Decimal

import pytest

from slo.config import parse
from slo.context import open_context
from slo.declaring import declare, running
from slo.store import slos, standings
from slo.store.engine import reading
from tests.support.fault_server import FaultServer, in_turn, respond, success

NOW = 1_709_251_200
SHORT = "SLO: {accuracy: 95%}\n"
PLAIN = "services: {api: {slos: {a: {objective: 99%, slices: {query: up, at_least: 1}}}}}\n"


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


def declared(server, engine, text: str):
    settings = parse(f"prometheus: {{url: '{server.url}'}}\n{text}", "slo.yaml", {})
    with open_context(settings, engine) as context:
        return declare(context, NOW)


def test_a_settled_indicator_asks_the_source_nothing(server, engine):
    declaration = declared(server, engine, PLAIN)

    assert [c.slo.id for c in declaration.counted] == ["api/a"]
    assert declaration.faults == {}
    assert server.seen == []


def test_an_slo_whose_metrics_the_source_does_not_have_is_a_fault_and_no_meter(server, engine):
    server.behaviour = success([])
    empty = success({"resultType": "vector", "result": []})
    server.behaviour = lambda h: (empty if "query" in h.path else success([]))(h)
    declaration = declared(server, engine, SHORT + PLAIN)

    assert set(declaration.faults) == {"default/accuracy"}
    assert declaration.faults["default/accuracy"].kind == "no_metric"
    assert [c.slo.id for c in declaration.counted] == ["api/a"]


def test_a_source_that_does_not_answer_is_the_fault_of_what_it_was_to_tell(server, engine):
    server.behaviour = respond(503, "starting")
    declaration = declared(server, engine, SHORT + PLAIN)

    assert declaration.faults["default/accuracy"].kind == "unavailable"
    assert [c.slo.id for c in declaration.counted] == ["api/a"]


def test_what_an_indicator_came_to_stays_when_the_source_has_more_later(server, engine):
    series = [{"__name__": "predictions_labelled_total", "job": "x"}]
    server.behaviour = in_turn(success(series))
    first = declared(server, engine, SHORT)
    asked = len(server.seen)
    server.behaviour = respond(503, "gone")
    second = declared(server, engine, SHORT)

    assert asked > 0
    assert len(server.seen) == asked
    assert [c.indicator for c in second.counted] == [c.indicator for c in first.counted]
    assert [c.meter.id for c in second.counted] == [c.meter.id for c in first.counted]


def test_declaring_twice_changes_nothing(server, engine):
    first = declared(server, engine, PLAIN)
    second = declared(server, engine, PLAIN)

    assert second == first
    with reading(engine) as session:
        assert len(slos.revisions(session, "api/a")) == 1


def test_an_slo_that_is_gone_before_its_first_cycle_is_paused_without_a_standing(server, engine):
    declared(server, engine, PLAIN)
    declared(server, engine, PLAIN.replace("a:", "b:"))
    with reading(engine) as session:
        paused = {slo.id: slo.paused_at for slo in slos.all_slos(session)}
        shown = standings.one(session, "api/a")

    assert paused == {"api/a": NOW, "api/b": None}
    assert shown is None


def counted(server, engine, text: str):
    settings = parse(f"prometheus: {{url: '{server.url}'}}\n{text}", "slo.yaml", {})
    with open_context(settings, engine) as context:
        return running(context)


def test_what_runs_is_known_without_writing_or_asking(server, engine):
    assert counted(server, engine, PLAIN) == []
    declaration = declared(server, engine, PLAIN)
    assert counted(server, engine, PLAIN) == list(declaration.counted)
    # What no cycle has declared yet does not run, and nothing of it is written.
    assert counted(server, engine, PLAIN.replace("query: up", "query: down")) == []
    assert counted(server, engine, PLAIN.replace("99%", "98%"))[0].slo.objective == Decimal("0.98")
    assert counted(server, engine, PLAIN) == list(declaration.counted)
    assert server.seen == []


def test_what_an_indicator_came_to_is_known_from_its_meter(server, engine):
    series = [{"__name__": "predictions_labelled_total", "job": "x"}]
    server.behaviour = in_turn(success(series))
    declaration = declared(server, engine, SHORT)
    asked = len(server.seen)
    assert counted(server, engine, SHORT) == list(declaration.counted)
    assert len(server.seen) == asked
