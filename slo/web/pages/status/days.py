"""The days of services: was each SLO within its objective on each day, as the status page tells.

What is past changes seldom, so it is judged once and kept; two past days are judged
anew with every refresh, so that corrections and exclusions show within the hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Literal

from slo.domain.span import Span
from slo.judging import judge
from slo.store import slos

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy.orm import Session

DAYS = 90
_DAY = 86_400
_AGAIN = 2
"""Past days that are judged anew with each refresh."""
_MOST_CHANGED = 100
"""SLOs whose whole past is judged anew with one refresh, as their backfill goes on."""

DayState = Literal["met", "partly", "missed", "none"]


@dataclass(frozen=True, slots=True)
class DayVerdict:
    """One SLO on one day; `met` None: no events, or no ledger."""

    good: float
    total: float
    met: bool | None


@dataclass(frozen=True, slots=True)
class ServiceDay:
    """A service on one day (its first instant in UTC), and the SLOs that missed."""

    day: int
    state: DayState
    missed: tuple[str, ...] = ()


class Days:
    """The verdicts of the last days, kept in memory; one thread refreshes them at a time."""

    def __init__(self) -> None:
        self._verdicts: dict[int, dict[str, DayVerdict]] = {}
        self._begun: dict[str, int | None] = {}
        self._turn: Iterator[int] = cycle(range(1, DAYS))

    def refresh(self, session: Session, slo_ids: Sequence[str], now: float) -> None:
        """Judges today, what is missing or grew into the past, and two past days again."""
        today = int(now) // _DAY * _DAY
        wanted = [today - back * _DAY for back in range(DAYS)]
        missing = [day for day in wanted if day not in self._verdicts]
        again = {today - next(self._turn) * _DAY for _ in range(_AGAIN)}
        # The last buckets of a day are booked after its end.
        again |= {today, (int(now) - 3600) // _DAY * _DAY, *missing}
        self._judge(session, slo_ids, sorted(again), now)
        begun = {slo: meter.booked_from for slo, meter in slos.running_meters(session).items()}
        if len(missing) < DAYS:
            grown = [s for s in slo_ids if begun.get(s) != self._begun.get(s)][:_MOST_CHANGED]
            if grown:
                self._judge(session, grown, sorted(set(wanted) - again), now)
            self._begun |= {slo: begun.get(slo) for slo in grown}
        else:
            self._begun = {slo: begun.get(slo) for slo in slo_ids}
        self._verdicts = {day: self._verdicts[day] for day in sorted(wanted)}

    def of(self, slo_id: str) -> list[tuple[int, DayVerdict]]:
        """The days of one SLO, oldest first."""
        none = DayVerdict(0.0, 0.0, None)
        return [(day, found.get(slo_id, none)) for day, found in self._verdicts.items()]

    def _judge(
        self, session: Session, slo_ids: Sequence[str], days: Sequence[int], now: float
    ) -> None:
        spans = [Span(day, day + _DAY) for day in days]
        for slo_id, verdicts in judge(session, slo_ids, spans, now).items():
            for verdict in verdicts:
                kept = self._verdicts.setdefault(verdict.period.start, {})
                kept[slo_id] = DayVerdict(verdict.total - verdict.bad, verdict.total, verdict.met)
        for day in days:  # A store without SLOs has days, too.
            self._verdicts.setdefault(day, {})


def service_days(
    of_slos: Iterable[tuple[str, Sequence[tuple[int, DayVerdict]]]],
) -> list[ServiceDay]:
    """The days of a service from those of its SLOs, by name and oldest first."""
    found = list(of_slos)
    return [
        _service_day(
            on[0][0], [(name, verdict) for (name, _), (_, verdict) in zip(found, on, strict=True)]
        )
        for on in zip(*(days for _, days in found), strict=True)
    ]


def sli_over(days: Iterable[tuple[int, DayVerdict]]) -> float | None:
    """Good of total over all days; None without events."""
    verdicts = [verdict for _, verdict in days]
    total = sum(verdict.total for verdict in verdicts)
    return sum(verdict.good for verdict in verdicts) / total if total > 0 else None


def _service_day(day: int, verdicts: Sequence[tuple[str, DayVerdict]]) -> ServiceDay:
    judged = [(name, verdict.met) for name, verdict in verdicts if verdict.met is not None]
    missed = tuple(name for name, met in judged if not met)
    if not judged:
        return ServiceDay(day, "none")
    if not missed:
        return ServiceDay(day, "met")
    return ServiceDay(day, "missed" if len(missed) == len(judged) else "partly", missed)
