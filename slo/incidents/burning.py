"""Burning: when an SLO's burn began and ended, and what it lost in between, from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from slo.domain.burn import burn_rate
from slo.domain.decision import windows_of
from slo.domain.exclusion import instants_needed, snapped, tally
from slo.domain.incident_rules import BURNS_FROM, STEP, Step, first_burning, last_burning
from slo.domain.ledger import difference
from slo.domain.span import Span
from slo.store import corrections, exclusions, incidents, readings, slos, standings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from decimal import Decimal

    from sqlalchemy.orm import Session

    from slo.domain.alert import Transition
    from slo.domain.incident import Incident
    from slo.domain.ledger import Exclusion, Reading
    from slo.domain.meter import Meter
    from slo.domain.policy import Rule

_CHUNK = 288
"""Steps that are read at once when the end of a burn is sought: a day."""
_FEW = 20


@dataclass(frozen=True, slots=True)
class Book:
    """An SLO's running meter, and the objective in force."""

    slo: str
    meter: Meter
    objective: Decimal


def books_of(session: Session, slo_ids: Collection[str], at: int) -> dict[str, Book]:
    """The books of these SLOs with the promise in force at `at`; those without one are left out."""
    if len(slo_ids) > _FEW:
        running = slos.running_meters(session)
    else:
        found = {slo_id: slos.meter_of(session, slo_id) for slo_id in slo_ids}
        running = {slo_id: meter for slo_id, meter in found.items() if meter is not None}
    promised = slos.revision_at(session, slo_ids, at)
    return {
        slo_id: Book(slo_id, running[slo_id], promised[slo_id].objective)
        for slo_id in slo_ids
        if slo_id in running and slo_id in promised
    }


def began_at(session: Session, book: Book | None, t: Transition, rule: Rule | None) -> int:
    """Where the burn began that made an alert fire, sought over the rule's long window.

    Of missing data: since when they are missing.
    """
    since = dict(t.numbers).get("since")
    if since is not None:
        return min(int(since), t.at)
    windows = windows_of(rule) if rule is not None else ()
    if book is None or not windows:
        return t.at
    steps = _steps(session, book, t.at - max(windows), t.at)
    first = first_burning(steps, min(windows))
    return t.at if first is None else _burning_buckets(session, book, first.end)[0]


def calm_since(session: Session, book: Book, start: int, at: int) -> int | None:
    """The end of the last bucket that burned in `(start, at]`.

    `at` where the last step still burns; None where nothing burned.
    """
    end = at
    while end > start:
        begin = max(start, end - _CHUNK * STEP)
        last = last_burning(_steps(session, book, begin, end))
        if last is not None:
            return at if last.end == at else _burning_buckets(session, book, last.end)[1]
        end = begin
    return None


def write_lost(session: Session, incident: Incident, now: int) -> None:
    """Writes what each SLO of an incident lost in it: events, and the share of its budget."""
    ids = [s.slo for s in incident.slos]
    span = Span(incident.started_at, max(incident.started_at, incident.resolved_at or now))
    found = {}
    for slo_id, (bad, total) in _lost(session, ids, span).items():
        standing = standings.one(session, slo_id)
        allowed = 0.0 if standing is None else standing.budget.allowed
        found[slo_id] = (bad, total, bad / allowed if allowed > 0 else None)
    known = {s.slo: (s.bad, s.total, s.budget_share) for s in incident.slos}
    changed = {slo_id: lost for slo_id, lost in found.items() if lost != known[slo_id]}
    incidents.put_lost(session, incident.id, changed)


def _lost(session: Session, slo_ids: Sequence[str], span: Span) -> dict[str, tuple[float, float]]:
    """Bad and total events of a span, without what is excluded, corrected."""
    books = books_of(session, slo_ids, span.end)
    every = exclusions.of(session)
    applying = {
        slo_id: [e for e in every if e.covers(slo_id) and e.span.overlap(span)] for slo_id in books
    }
    wanted = {
        b.meter.id: [
            max(t, b.meter.booked_from or t)
            for t in {
                span.start,
                span.end,
                *instants_needed(span, applying[slo_id], b.meter.bucket),
            }
        ]
        for slo_id, b in books.items()
    }
    found = readings.readings_at(session, wanted)
    late = corrections.of(session, [b.meter.id for b in books.values()])
    result = {}
    for slo_id, b in books.items():
        reading_at = _Readings(b.meter, found)
        away = _snapped(applying[slo_id], reading_at, b.meter.bucket)
        lost = tally(span, reading_at, away, late[b.meter.id])
        result[slo_id] = (lost.bad, max(0.0, lost.total))
    return result


def _snapped(applying: Sequence[Exclusion], reading_at: _Readings, bucket: int) -> Sequence[Span]:
    return snapped(applying, reading_at, bucket) if applying else ()


class _Readings:
    """The last reading of a meter at or before the instants that were asked for."""

    def __init__(self, meter: Meter, found: Mapping[tuple[int, int], Reading]) -> None:
        known = {t: r for (number, t), r in found.items() if number == meter.id}
        self._known = {**known, **{r.end: r for r in known.values()}}
        self._begun = meter.booked_from

    def __call__(self, instant: int) -> Reading | None:
        begun = instant if self._begun is None else self._begun
        return self._known.get(max(instant, begun))


def _steps(session: Session, book: Book, start: int, end: int) -> list[Step]:
    """The burn rates of the steps that end at `end` and before, back to `start`."""
    count = max(1, -(-(end - start) // STEP))
    instants = [end - n * STEP for n in range(count, -1, -1)]
    found = readings.readings_at(session, {book.meter.id: instants})
    steps = []
    for before, after in pairwise(instants):
        first, last = found.get((book.meter.id, before)), found.get((book.meter.id, after))
        rate = None
        if first is not None and last is not None:
            rate = burn_rate(difference(first, last), book.objective)
        steps.append(Step(after, rate))
    return steps


def _burning_buckets(session: Session, book: Book, end: int) -> tuple[int, int]:
    """Where the first bucket that burns of a step begins, and where the last one ends."""
    meter, start = book.meter.id, end - STEP
    before = readings.readings_at(session, {meter: [start]}).values()
    pairs = pairwise([*before, *readings.between(session, meter, start, end)])
    burning = [
        (a.end, b.end)
        for a, b in pairs
        if (burn_rate(difference(a, b), book.objective) or 0.0) >= BURNS_FROM
    ]
    return (max(start, burning[0][0]), burning[-1][1]) if burning else (start, end)
