"""Paces: what a window's error budget allowed at each reading of a past, and what was spent."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

from slo.domain.budget import HISTORY_SECONDS, budget_of, expected_events
from slo.domain.exclusion import net_seconds
from slo.domain.ledger import Tally
from slo.domain.span import Span, union
from slo.domain.state import NEW_SECONDS
from slo.domain.window import RollingWindow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from slo.domain.past import Past
    from slo.domain.window import Window


@dataclass(frozen=True, slots=True)
class Pace:
    """By the place of a reading: the bad events allowed, and the share of them spent.

    The share is NaN where budgets are not judged: without events, and with less than a
    day of history. Places outside of the span that was asked for are NaN.
    """

    allowed: Sequence[float]
    spent: Sequence[float]


def pace_of(past: Past, objective: Decimal, window: Window, places: range) -> Pace:
    """The pace at these places, with the budgets that a standing would have had there."""
    count = len(past.ends)
    allowed, spent = array("d", [nan]) * count, array("d", [nan]) * count
    walk = _Walk(past, objective, window)
    for place in places:
        budget = walk.budget_at(place)
        allowed[place] = budget[0]
        if budget[0] > 0 and past.ends[place] - past.track.begun >= NEW_SECONDS:
            # As live alerting has it, which knows what remains.
            spent[place] = 1 - (1 - budget[1] / budget[0])
    return Pace(allowed, spent)


class _Walk:
    """Budgets at one reading after the other; years have too many for an object each."""

    def __init__(self, past: Past, objective: Decimal, window: Window) -> None:
        self._past, self._objective, self._window = past, objective, window
        self._share = float(1 - objective)
        self._rolling = (
            round(window.length.total_seconds()) if isinstance(window, RollingWindow) else 0
        )
        self._before = past.before(self._rolling) if self._rolling else ()
        self._history = past.before(HISTORY_SECONDS)
        self._gone = union(e.span for e in past.exclusions)
        self._period = Span(0, 0)
        self._first = 0

    def budget_at(self, place: int) -> tuple[float, float]:
        """The bad events that the window allows and those that it holds."""
        past, end = self._past, self._past.ends[place]
        if self._rolling:
            first, start = self._before[place], end - self._rolling
            if past.track.begun <= start:
                return self._full(first, place)
            rest = Span(start, past.track.begun)
        else:
            if not self._period.start < end <= self._period.end:
                self._period = self._window.period_at(end)
                self._first = past.place(self._period.start)
            first, rest = self._first, Span(end, self._period.end)
            if not rest.seconds:
                return self._full(first, place)
        seconds = net_seconds(rest, self._gone) if self._gone else rest.seconds
        expected = self._expected(place, seconds)
        budget = budget_of(self._objective, self._tally(first, place), expected)
        return budget.allowed, budget.spent

    def _full(self, first: int, place: int) -> tuple[float, float]:
        past = self._past
        total, bad = past.total[place] - past.total[first], past.bad[place] - past.bad[first]
        return (self._share * total if total > 0 else 0.0), (bad if bad > 0 else 0.0)

    def _expected(self, place: int, seconds: int) -> float:
        past, end = self._past, self._past.ends[place]
        counted = past.counted(Span(end - HISTORY_SECONDS, end))
        return expected_events(self._tally(self._history[place], place), counted, seconds)

    def _tally(self, first: int, place: int) -> Tally:
        past = self._past
        total = past.total[place] - past.total[first]
        return Tally(total - (past.bad[place] - past.bad[first]), total, 0.0)
