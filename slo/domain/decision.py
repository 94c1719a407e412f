"""Decisions: whether a rule fires at the end of a bucket, and why, in words.

A pure function of the ledger's spans, the rule, and what the last decision left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Literal

from slo.domain.alert import AlertState
from slo.domain.burn import burn_rate
from slo.domain.confidence import wilson
from slo.domain.digits import significant, told_apart
from slo.domain.duration import format_duration
from slo.domain.objective import format_percent
from slo.domain.policy import BudgetRule, BurnRule, FloorRule
from slo.domain.span import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from slo.domain.alert import Number
    from slo.domain.ledger import Tally
    from slo.domain.policy import AbsenceKind, AbsenceRule, Rule, Severity

Verdict = Literal["fires", "firing", "resolves", "quiet", "frozen", "inconclusive"]

LEAST_COVERED = 0.8
"""A rule is frozen while less than this share of its short window is covered."""

BUDGET_MARGIN = 0.02
"""How far below its share the spent budget must fall before a budget alert resolves."""

_NOISE = 1e-6
"""Covered seconds that sums of floats may differ by without meaning anything."""

_CLOSE = 1e-9
"""Shares that differ by less are compared exactly."""

_DIGITS = 4
"""So many digits of a number mean something in a reason; more where it would read as its limit."""

_VERBS: dict[Severity, str] = {"page": "pages", "ticket": "tickets"}


@dataclass(frozen=True, slots=True)
class Moment:
    """An SLO's ledger as seen from the end of one bucket.

    The functions take a length in seconds and look at the span of that length that
    ends `at`: its events (net of exclusions, without corrections), the seconds of it
    that count, and the longest step across a gap that was booked in it.
    """

    at: int
    bucket: int
    objective: Decimal
    tally: Callable[[int], Tally]
    counted: Callable[[int], int]
    carried: Callable[[int], int]
    spent: float | None = None
    """The share of the error budget that is spent; None: not to be judged."""
    absence: tuple[AbsenceKind, int] | None = None
    """Which kind of absence there is, and since when."""
    lag: int = 0
    """Seconds after a bucket's end at which it is decided."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule says, its reason in words, the numbers behind it, and the state it leaves."""

    verdict: Verdict
    reason: str
    state: AlertState
    numbers: tuple[Number, ...] = ()


def decide(rule: Rule, moment: Moment, state: AlertState | None) -> Decision:
    """The decision of a rule at a moment, after `state` (None: it was quiet)."""
    before = state or AlertState(rule.name, rule.kind, rule.severity)
    if (before.kind, before.severity) != (rule.kind, rule.severity):
        before = replace(before, kind=rule.kind, severity=rule.severity)
    if isinstance(rule, BurnRule):
        return _burn(rule, moment, before)
    if isinstance(rule, FloorRule):
        return _floor(rule, moment, before)
    if isinstance(rule, BudgetRule):
        return _budget(rule, moment, before)
    return _absence(rule, moment, before)


def windows_of(rule: Rule) -> tuple[int, ...]:
    """The lengths of the spans that a rule looks at, in seconds."""
    if isinstance(rule, BurnRule):
        return rule.long, rule.short
    return (rule.span,) if isinstance(rule, FloorRule) else ()


def frozen_because(moment: Moment, short: int, long: int) -> str:
    """Why windows of these lengths cannot decide now; empty: they can."""
    if not moment.counted(moment.bucket):
        return "the newest bucket is excluded"
    if moment.tally(moment.bucket).covered <= _NOISE:
        return "the newest bucket has no data"
    for length in (short, long):
        step = moment.carried(length)
        if step > length:
            return f"a step of {_long(step)} across a gap lies in the last {_long(length)}"
    # What a carried step counted fills its gap: nothing of the window is missing.
    counted = moment.counted(short)
    share = (moment.tally(short).covered + moment.carried(short)) / counted if counted else 0.0
    if share < LEAST_COVERED:
        return f"only {share:.0%} of the last {_long(short)} is covered"
    return ""


