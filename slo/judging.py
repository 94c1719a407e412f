"""Judging: the verdicts of many SLOs over many periods, from a few bulk reads of the store."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slo.domain.budget import HISTORY_SECONDS
from slo.domain.meter import indicator_from_json
from slo.domain.span import Span, rfc3339
from slo.domain.standing import Note
from slo.domain.verdict import Case, held, meter_for, verdict_of
from slo.store import corrections, exclusions, readings, slos

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from sqlalchemy.orm import Session

    from slo.domain.ledger import Correction, Exclusion
    from slo.domain.meter import Meter
    from slo.domain.verdict import Verdict
    from slo.store.slos import Revision


def judge(
    session: Session, slo_ids: Iterable[str], periods: Sequence[Span]
) -> dict[str, list[Verdict]]:
    """The verdicts of each SLO, in the order of the periods.

    Each is judged by the objective in force at the period's end and by one meter, that
    which reaches nearest to the end; exclusions are taken out and corrections applied.
    A period that runs is judged till now. Costs one query each for meters, revisions,
    exclusions, corrections, pauses and readings, however many SLOs and periods there are.
    """
    wanted = list(dict.fromkeys(slo_ids))
    found = _found(session, wanted, periods)
    cases = [found.case(slo_id, period) for slo_id in wanted for period in periods]
    planned = [(case, case.instants()) for case in cases]
    asked: dict[int, set[int]] = defaultdict(set)
    for case, instants in planned:
        if case.meter is not None:
            asked[case.meter.id] |= instants
    at = readings.readings_at(session, asked)
    result: dict[str, list[Verdict]] = {slo_id: [] for slo_id in wanted}
    for case, instants in planned:
        number = 0 if case.meter is None else case.meter.id
        known = {t: at[number, t] for t in instants if (number, t) in at}
        result[case.slo].append(verdict_of(case, known))
    return result


@dataclass(frozen=True, slots=True)
class _Found:
    """What the store knows of all SLOs, read once."""

    meters: Mapping[str, Sequence[Meter]]
    revisions: Mapping[str, Sequence[Revision]]
    exclusions: Mapping[tuple[str, Span], Sequence[Exclusion]]
    """By scope and period."""
    corrections: Mapping[str, Sequence[Correction]]
    paused: frozenset[str]
    estimated: frozenset[int]
    """The meters that a query counts for."""

    def case(self, slo: str, period: Span) -> Case:
        """What is to be judged of an SLO over a period."""
        meters = self.meters[slo]
        meter = meter_for(meters, period)
        return Case(
            slo=slo,
            period=period,
            objective=_objective(self.revisions[slo], period.end),
            meter=meter,
            exclusions=[
                exclusion
                for scope in ("*", f"{slo.partition('/')[0]}/*", slo)
                for exclusion in self.exclusions.get((scope, period), ())
            ],
            corrections=self.corrections[slo],
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


def _found(session: Session, slo_ids: Sequence[str], periods: Sequence[Span]) -> _Found:
    meters = slos.meters_by_slo(session, slo_ids)
    return _Found(
        meters,
        slos.revisions_of(session, slo_ids),
        _exclusions(session, periods),
        corrections.of(session, slo_ids),
        frozenset(known.id for known in slos.all_slos(session) if known.paused_at is not None),
        frozenset(
            meter.id
            for of_slo in meters.values()
            for meter in of_slo
            if indicator_from_json(meter.indicator).kind == "query"
        ),
    )


def _exclusions(
    session: Session, periods: Sequence[Span]
) -> dict[tuple[str, Span], list[Exclusion]]:
    """The exclusions by scope and by each period that they, or the 28 days before it, touch."""
    found: dict[tuple[str, Span], list[Exclusion]] = defaultdict(list)
    for exclusion in exclusions.of(session):
        for period in periods:
            if exclusion.span.overlap(Span(period.start - HISTORY_SECONDS, period.end)):
                found[exclusion.scope, period].append(exclusion)
    return found


def _objective(revisions: Sequence[Revision], at: int) -> Decimal | None:
    """The objective of the newest revision that had begun, else of the oldest."""
    if not revisions:
        return None
    begun = [revision for revision in revisions if revision.since <= at]
    return (begun[-1] if begun else revisions[0]).objective
