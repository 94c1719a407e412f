"""Which readings stay for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from slo.config import parse
from slo.context import open_context
from slo.declaring import declare
from slo.domain.booking import Booking
from slo.domain.ledger import Contribution, Exclusion, Increment
from slo.domain.notification import Facts
from slo.domain.span import Span
from slo.store import (
    booking,
    contributors,
    exclusions,
    facts,
    outbox,
    readings,
    schema,
    slos,
)
from slo.store.engine import reading, writing
from slo.upkeep import HOURS, pinned_ends, upkeep
from tests.support.stores import empty_store


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


NOW = at("2024-05-10T00:00")
YAML = """database: {{url: 'sqlite:///unused.db'}}
services:
  api:
    slos:
      a:
        objective: 99%
        window: {window}
        slices: {{query: up, at_least: 1}}
"""


@pytest.fixture
def counted(tmp_path):
    """A function: the SLO with a window, its ledger from 15 January to 10 May."""
    engine = empty_store(tmp_path / "slo.db")

    def declared(window: str, begun: int = at("2024-01-15T00:00")):
        with open_context(parse(YAML.format(window=window), "slo.yaml", {}), engine) as context:
            (found,) = declare(context, begun).counted
        return engine, replace(found, meter=replace(found.meter, booked_from=begun, booked_to=NOW))

    yield declared
    engine.dispose()


def test_calendar_boundaries_stay_in_the_slos_zone(counted):
    engine, c = counted("{calendar: month, zone: Europe/Berlin}")
    with reading(engine) as session:
        pinned = pinned_ends(session, c)

    months = ["2023-12-31T23:00", "2024-01-31T23:00", "2024-02-29T23:00"]
    # Summer time begins on 31 March.
    months += ["2024-03-31T22:00", "2024-04-30T22:00"]
    assert {at(month) for month in months} <= pinned


def test_boundaries_before_the_ledger_stay_where_a_backfill_is_to_reach(counted):
    engine, c = counted("{calendar: month, zone: UTC}")
    with reading(engine) as session:
        pinned = pinned_ends(session, c, at("2023-11-20T00:00"))

    assert {at("2023-12-01T00:00"), at("2024-01-01T00:00")} <= pinned


def test_boundaries_of_a_former_window_stay(counted):
    counted("{calendar: month, zone: UTC}")
    engine, c = counted("30d")
    with reading(engine) as session:
        assert at("2024-03-01T00:00") in pinned_ends(session, c)


def test_edges_of_exclusions_stay(counted):
    engine, c = counted("30d")
    span = Span(at("2024-02-02T10:07"), at("2024-02-02T11:03"))
    with writing(engine) as session:
        exclusions.add(session, Exclusion(0, "api/*", span, "maintenance", "me", "a test"))
        pinned = pinned_ends(session, c)

    assert {span.start, span.end} <= pinned


@pytest.fixture
def ledger(tmp_path):
    """A context over ten days of minutes of one SLO, and its meter."""
    settings = parse(YAML.format(window="7d"), "slo.yaml", {})
    engine = empty_store(tmp_path / "slo.db")
    begun = NOW - 10 * 86400
    steps = tuple(Increment(t, 9.0, 10.0, 60.0) for t in range(begun + 60, NOW + 1, 60))
    found = (
        Contribution(begun, '{"code": "200"}', 0.0, 590.0),
        Contribution(begun, '{"code": "500"}', 60.0, 60.0),
    )
    with open_context(settings, engine) as context:
        (c,) = declare(context, begun).counted
        with writing(engine) as session:
            span = Span(begun, NOW)
            booking.book(session, [Booking(c.meter.id, span, steps, contributions=found)])
            meter = slos.running_meters(session)["api/a"]
        yield context, meter
    engine.dispose()


def counts(context, meter):
    """How many readings and contributor rows there are, and the events of the last five days."""
    with reading(context.engine) as session:
        kept = readings.between(session, meter.id, 0, NOW)
        rows = contributors.top(session, meter.id, 0, NOW, 10)
        ends = [(meter.id, NOW - 5 * 86400), (meter.id, NOW)]
        first, last = (readings.readings_at(session, ends)[end] for end in ends)
    return len(kept), {row.labels for row in rows}, last.total - first.total


def test_a_meter_is_compacted_and_its_contributors_are_folded_in_its_hour_only(ledger):
    context, meter = ledger
    before = counts(context, meter)
    turn = meter.id % HOURS
    upkeep(context, NOW + (turn + 1) % HOURS * 3600, lambda *_: None)
    assert counts(context, meter) == before

    upkeep(context, NOW + turn * 3600, lambda *_: None)
    kept, labels, events = counts(context, meter)
    # Three days by the minute and seven by five minutes, give or take the hours since.
    assert 3 * 1440 + 7 * 288 - 300 < kept < before[0] / 2
    assert labels == {"other", '{"code": "500"}'}
    assert events == before[2]


def test_upkeep_leaves_its_work_once_the_service_stops(ledger):
    context, meter = ledger
    before = counts(context, meter)
    upkeep(context, NOW + meter.id % HOURS * 3600, lambda *_: None, lambda: True)
    assert counts(context, meter) == before


def test_upkeep_leaves_what_it_did_for_the_page(ledger):
    context, meter = ledger
    turn = NOW + meter.id % HOURS * 3600
    upkeep(context, turn, lambda *_: None)
    with reading(context.engine) as session:
        done = facts.of(session, "upkeep")
    assert (done["at"], done["ledgers"], done["notifications"]) == (turn, 1, 0)
    assert done["readings"] > 1000


def test_old_messages_are_forgotten_by_the_hour_as_long_as_slo_yaml_says(ledger, monkeypatch):
    context, _ = ledger
    monkeypatch.setattr("slo.upkeep.MESSAGES_AT_ONCE", 2)
    with writing(context.engine) as session:
        for number in range(5):
            found = Facts("test", "page", "x", "title", "why", NOW, "svc")
            one = outbox.Queued("pager", f"test/{number}", "test", found, NOW, NOW)
            outbox.queue(session, [one], NOW)
        session.execute(
            update(schema.notification).values(state="delivered", ended_at=NOW - 80 * 86400)
        )

    def left():
        with reading(context.engine) as session:
            return len(outbox.listed(session))

    upkeep(context, NOW, lambda *_: None)
    assert left() == 5
    shorter = replace(context.settings, keep_notifications=timedelta(days=70))
    upkeep(replace(context, settings=shorter), NOW, lambda *_: None)
    assert left() == 0
