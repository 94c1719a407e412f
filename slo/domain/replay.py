"""Replays: the alerts that a policy would have fired over a past.

Every decision is `decide`'s, the same as live. Moments at which nothing can change are
passed over: those whose windows are clearly on the same side as before.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, replace
from math import isnan
from typing import TYPE_CHECKING

from slo.domain.alert import PAGED_KINDS
from slo.domain.decision import BUDGET_MARGIN, decide, windows_of
from slo.domain.policy import BudgetRule, BurnRule, FloorRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from decimal import Decimal

    from slo.domain.alert import AlertState, Number
    from slo.domain.decision import Decision
    from slo.domain.pace import Pace
    from slo.domain.past import Past
    from slo.domain.policy import Policy, Rule
    from slo.domain.window import Window

_CLOSE = 2e-9
"""Shares of bad events that differ by less are left to `decide`."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a past is judged by."""

    objective: Decimal
    window: Window
    policy: Policy


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that would have fired. Instants are epoch seconds.

    `began` is where its burn began, `spent` the share of the window's budget that was
    lost from there until it fired; None where that means nothing.
    """

    rule: Rule
    at: int
    reason: str
    numbers: tuple[Number, ...]
    began: int
    spent: float | None
    resolved: int | None = None
    """None: it still fired at the end."""
    end_reason: str = ""

    @property
    def opens(self) -> bool:
        """Whether it opens incidents."""
        return self.rule.kind in PAGED_KINDS

    @property
    def seconds_to_detect(self) -> int | None:
        """From where the burn began; None for budgets, which no single burn spends."""
        return self.at - self.began if self.opens else None

    def until(self, end: int) -> int:
        """Until when it fired, at most the end of the replay."""
        return end if self.resolved is None else self.resolved


def replay_rule(
    rule: Rule, past: Past, objective: Decimal, pace: Pace, places: range
) -> list[Fired]:
    """The alerts of one rule over the readings at these places, after a quiet beginning.

    Missing data have no place in a ledger, so rules about them never fire here.
    """
    fired: list[Fired] = []
    for place, decision in _changes(rule, past, objective, pace, places):
        at = past.ends[place]
        if decision.verdict == "fires":
            windows, allowed = windows_of(rule), pace.allowed[place]
            began = past.began(at, windows, objective) if windows else at
            share = past.bad_within(began, at) / allowed if windows and allowed > 0 else None
            fired.append(Fired(rule, at, decision.reason, decision.numbers, began, share))
        else:
            fired[-1] = replace(fired[-1], resolved=at, end_reason=decision.reason)
    return fired


def _changes(
    rule: Rule, past: Past, objective: Decimal, pace: Pace, places: range
) -> Iterator[tuple[int, Decision]]:
    """The decisions that change something, with their places."""
    hits, calms = _turns(rule, past, objective, pace, places)
    state: AlertState | None = None
    place = hits[0] if hits else None
    while place is not None:
        spent = pace.spent[place]
        moment = past.track.moment(
            past.ends[place], objective, spent=None if isnan(spent) else spent
        )
        decision = decide(rule, moment, state)
        state = decision.state
        if decision.verdict in {"fires", "resolves"}:
            yield place, decision
        following = _next(calms if state.firing else hits, place)
        if following != place + 1:
            # What was passed over burned, or was frozen: calm begins anew.
            state = replace(state, calm_since=None)
        place = following


def _next(turns: Sequence[int], place: int) -> int | None:
    """The first of these places after `place`."""
    found = bisect_right(turns, place)
    return turns[found] if found < len(turns) else None


def _turns(
    rule: Rule, past: Past, objective: Decimal, pace: Pace, places: range
) -> tuple[Sequence[int], Sequence[int]]:
    """The places where the rule may fire while quiet, and where it may calm while it fires."""
    if isinstance(rule, BudgetRule):
        least = float(rule.spent)
        over = [n for n in places if pace.spent[n] >= least]
        return over, [n for n in places if pace.spent[n] < least - BUDGET_MARGIN] if over else ()
    if isinstance(rule, BurnRule):
        limit = float(rule.factor * (1 - objective))
    elif isinstance(rule, FloorRule):
        limit = float(1 - rule.least)
    else:
        return (), ()
    long, short = max(windows_of(rule)), min(windows_of(rule))
    hits = _reaching(past, long, limit, places)
    hits = _reaching(past, short, limit, hits) if short != long else hits
    return hits, _calm(past, short, limit, places) if hits else ()


def _reaching(past: Past, window: int, limit: float, places: Iterable[int]) -> Sequence[int]:
    """The places whose window may hold a share of bad events of at least `limit`."""
    bad, total, before, slack = past.bad, past.total, past.before(window), past.slack
    least = limit - _CLOSE
    return array(
        "l",
        (
            n
            for n in places
            if (lost := bad[n] - bad[b := before[n]]) > 0
            and lost + slack >= least * (total[n] - total[b])
        ),
    )


def _calm(past: Past, window: int, limit: float, places: range) -> Sequence[int]:
    """The places with data whose window does not clearly hold a larger share of bad events.

    Without data a rule is frozen, and what is calm begins anew afterwards.
    """
    bad, total, before, slack = past.bad, past.total, past.before(window), past.slack
    covered, most = past.covered, limit + _CLOSE
    return array(
        "l",
        (
            n
            for n in places
            if covered[n] > covered[n - 1]
            and bad[n] - bad[b := before[n]] <= most * (total[n] - total[b]) + slack
        ),
    )
