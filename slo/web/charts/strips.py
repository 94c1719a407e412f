"""Strips of days: of each of the last 30 days whether the objective was met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from slo.domain.span import Span
from slo.judging import judge
from slo.web import format as fmt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from slo.domain.verdict import Verdict

Kind = Literal["met", "missed", "empty"]

DAYS = 30
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC: `met`, `missed` or `empty` (no data), and why."""

    kind: Kind
    day: str
    text: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The days of an SLO, or with an empty name of all together, and their sum in words."""

    name: str
    days: tuple[Day, ...]
    met: str
    """How many of those with data: `28 of 30`."""
    told: str


def last_days(now: float) -> list[Span]:
    """The last 30 days in UTC; the last of them is today."""
    today = int(now) // _DAY * _DAY
    return [Span(today - age * _DAY, today - (age - 1) * _DAY) for age in range(DAYS - 1, -1, -1)]


def strips(session: Session, names: Mapping[str, str], now: float) -> list[Strip]:
    """A strip for all SLOs together, then one for each (`names` by id).

    Each day is judged by the objective in force at its end. Together they met a day that
    one of them met and none missed.
    """
    periods = last_days(now)
    found = judge(session, names, periods, now)
    days = [
        _day_of_all(span, {names[slo]: of[place] for slo, of in found.items()})
        for place, span in enumerate(periods)
    ]
    each = [_strip(names[slo], [_day(verdict) for verdict in of]) for slo, of in found.items()]
    return [_strip("", days), *each] if len(each) > 1 else each


def _day(verdict: Verdict) -> Day:
    day = fmt.day(verdict.period.start)
    if verdict.met is None or verdict.objective is None:
        return Day("empty", day, "no data")
    kind: Kind = "met" if verdict.met else "missed"
    word = f"{'within' if verdict.met else 'over'} budget so far" if verdict.running else kind
    sli = fmt.sli(verdict.sli, verdict.objective)
    objective = fmt.objective(verdict.objective)
    return Day(kind, day, f"{word}, {sli} of {fmt.count(verdict.total)}, for {objective}")


def _day_of_all(span: Span, verdicts: Mapping[str, Verdict]) -> Day:
    day = fmt.day(span.start)
    so_far = any(verdict.running for verdict in verdicts.values())
    missed = ", ".join(name for name, verdict in verdicts.items() if verdict.met is False)
    if missed:
        return Day(
            "missed", day, f"over budget so far: {missed}" if so_far else f"missed by {missed}"
        )
    if any(verdict.met for verdict in verdicts.values()):
        word = "within budget so far:" if so_far else "met by"
        return Day("met", day, f"{word} all that have data")
    return Day("empty", day, "no data")


def _strip(name: str, days: Sequence[Day]) -> Strip:
    missed = [day.day for day in days if day.kind == "missed"]
    judged = sum(1 for day in days if day.kind != "empty")
    empty = len(days) - judged
    told = [f"missed on {', '.join(missed)}" if missed else "none missed"]
    if empty:
        told.append(f"{empty} without data")
    return Strip(name, tuple(days), f"{judged - len(missed)} of {judged}", "; ".join(told))
