"""Judging: the verdicts of many SLOs over many periods, from a few bulk reads of the store."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.exclusion import end_instant, moved_out
from slo.domain.meter import indicator_from_json
from slo.domain.span import Span, rfc3339, union
from slo.domain.standing import Note
from slo.domain.verdict import Case, held, meter_for, verdict_of
from slo.store import corrections, exclusions, readings, slos

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from sqlalchemy.orm import Session

    from slo.domain.ledger import Correction, Reading
    from slo.domain.meter import Meter
    from slo.domain.verdict import Verdict
    from slo.store.slos import Revision

_AT_ONCE = 100
"""SLOs whose readings are held at a time: with many exclusions and days they are many."""


def judge(
    session: Session, slo_ids: Iterable[str], periods: Sequence[Span], now: float
) -> dict[str, list[Verdict]]:
    """The verdicts of each SLO, in the order of the periods.

    Each is judged by the objective in force at the period's end and by one meter, that
    which reaches nearest to the end; exclusions are taken out and corrections applied.
    A period that runs is judged till `now` (epoch seconds). Costs one query each for
    meters, revisions, exclusions, corrections and pauses, however many SLOs and periods
    there are, and two for the readings of each 100 SLOs.
    """
    wanted = list(dict.fromkeys(slo_ids))
    found = _found(session, wanted)
    result: dict[str, list[Verdict]] = {slo_id: [] for slo_id in wanted}
    for first in range(0, len(wanted), _AT_ONCE):
        some = wanted[first : first + _AT_ONCE]
        cases = [found.case(slo_id, period, now) for slo_id in some for period in periods]
        ledgers = _ledgers(session, cases)
        for case in cases:
            number = 0 if case.meter is None else case.meter.id
            ledger = ledgers.get(number, _Ledger({}, {}))
            result[case.slo].append(verdict_of(case, ledger.readings, ledger.taken_out))
    return result


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What the cases of one meter need of its ledger; see `verdict_of`."""

    readings: dict[int, Reading]
    taken_out: dict[Span, Span]


def _ledgers(session: Session, cases: Sequence[Case]) -> dict[int, _Ledger]:
    """The ledgers of all meters of the cases; each exclusion is looked up once a meter."""
    meters = {case.meter.id: case.meter for case in cases if case.meter is not None}
    asked: dict[int, set[int]] = defaultdict(set)
    away: dict[int, set[Span]] = defaultdict(set)
    for case in cases:
        if case.meter is not None:
            asked[case.meter.id] |= case.instants()
            away[case.meter.id].update(case.away)
    for number, spans in away.items():
        begun = meters[number].booked_from
        if spans and begun is not None:
            asked[number] |= {begun, *(span.start for span in spans)}
    at = readings.readings_at(session, asked)
    ends = {number: {span.end for span in spans} for number, spans in away.items()}
    after = _settled(session, readings.readings_from(session, ends), meters)
    ledgers = {number: _Ledger({}, {}) for number in meters}
    for (number, _), one in after.items():
        ledgers[number].readings[one.end] = one
    for (number, t), one in at.items():
        ledgers[number].readings[t] = ledgers[number].readings[one.end] = one
    for number, spans in away.items():
        booked = _booked(meters[number])
        for span in spans:
            beside = at.get((number, span.start)), after.get((number, span.end))
            ledgers[number].taken_out[span] = moved_out(span, booked, *beside)
    return ledgers


def _settled(
    session: Session, after: dict[tuple[int, int], Reading], meters: Mapping[int, Meter]
) -> dict[tuple[int, int], Reading]:
    """The readings that ends move to; see `end_instant`."""
    instants = {
        (number, end): (number, end_instant(end, one, meters[number].bucket))
        for (number, end), one in after.items()
    }
    odd = [key for key, (_, instant) in instants.items() if instant != after[key].end]
    if not odd:
        return after
    found = readings.readings_at(session, [instants[key] for key in odd])
    return after | {key: found[instants[key]] for key in odd if instants[key] in found}


def _booked(meter: Meter) -> Span:
    return Span(meter.booked_from or 0, meter.booked_to or 0)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the store knows of all SLOs, read once."""

    meters: Mapping[str, Sequence[Meter]]
    revisions: Mapping[str, Sequence[Revision]]
    exclusions: Mapping[str, Sequence[Span]]
    """What is excluded of each SLO, disjoint and in order."""
    corrections: Mapping[int, Sequence[Correction]]
    """By meter."""
    paused: frozenset[str]
    estimated: frozenset[int]
    """The meters that a query counts for."""

    def case(self, slo: str, period: Span, now: float) -> Case:
        """What is to be judged of an SLO over a period."""
        meters = self.meters[slo]
        meter = meter_for(meters, period)
        return Case(
            slo=slo,
            period=period,
            objective=_objective(self.revisions[slo], period.end),
            meter=meter,
            now=now,
            exclusions=self.exclusions[slo],
            corrections=() if meter is None else self.corrections[meter.id],
            # A meter that ended, or whose SLO is gone, is followed by nothing.
            paused=slo in self.paused or (meter is not None and meter is not meters[-1]),
            notes=() if meter is None else self._notes(meter, period),
        )

    def _notes(self, meter: Meter, period: Span) -> tuple[Note, ...]:
        """What to know of the choice of a meter, and of how it counts."""
        notes = []
        own = held(meter, period)
        others = [held(m, period) for m in self.meters[meter.slo] if m is not meter]
        if own is not None and any(span and span.start < own.start for span in others):
            text = (
                f"What is counted changed; only what is counted since {rfc3339(own.start)} is"
                " judged, since no period mixes two."
            )
            notes.append(Note("meter", text, None, period.start, own.start))
        if meter.id in self.estimated:
            notes.append(Note("estimated", "Counted by a query, so estimated, not exact."))
        return tuple(notes)


def _found(session: Session, slo_ids: Sequence[str]) -> _Found:
    meters = slos.meters_by_slo(session, slo_ids)
    return _Found(
        meters,
        slos.revisions_of(session, slo_ids),
        _exclusions(session, slo_ids),
        corrections.of(session, [meter.id for of_slo in meters.values() for meter in of_slo]),
        frozenset(known.id for known in slos.all_slos(session) if known.paused_at is not None),
        frozenset(
            meter.id
            for of_slo in meters.values()
            for meter in of_slo
            if indicator_from_json(meter.indicator).kind == "query"
        ),
    )


def _exclusions(session: Session, slo_ids: Sequence[str]) -> dict[str, Sequence[Span]]:
    by_scope: dict[str, list[Span]] = defaultdict(list)
    for exclusion in exclusions.of(session):
        by_scope[exclusion.scope].append(exclusion.span)
    # Most SLOs share theirs with others, so few unions are made.
    unions: dict[tuple[str, ...], Sequence[Span]] = {}
    found = {}
    for slo in slo_ids:
        scopes = tuple(s for s in ("*", f"{slo.partition('/')[0]}/*", slo) if s in by_scope)
        if scopes not in unions:
            unions[scopes] = union(span for scope in scopes for span in by_scope[scope])
        found[slo] = unions[scopes]
    return found


def _objective(revisions: Sequence[Revision], at: int) -> Decimal | None:
    """The objective of the newest revision that had begun, else of the oldest."""
    if not revisions:
        return None
    begun = [revision for revision in revisions if revision.since <= at]
    return (begun[-1] if begun else revisions[0]).objective
