"""Replays against plain `decide` at every reading: what is passed over must change nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate
from math import isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.domain.decision import decide
from slo.domain.ledger import Exclusion, Reading
from slo.domain.pace import pace_of
from slo.domain.past import Past
from slo.domain.policy import AbsenceRule, BudgetRule, BurnRule, FloorRule
from slo.domain.replay import replay_rule
from slo.domain.span import Span
from slo.domain.window import RollingWindow

MINUTE, DAY = 60, 86_400
START = 20_000 * DAY
OBJECTIVE = Decimal("0.99")
WINDOW = RollingWindow(timedelta(minutes=30))
PAGE = BurnRule("page", "page", Decimal("14.4"), 600, 120, 2)
RULES = [
    PAGE,
    replace(PAGE, factor=Decimal(2), long=900, short=300, confident=True),
    replace(PAGE, factor=Decimal(1), long=1200, short=60, min_bad_events=9),
    FloorRule("floor", "page", Decimal("0.8"), 300),
    BudgetRule("budget-50", "ticket", Decimal("0.5")),
    BudgetRule("budget-100", "ticket", Decimal(1)),
]


def past(buckets, excluded=(), start=START, begun=START - 2 * DAY, base=0.0):
    """A past of minutes as (bad, total, covered share, carried seconds)."""
    rows = [(*b, *(1.0, 0)[len(b) - 2 :]) for b in buckets]
    sums = accumulate(
        rows,
        lambda a, b: (a[0] + b[1] - b[0], a[1] + b[1], a[2] + b[2] * MINUTE),
        initial=(base, base, 0.0),
    )
    readings = [
        Reading(start + n * MINUTE, *total, rows[n - 1][3] if n else 0)
        for n, total in enumerate(sums)
    ]
    exclusions = [
        Exclusion(n, "*", Span(start + a * MINUTE, start + b * MINUTE), "other", "me", "why")
        for n, (a, b) in enumerate(excluded)
    ]
    return Past.of(readings, MINUTE, begun, exclusions)


def replayed(rule, seen, window=WINDOW, objective=OBJECTIVE):
    places = seen.places(Span(seen.ends[0], seen.ends[-1]))
    pace = pace_of(seen, objective, window, places)
    return replay_rule(rule, seen, objective, pace, places)


def plainly(rule, seen, window=WINDOW, objective=OBJECTIVE):
    """What `decide` says at each reading, one after the other: (fires, resolves) in order."""
    places = seen.places(Span(seen.ends[0], seen.ends[-1]))
    pace = pace_of(seen, objective, window, places)
    state, found = None, []
    for place in places:
        spent = None if isnan(pace.spent[place]) else pace.spent[place]
        moment = seen.track.moment(seen.ends[place], objective, spent=spent)
        decision = decide(rule, moment, state)
        state = decision.state
        if decision.verdict in {"fires", "resolves"}:
            found.append((decision.verdict, seen.ends[place], decision.reason))
    return found


def changes(alerts):
    found = []
    for alert in alerts:
        found.append(("fires", alert.at, alert.reason))
        if alert.resolved is not None:
            found.append(("resolves", alert.resolved, alert.end_reason))
    return found


MINUTES = st.one_of(
    st.tuples(
        st.sampled_from([0, 0, 1, 14, 15, 20, 143, 144, 200]), st.sampled_from([1000, 200, 1000])
    ),
    st.tuples(
        st.integers(0, 3),
        st.integers(3, 10),
        st.sampled_from([1.0, 1.0, 0.5, 0.0]),
        st.sampled_from([0, 0, 0, 360]),
    ),
    st.just((0, 0, 0.0)),
)
RUNS = st.lists(st.tuples(MINUTES, st.integers(1, 15)), min_size=1, max_size=12).map(
    lambda runs: [minute for minute, times in runs for _ in range(times)]
)
HOLES = st.lists(st.tuples(st.integers(0, 80), st.integers(1, 12)), max_size=3).map(
    lambda holes: [(a, a + length) for a, length in holes]
)


@settings(max_examples=300, deadline=None)
@given(RUNS, HOLES, st.sampled_from(RULES), st.sampled_from([0.0, 1e12]))
def test_passing_over_what_cannot_change_finds_what_deciding_each_moment_finds(
    minutes, holes, rule, base
):
    seen = past(minutes, holes, base=base)
    assert changes(replayed(rule, seen)) == plainly(rule, seen)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 5)), min_size=5, max_size=60),
    HOLES,
    st.sampled_from(RULES),
)
def test_estimated_events_are_decided_alike(minutes, holes, rule):
    seen = past([(min(bad, total), total) for bad, total in minutes], holes)
    assert changes(replayed(rule, seen)) == plainly(rule, seen)


def test_at_the_threshold_exactly_it_fires():
    (alert,) = replayed(PAGE, past([(144, 1000)] * 10))
    # The first minute alone covers but half of the short window.
    assert alert.at == START + 2 * MINUTE
    assert replayed(PAGE, past([(143, 1000)] * 10)) == []


def test_just_below_the_threshold_it_resolves():
    (alert,) = replayed(PAGE, past([(300, 1000)] * 10 + [(143, 1000)] * 10))
    assert alert.resolved == START + 14 * MINUTE
    (alert,) = replayed(PAGE, past([(300, 1000)] * 10 + [(144, 1000)] * 10))
    assert alert.resolved is None


def test_an_alert_tells_when_it_would_have_been_detected_and_what_was_spent_by_then():
    seen = past([(0, 1000)] * 40 + [(300, 1000)] * 5 + [(0, 1000)] * 30)
    (alert,) = replayed(PAGE, seen)
    assert alert.began == START + 40 * MINUTE
    # 14.4 % over ten minutes are 1440 of 10,000, after five minutes of 300.
    assert alert.at == START + 45 * MINUTE
    assert alert.seconds_to_detect == 300
    # 1 % of thirty minutes with 1000 events each are 300.
    assert alert.spent == pytest.approx(1500 / 300)
    # Out of the short window after two minutes, and below for two.
    assert alert.resolved == START + 49 * MINUTE
    assert "burned 15x over 10m and 30x over 2m" in alert.reason


def test_what_still_fires_at_the_end_has_no_end():
    (alert,) = replayed(PAGE, past([(300, 1000)] * 20))
    assert alert.resolved is None
    assert alert.until(START + 20 * MINUTE) == START + 20 * MINUTE


def test_rules_about_missing_data_never_fire():
    seen = past([(0, 0, 0.0)] * 60)
    assert replayed(AbsenceRule("dead", "page", 300), seen) == []


def test_nothing_is_decided_outside_the_places():
    seen = past([(300, 1000)] * 20)
    places = seen.places(Span(START + 10 * MINUTE, START + 12 * MINUTE))
    pace = pace_of(seen, OBJECTIVE, WINDOW, places)
    (alert,) = replay_rule(PAGE, seen, OBJECTIVE, pace, places)
    assert alert.at == START + 11 * MINUTE
    assert replay_rule(PAGE, seen, OBJECTIVE, pace, range(0)) == []


def test_what_is_excluded_fires_nothing():
    minutes = [(0, 1000)] * 20 + [(300, 1000)] * 5 + [(0, 1000)] * 20
    assert len(replayed(PAGE, past(minutes))) == 1
    assert replayed(PAGE, past(minutes, [(20, 25)])) == []


def test_an_hourly_reading_decides_short_windows_by_its_hour():
    hours = [Reading(START + n * 3600, 0.0, 0.0, n * 3600.0) for n in range(5)]
    good, total, kept = 0.0, 0.0, []
    for n, reading in enumerate(hours):
        good, total = good + (700 if n == 3 else 1000), total + 1000
        kept.append(replace(reading, good=good, total=total))
    seen = Past.of(kept, MINUTE, START, ())
    (alert,) = replayed(replace(PAGE, long=3600, short=300), seen)
    assert (alert.at, alert.resolved) == (START + 3 * 3600, None)
    assert alert.began == START + 2 * 3600
    assert seen.coarse(Span(START, START + 4 * 3600), (86_400, 3600, 300)) == [
        (3600, START + 4 * 3600)
    ]


def test_spacings_are_told_from_the_widest_on_with_where_each_ends():
    ends = [0, 3600, 7200, 7500, 7800, 7860, 7920]
    seen = Past.of([Reading(START + t, 0.0, 0.0, 0.0) for t in ends], MINUTE, START)
    span = Span(START, START + 7920)
    assert seen.coarse(span, (86_400, 3600, 300)) == [(3600, START + 7200), (300, START + 7800)]
    assert seen.coarse(Span(START + 7800, START + 7920), (3600, 300)) == []
