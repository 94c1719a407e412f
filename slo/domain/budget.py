"""Error budgets: what a window may spend, has spent, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slo.domain.span import Span
from slo.domain.standing import Budget

if TYPE_CHECKING:
    from decimal import Decimal

    from slo.domain.ledger import Tally

HISTORY_SECONDS = 28 * 86400
"""How far back to look for the rate of events that a filling window is to expect."""


def rest_of(whole: Span, booked: Span, *, calendar: bool) -> Span | None:
    """The part of a window that no reading can be of; None where it is full.

    Of a calendar period that is what is to come, of a rolling window the part
    before the ledger, which is `booked`, began.
    """
    if whole.end > booked.end:
        return Span(booked.end, whole.end)
    if calendar or booked.start <= whole.start:
        return None
    return Span(whole.start, min(booked.start, booked.end))


def expected_events(history: Tally, history_seconds: float, rest_seconds: float) -> float:
    """The events to expect in `rest_seconds`, at the rate of the history.

    The rate is events per second of the history's counted time (exclusions taken
    out), covered or not: a counter's events of an uncovered span arrive in the
    step across it, so that dividing by covered seconds would count them double.
    Weeks are whole in 28 days, and so weekends weigh as they should.
    """
    if history_seconds <= 0 or rest_seconds <= 0:
        return 0.0
    return max(0.0, history.total) * rest_seconds / history_seconds


def budget_of(objective: Decimal, tally: Tally, expected: float | None = None) -> Budget:
    """The budget of a window that holds `tally`; None of it `remaining` without events.

    `expected` is how many events the window's part without readings stands for, and
    marks the budget as projected; None: the window is full.
    """
    events = max(0.0, tally.total) + (expected or 0.0)
    allowed = float(1 - objective) * events
    remaining = 1 - tally.bad / allowed if allowed > 0 else None
    return Budget(allowed, tally.bad, remaining, projected=expected is not None)