def _burn(rule: BurnRule, moment: Moment, state: AlertState) -> Decision:
    long, short = moment.tally(rule.long), moment.tally(rule.short)
    rates = burn_rate(long, moment.objective), burn_rate(short, moment.objective)
    limit = rule.factor * (1 - moment.objective)
    numbers: tuple[Number, ...] = (
        ("factor", float(rule.factor)),
        ("long_burn", rates[0]),
        ("short_burn", rates[1]),
        ("long_bad", long.bad),
        ("long_total", long.total),
        ("short_bad", short.bad),
        ("short_total", short.total),
    )
    long_rate, short_rate = (_times(rate, rule.factor) for rate in rates)
    said = f"burned {long_rate} over {_long(rule.long)}"
    said += f" and {short_rate} over {_long(rule.short)}"
    said += f"; {_VERBS[rule.severity]} at {rule.factor.normalize():f}x"
    frozen = frozen_because(moment, rule.short, rule.long)
    if frozen:
        return _frozen(state, frozen, said, numbers)
    if state.firing:
        burns = _reaches(short, limit)
        return _calming(state, moment, rule.short, burns, said, numbers)
    if not (_reaches(long, limit) and _reaches(short, limit)):
        return _quiet(state, said, numbers)
    if long.bad < rule.min_bad_events:
        said += f"; {long.bad:g} bad of the {rule.min_bad_events} that it takes"
        return _quiet(state, said, numbers, "inconclusive")
    if rule.confident:
        least = wilson(long.bad, long.total)[0]
        if least <= limit:
            said += f"; of {long.total:g} events, too few to be sure"
            return _quiet(state, said, numbers, "inconclusive")
    return _fires(state, moment.at, said, numbers)


def _floor(rule: FloorRule, moment: Moment, state: AlertState) -> Decision:
    seen = moment.tally(rule.span)
    low, high = wilson(seen.total - seen.bad, seen.total)
    numbers: tuple[Number, ...] = (
        ("least", float(rule.least)),
        ("sli", seen.sli),
        ("sli_low", low),
        ("sli_high", high),
        ("bad", seen.bad),
        ("total", seen.total),
    )
    shown = "without events" if seen.sli is None else _percent(seen.sli, rule.least)
    said = f"{shown} good over {_long(rule.span)}"
    said += f"; {_VERBS[rule.severity]} below {format_percent(rule.least)}"
    frozen = frozen_because(moment, rule.span, rule.span)
    if frozen:
        return _frozen(state, frozen, said, numbers)
    below = seen.sli is not None and seen.sli < float(rule.least)
    if state.firing:
        return _calming(state, moment, rule.span, below, said, numbers)
    if not below:
        return _quiet(state, said, numbers)
    if high >= float(rule.least) or seen.bad < rule.min_bad_events:
        said += f"; of {seen.total:g} events, too few to be sure"
        return _quiet(state, said, numbers, "inconclusive")
    return _fires(state, moment.at, said, numbers)


def _budget(rule: BudgetRule, moment: Moment, state: AlertState) -> Decision:
    spent = moment.spent
    numbers: tuple[Number, ...] = (("spent", spent), ("at", float(rule.spent)))
    if spent is None:
        return Decision("firing" if state.firing else "quiet", state.reason, state, numbers)
    said = f"{_percent(spent, rule.spent)} of the error budget is spent"
    said += f"; {_VERBS[rule.severity]} at {format_percent(rule.spent)}"
    if state.firing:
        if spent < float(rule.spent) - BUDGET_MARGIN:
            return _resolves(state, said, numbers)
        return Decision("firing", said, replace(state, reason=said, frozen=""), numbers)
    if spent >= float(rule.spent):
        return _fires(state, moment.at, said, numbers)
    return _quiet(state, said, numbers)


