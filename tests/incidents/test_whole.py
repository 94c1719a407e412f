"""An incident as real bookings make it: from the first bad minute to its draft."""

from __future__ import annotations

import pytest

from slo.domain.ledger import Exclusion
from slo.domain.span import Span
from slo.store import exclusions, incidents, standings
from slo.store.engine import reading, writing
from tests.support.feed import MINUTE, START, Feed, yaml_of

SLO = "shop/availability"
MORE = """receivers: {hook: {type: webhook, url: "http://127.0.0.1:9/"}}
routes: {page: [hook], ticket: [hook]}
alerts: {page-6h: off, ticket-1d: off, ticket-3d: off}"""


@pytest.fixture
def feed(sqlite_engine):
    return Feed(sqlite_engine, yaml_of(more=MORE))


def test_times_and_losses_are_those_of_the_ledger(feed):
    feed.run(60)
    feed.run(8, bad=50)
    feed.run(30)

    (incident,) = feed.incidents()
    fired = feed.changes("page-1h")[0][1]
    assert incident.started_at == START + 60 * MINUTE
    assert incident.opened_at == START + fired * MINUTE
    assert incident.mitigated_at == START + 68 * MINUTE
    assert incident.resolved_at == START + feed.changes("page-1h")[1][1] * MINUTE
    (lost,) = incident.slos
    assert lost.bad == 400.0
    assert lost.total == (incident.resolved_at - incident.started_at) / MINUTE * 100
    assert lost.budget_share is not None
    assert incident.severity == "page"


def test_the_budget_share_is_of_the_budget_that_the_standing_tells(feed):
    feed.run(60)
    feed.run(8, bad=50)

    with reading(feed.engine) as session:
        (lost,) = incidents.many(session)[0].slos
        budget = standings.one(session, SLO).budget
    assert lost.budget_share == pytest.approx(lost.bad / budget.allowed)


def test_what_is_excluded_is_not_lost_in_an_incident(feed):
    feed.run(60)
    feed.run(8, bad=50)
    before = feed.incidents()[0].slos[0].bad
    with writing(feed.engine) as session:
        span = Span(START + 60 * MINUTE, START + 64 * MINUTE)
        exclusions.add(session, Exclusion(0, SLO, span, "test", "ada", "a test", feed.at))
    feed.run(1, bad=50)

    assert feed.incidents()[0].slos[0].bad == before + 50 - 200
