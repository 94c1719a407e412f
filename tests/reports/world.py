"""Two months of four SLOs whose every number is known by heart, and what happened to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from slo.domain.booking import Booking
from slo.domain.ledger import Correction, Exclusion, Increment
from slo.domain.postmortem import ActionItem
from slo.domain.span import Span
from slo.store import (
    action_items,
    booking,
    corrections,
    exclusions,
    incidents,
    postmortems,
    slos,
)
from slo.store.engine import writing
from tests.store.conftest import declared

HOUR, DAY = 3600, 86_400


def at(text):
    """An instant of a time in UTC, `2026-10-05 12:00`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


SEPTEMBER = Span(at("2026-09-01"), at("2026-10-01"))
OCTOBER = Span(at("2026-10-01"), at("2026-11-01"))
NOW = at("2026-11-03 06:00")
OUTAGE = Span(at("2026-10-05 10:00"), at("2026-10-05 12:00"))
"""Two hours in which shop/availability lost 200 of 2,000 events."""
MOVE = Span(at("2026-10-20 00:00"), at("2026-10-20 06:00"))
"""Six excluded hours, in which it lost everything."""
HOSTILE = '=cmd|"/c calc"!A1 <b>|`*_'


def build(engine, say=str):
    """Fills an empty store; people's texts go through `say`."""
    with writing(engine) as session:
        _ledgers(session, say)
        _facts(session, say)
        _incidents(session, say)


def _declare(session, when, name, say, **fields):
    one = declared(name, **fields)
    one = replace(one, slo=replace(one.slo, description=say("what it promises")))
    return slos.declare(session, [one], when)[name]


def _ledgers(session, say):
    start = SEPTEMBER.start - 40 * DAY
    for name, objective, owner in (
        ("shop/availability", "0.99", say("shop-team")),
        ("shop/latency", "0.9", say("shop-team")),
        ("ranker/accuracy", "0.95", say("search")),
        ("ranker/freshness", "0.99", say("search")),
    ):
        _declare(session, start, name, say, objective=objective, owner=owner)
    meters = slos.running_meters(session)
    # 1,000 an hour, of which five are bad, in the whole of both months and a little beyond.
    _book(session, meters["shop/availability"], SEPTEMBER.start, NOW, _availability)
    _book(session, meters["shop/latency"], SEPTEMBER.start, NOW, lambda _: (100.0, 4.0))
    _book(session, meters["ranker/accuracy"], SEPTEMBER.start, NOW, _accuracy)
    _book(session, meters["ranker/freshness"], OCTOBER.start, NOW, lambda _: (0.0, 0.0))
    # From the middle of October on more is promised.
    when = at("2026-10-15 09:00")
    _declare(session, when, "shop/availability", say, objective="0.995", owner=say("shop-team"))


def _availability(end):
    """Events and bad ones of the hour that ends then."""
    if OUTAGE.start < end <= OUTAGE.end:
        return 1000.0, 100.0
    return 1000.0, 1000.0 if MOVE.start < end <= MOVE.end else 5.0


def _accuracy(end):
    return 10.0, 1.0 if end > OCTOBER.start else 0.0


def _book(session, meter, start, end, events):
    ends = range(start + HOUR, end + 1, HOUR)
    found = tuple(
        Increment(t, total - bad, total, float(HOUR)) for t in ends for total, bad in [events(t)]
    )
    booking.book(session, [Booking(meter.id, Span(start, end), found)])


def _facts(session, say):
    exclusions.add(
        session, Exclusion(0, "shop/availability", MOVE, "maintenance", "ops", say("a move"), NOW)
    )
    late = Correction(
        "ranker/accuracy", at("2026-10-09 12:00"), -30.0, 0.0, "ada", say("relabelled"), "k1", NOW
    )
    corrections.add(session, late)
    other = replace(late, end=at("2026-09-09 12:00"), good=-1.0, key="k2")
    corrections.add(session, other)


def _incidents(session, say):
    page = incident(
        session,
        "shop/availability",
        Span(OUTAGE.start, OUTAGE.end),
        detect=600,
        share=0.4,
        title=say("availability burns"),
    )
    ticket = incident(
        session,
        "shop/availability",
        Span(at("2026-10-25 08:00"), at("2026-10-25 09:00")),
        detect=1800,
        share=0.05,
        severity="ticket",
        title=say("a slow burn"),
    )
    before = Span(at("2026-09-30 23:00"), at("2026-10-01 01:00"))
    incident(session, "ranker/accuracy", before, detect=300, share=0.1, title=say("at the turn"))
    why = "shop/availability lost 40% of its error budget, over 20%"
    postmortems.create(session, page, say("The bad deploy"), "Text.", "", why, NOW)
    postmortems.create(session, ticket, say("The slow one"), "Text.", "", "", NOW)
    first = ActionItem(say("Canary"), priority="P0", owner=say("joe"), due="2026-11-01")
    action_items.add(session, page, first, "mia", NOW)
    done = ActionItem("Tell people", state="done")
    action_items.add(session, page, done, "mia", NOW)


def incident(session, slo, span, *, detect, share, severity="page", title="it burns"):
    """A resolved incident whose burn began and which resolved at the span's ends."""
    number = incidents.create(
        session,
        slo,
        span.start + detect,
        {},
        title=title,
        severity=severity,
        started_at=span.start,
        late=False,
        status="resolved",
        resolved_at=span.end,
        resolved_by="SLO Ledger",
    )
    incidents.put_lost(session, number, {slo: (200.0, 2000.0, share)})
    incidents.leave(session, number)
    return number
