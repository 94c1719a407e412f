"""Which readings stay for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from slo.config import parse
from slo.context import open_context
from slo.declaring import declare
from slo.domain.ledger import Exclusion
from slo.domain.span import Span
from slo.store import exclusions, migrations
from slo.store.engine import open_engine, reading, writing
from slo.upkeep import pinned_ends


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
    engine = open_engine(f"sqlite:///{tmp_path / 'slo.db'}")
    migrations.upgrade(engine)

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
