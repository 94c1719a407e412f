"""Paces against the budget's own arithmetic, instant by instant."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from math import isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.domain.budget import HISTORY_SECONDS, budget_of, expected_events
from slo.domain.exclusion import net_seconds, tally
from slo.domain.ledger import Exclusion, Reading
from slo.domain.pace import pace_of
from slo.domain.past import Past
from slo.domain.span import Span, union
from slo.domain.window import CalendarWindow, RollingWindow

HOUR, DAY = 3600, 86_400
OBJECTIVE = Decimal("0.99")
START = 20_089 * DAY  # 2025-01-01


def hourly(events, holes=()):
    good = total = 0.0
    readings = [Reading(START, 0.0, 0.0, 0.0)]
    for n, (bad, all_) in enumerate(events, 1):
        good, total = good + all_ - bad, total + all_
        readings.append(Reading(START + n * HOUR, good, total, n * 3600.0))
    exclusions = [
        Exclusion(n, "*", Span(START + a * HOUR, START + b * HOUR), "other", "me", "why")
        for n, (a, b) in enumerate(holes)
    ]
    return Past.of(readings, HOUR, START, exclusions)


def expected_pace(past, window, at):
    """Allowed and spent as a standing has them, from the definitions."""
    span, period = window.span_at(at), window.period_at(at)
    begun = past.track.begun

    def of(start, end):
        return tally(Span(start, end), past.track.reading_at, past.track.excluded)

    rest = None
    if period.end > at:
        rest = Span(at, period.end)
    elif isinstance(window, RollingWindow) and begun > span.start:
        rest = Span(span.start, begun)
    expected = None
    if rest is not None:
        history = Span(max(begun, at - HISTORY_SECONDS), at)
        expected = expected_events(
            of(history.start, history.end),
            net_seconds(history, past.track.excluded),
            net_seconds(rest, union(e.span for e in past.exclusions)),
        )
    budget = budget_of(OBJECTIVE, of(span.start, at), expected)
    is_new = at - begun < DAY
    spent = None if is_new or budget.remaining is None else 1 - budget.remaining
    return budget.allowed, spent


EVENTS = st.lists(st.tuples(st.integers(0, 20), st.integers(20, 100)), min_size=30, max_size=120)
HOLES = st.lists(st.tuples(st.integers(0, 130), st.integers(1, 20)), max_size=3).map(
    lambda holes: [(a, a + length) for a, length in holes]
)
WINDOWS = [
    RollingWindow(timedelta(days=1)),
    RollingWindow(timedelta(days=3)),
    RollingWindow(timedelta(days=30)),
    CalendarWindow("week"),
    CalendarWindow("week", "America/New_York"),
    CalendarWindow("month"),
]


@settings(max_examples=150, deadline=None)
@given(EVENTS, HOLES, st.sampled_from(WINDOWS))
def test_it_is_the_budget_of_a_standing_at_each_reading(events, holes, window):
    past = hourly(events, holes)
    places = past.places(Span(past.ends[0], past.ends[-1]))
    pace = pace_of(past, OBJECTIVE, window, places)
    for place in places:
        allowed, spent = expected_pace(past, window, past.ends[place])
        assert pace.allowed[place] == pytest.approx(allowed, abs=1e-9)
        if spent is None:
            assert isnan(pace.spent[place])
        else:
            assert pace.spent[place] == pytest.approx(spent, abs=1e-9)


def test_with_less_than_a_day_of_history_nothing_is_judged():
    past = hourly([(1, 100)] * 30)
    pace = pace_of(past, OBJECTIVE, WINDOWS[0], past.places(Span(START, past.ends[-1])))
    judged = [n for n, spent in enumerate(pace.spent) if not isnan(spent)]
    assert judged == [*range(24, 31)]
    assert pace.spent[24] == pytest.approx(1.0)


def test_without_events_nothing_is_judged():
    past = hourly([(0, 0)] * 30)
    pace = pace_of(past, OBJECTIVE, WINDOWS[0], past.places(Span(START, past.ends[-1])))
    assert all(isnan(spent) for spent in pace.spent)