def _absence(rule: AbsenceRule, moment: Moment, state: AlertState) -> Decision:
    kind, since = moment.absence or (None, 0)
    if kind != rule.kind:
        if moment.counted(moment.bucket) and moment.tally(moment.bucket).covered > _NOISE:
            return _resolves(state, "there are data again", ()) if state.firing else _quiet(state)
        # Neither here nor there: what it was stays.
        return Decision("firing" if state.firing else "quiet", state.reason, state)
    if state.absent_since is not None:
        since = min(since, state.absent_since)
    numbers: tuple[Number, ...] = (("since", float(since)), ("after", float(rule.after)))
    said = f"{_ABSENT[rule.kind]} since {rfc3339(since)}"
    said += f"; {_VERBS[rule.severity]} after {_long(rule.after)}"
    state = replace(state, absent_since=since, reason=said, frozen="")
    if state.firing:
        return Decision("firing", said, state, numbers)
    # Decided now if the next bucket's end would be too late to tell in time.
    if moment.at + moment.bucket + moment.lag > since + rule.after:
        return _fires(state, moment.at, said, numbers)
    return Decision("quiet", said, state, numbers)


_ABSENT: dict[AbsenceKind, str] = {
    "dead": "every target is down",
    "gone": "its series are gone with their targets",
    "blind": "its source is silent",
}


def _calming(
    state: AlertState,
    moment: Moment,
    hold: int,
    burns: bool,
    said: str,
    numbers: tuple[Number, ...],
) -> Decision:
    """A firing alert resolves once its short window has stayed below for its own length."""
    if burns:
        kept = replace(state, calm_since=None, frozen="", reason=said)
        return Decision("firing", said, kept, numbers)
    since = moment.at if state.calm_since is None else state.calm_since
    if moment.at - since >= hold:
        return _resolves(state, f"{said}; below for {_long(moment.at - since)}", numbers)
    kept = replace(state, calm_since=since, frozen="", reason=said)
    return Decision("firing", said, kept, numbers)


def _fires(state: AlertState, at: int, said: str, numbers: tuple[Number, ...]) -> Decision:
    fired = replace(
        state, firing=True, since=at, calm_since=None, frozen="", reason=said, told=False
    )
    return Decision("fires", said, fired, numbers)


def _resolves(state: AlertState, said: str, numbers: tuple[Number, ...]) -> Decision:
    over = AlertState(state.rule, state.kind, state.severity, reason=said)
    return Decision("resolves", said, over, numbers)


def _quiet(
    state: AlertState,
    said: str = "",
    numbers: tuple[Number, ...] = (),
    verdict: Literal["quiet", "inconclusive"] = "quiet",
) -> Decision:
    return Decision(verdict, said, AlertState(state.rule, state.kind, state.severity), numbers)


def _frozen(state: AlertState, why: str, said: str, numbers: tuple[Number, ...]) -> Decision:
    # What was calm before nobody looked may not have stayed so.
    kept = replace(state, frozen=why, calm_since=None, reason=state.reason or said)
    return Decision("frozen", f"frozen: {why}", kept, numbers)


def _reaches(tally: Tally, limit: Decimal) -> bool:
    """Whether the share of bad events is at least `limit`; exact where floats are too close."""
    if tally.total <= 0:
        return False
    distance = tally.bad / tally.total - float(limit)
    if abs(distance) > _CLOSE:
        return distance > 0
    return Fraction(tally.bad) >= Fraction(limit) * Fraction(tally.total)


def _times(rate: float | None, factor: Decimal) -> str:
    return "nothing" if rate is None else f"{_beside(rate, float(factor))}x"


def _percent(share: float, limit: Decimal) -> str:
    return f"{_beside(share * 100, float(limit * 100))}%"


def _beside(number: float, limit: float) -> str:
    return told_apart(number, partial(significant, number), _DIGITS, limit)


@lru_cache(maxsize=1024)
def _long(seconds: int) -> str:
    return format_duration(timedelta(seconds=seconds))
