"""Replays of ledgers in a store, held against what live alerting found over the same minutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.domain.ledger import Exclusion
from slo.domain.policy import BurnRule, Policy, default_policy
from slo.domain.replay import Promise
from slo.domain.span import Span
from slo.domain.window import RollingWindow
from slo.replay import EmptyPastError, refit, replay
from slo.store import compaction, exclusions, schema, slos
from slo.store.engine import reading, writing
from tests.support.feed import MINUTE, START, Feed, yaml_of
from tests.support.stores import empty_store

SLO, HOUR, DAY = "shop/availability", 3600, 86_400
OBJECTIVE = Decimal("0.999")
WINDOW = RollingWindow(timedelta(days=30))
TODAY = Promise(OBJECTIVE, WINDOW, default_policy(OBJECTIVE))


@pytest.fixture
def feed(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    yield Feed(engine)
    engine.dispose()


def replayed(feed, promise=TODAY, today=TODAY, start=START, end=None, tell=lambda _: None):
    with reading(feed.engine) as session:
        meter = slos.meter_of(session, SLO)
        return replay(session, meter, Span(start, end or feed.at), promise, today, tell)


def changes(outcome):
    found = []
    for alert in outcome.alerts:
        found.append((alert.at, alert.rule.name, "fires", alert.reason))
        if alert.resolved is not None:
            found.append((alert.resolved, alert.rule.name, "resolves", alert.end_reason))
    return sorted(found)


def lived(feed):
    return sorted((t.at, t.rule, t.change, t.reason) for t in feed.history())


def live_a_day(feed):
    feed.quiet(26 * 60)
    feed.run(9, bad=40)
    feed.run(15)
    feed.run(30, bad=90)
    feed.run(4, bad=0, total=0, covered=0.0)
    feed.book((120, 400, 1.0, 360))
    feed.run(90)


def test_it_finds_the_alerts_and_incidents_that_live_alerting_found(feed):
    live_a_day(feed)
    outcome = replayed(feed).replayed

    assert changes(outcome) == lived(feed)
    assert {name for _, name, *_ in changes(outcome)} >= {"page-1h", "page-6h", "budget-50"}
    # The last hours' tickets still fire, so there is one incident.
    (live,), (own,) = feed.incidents(), outcome.incidents
    assert (own.opened, own.severity, own.reopened) == (live.opened_at, "page", live.reopened)
    assert own.started == live.started_at
    assert own.resolved == live.resolved_at


MINUTES = st.lists(
    st.tuples(
        st.sampled_from([(0, 100), (1, 100), (40, 100), (0, 0, 0.0), (60, 900, 1.0, 480)]),
        st.integers(1, 25),
    ),
    min_size=2,
    max_size=10,
).map(lambda runs: [minute for minute, times in runs for _ in range(times)])


@settings(max_examples=20, deadline=None)
@given(MINUTES, st.lists(st.integers(1, 30), max_size=6))
def test_however_catching_up_is_cut_it_finds_what_a_replay_finds(minutes, sizes):
    with TemporaryDirectory() as folder:
        engine = empty_store(f"{folder}/slo.db")
        # Without tickets, which would hold one incident open all the time.
        pages = yaml_of(more="alerts: {page-6h: off, ticket-1d: off, ticket-3d: off}")
        feed, left = Feed(engine, pages), minutes
        promise = replace(TODAY, policy=feed.context.settings.slos[0].alert_policy)
        feed.quiet(90)
        for size in [*sizes, len(minutes)]:
            chunk, left = left[:size], left[size:]
            if chunk:
                feed.book(*chunk)
        outcome = replayed(feed, promise, promise).replayed
        found, live = changes(outcome), lived(feed)
        opened = [
            (i.started_at, i.opened_at, i.resolved_at, i.severity, i.reopened)
            for i in feed.incidents()
        ]
        engine.dispose()
    assert opened == [
        (i.started, i.opened, i.resolved, i.severity, i.reopened) for i in outcome.incidents
    ]
    # Budgets are decided once in each span, so that there the cut matters.
    assert [c for c in found if "budget" not in c[1]] == [c for c in live if "budget" not in c[1]]


def test_exclusions_apply_as_they_are_declared_now(feed):
    feed.quiet(120)
    feed.run(10, bad=50)
    feed.quiet(120)
    assert len(replayed(feed).replayed.incidents) == 1
    away = Span(START + 120 * MINUTE, START + 130 * MINUTE)
    with writing(feed.engine) as session:
        exclusions.add(session, Exclusion(0, "shop/*", away, "other", "me", "test", feed.at))
    found = replayed(feed)
    assert found.replayed.alerts == ()
    assert found.events.bad == 0


def test_nothing_is_written(feed):
    feed.quiet(60)
    feed.run(10, bad=50)
    tables = schema.metadata.sorted_tables

    def rows():
        with reading(feed.engine) as session:
            return {t.name: list(session.execute(t.select())) for t in tables}

    before = rows()
    other = replace(TODAY, objective=Decimal("0.99"), policy=default_policy(Decimal("0.99")))
    replayed(feed, other)
    assert rows() == before


def test_the_same_promise_has_nothing_to_be_compared_with(feed):
    feed.quiet(60)
    feed.run(10, bad=50)
    found = replayed(feed)
    assert (found.today, found.only_replayed, found.only_today) == (None, (), ())
    assert (found.readings, found.coverage) == (70, 1.0)
    assert found.events.bad == 500


def test_a_stricter_objective_fires_where_todays_does_not_and_the_other_way_round(feed):
    feed.quiet(60)
    feed.run(60, bad=1)
    strict = Promise(Decimal("0.9999"), WINDOW, default_policy(Decimal("0.9999")))
    found = replayed(feed, strict)
    only = {a.rule.name for a in found.only_replayed}
    assert {"page-1h", "page-6h"} <= only
    assert found.only_today == ()
    assert found.today is not None
    assert found.replayed.totals.pages > found.today.totals.pages
    back = replayed(feed, TODAY, strict)
    assert {a.rule.name for a in back.only_today} == only


def test_a_span_begins_quiet_and_ends_where_it_says(feed):
    feed.quiet(120)
    feed.run(20, bad=50)
    start = START + 130 * MINUTE
    found = replayed(feed, start=start, end=start + 5 * MINUTE)
    fired = {a.rule.name: a for a in found.replayed.alerts}
    # It burned before, so it fires with the first reading of the span.
    assert fired["page-1h"].at == start + MINUTE
    assert fired["page-1h"].began == START + 120 * MINUTE
    assert found.readings == 5


def test_a_span_is_cut_to_the_ledger_and_says_so(feed):
    feed.quiet(60)
    found = replayed(feed, start=START - DAY, end=feed.at + DAY)
    assert found.span == Span(START, feed.at)
    assert found.notes[0] == "The ledger begins at 2026-11-20T20:00:00Z."
    assert found.notes[1] == "The ledger ends at 2026-11-20T21:00:00Z."


def test_missing_data_are_said_to_be_left_out_where_the_policy_has_such_rules(feed):
    feed.quiet(60)
    assert "dead, gone, blind" in replayed(feed).notes[-1]
    silent = replace(TODAY, policy=default_policy(OBJECTIVE, "ignore"))
    assert replayed(feed, silent).notes == ()


def test_a_span_without_ledger_is_refused_with_what_there_is(feed):
    with pytest.raises(EmptyPastError, match="nothing is booked of shop/availability yet"):
        replayed(feed, start=START - DAY, end=START)
    feed.quiet(60)
    with pytest.raises(EmptyPastError, match=r"reaches from 2026-11-20T20:00:00Z to 2026-11-20T21"):
        replayed(feed, start=START - DAY, end=START)


def test_after_compaction_it_decides_by_the_readings_that_are_kept(feed):
    feed.quiet(300)
    feed.run(60, bad=50)
    feed.quiet(300)
    fine = replayed(feed).replayed
    with writing(feed.engine) as session:
        meter = slos.meter_of(session, SLO)
        compaction.compact(session, meter.id, feed.at, [(0, HOUR)], ())
    found = replayed(feed)
    kept = {a.rule.name: a for a in found.replayed.alerts}
    exact = {a.rule.name: a for a in fine.alerts}
    # Found when its hour is over, and where it began is known as well as the hours allow.
    assert kept["page-1h"].at == START + 6 * HOUR
    assert exact["page-1h"].at == START + 5 * HOUR + MINUTE * 2
    assert kept["page-1h"].began == exact["page-1h"].began == START + 5 * HOUR
    # The window is young: its budget is for thirty days with a hundred events a minute.
    assert kept["page-1h"].spent == pytest.approx(3000 / 4320)
    assert "readings are kept 1h apart" in found.notes[0]


def test_progress_rises_to_the_end(feed):
    feed.quiet(120)
    told = []
    strict = replace(TODAY, objective=Decimal("0.9999"))
    replayed(feed, strict, tell=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 8


def test_rules_that_cannot_fire_at_another_objective_are_left_out_with_the_reason():
    rule = BurnRule("own", "page", Decimal(40), 3600, 300, 2)
    slow = BurnRule("slow", "ticket", Decimal(2), 3600, 300)
    policy, notes = refit(Policy((rule, slow)), Decimal("0.95"))
    assert policy.rules == (slow,)
    assert notes == (
        (
            "own is left out: it can never fire: with an objective of 0.95 the burn rate is at most"
            " 1 / (1 - 0.95) = 20, and own asks for 40"
        ),
    )
