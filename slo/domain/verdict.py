"""Verdicts: whether an SLO met its objective over a period, by what its ledger holds of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from slo.domain.budget import HISTORY_SECONDS, budget_of, expected_events
from slo.domain.exclusion import corrections_in, net_seconds, net_spans, tally
from slo.domain.ledger import NOTHING
from slo.domain.span import Span, bucket_floor, overlapping, rfc3339, union
from slo.domain.standing import Note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from slo.domain.ledger import Correction, Reading, Tally
    from slo.domain.meter import Meter
    from slo.domain.standing import Budget

_CATCH_UP = 900
"""Seconds after a period's end in which its last buckets usually come: an empty one is booked
after ten minutes. What comes later still counts, but is not to be counted on."""
_NOISE = 1e-6
"""Events that sums of floats may differ by without meaning anything."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One SLO over one period, judged by the objective in force at the period's end.

    Exclusions are taken out and corrections applied. A period that runs is judged by
    its budget for the whole of it, which is projected; one that is over by what is booked.
    """

    slo: str
    period: Span
    objective: Decimal | None
    good: float
    bad: float
    total: float
    sli: float | None
    budget: Budget | None
    """None where the ledger holds nothing of the period."""
    coverage: float | None
    met: bool | None
    """None: no events, or no ledger in the period."""
    meter: int | None = None
    """The id of the meter that was judged by."""
    booked: Span | None = None
    """The part of the period that the ledger holds."""
    excluded: tuple[Span, ...] = ()
    """What of that part does not count, disjoint and in order."""
    moved: tuple[tuple[Span, Span], ...] = ()
    """The exclusions, as `Case` has them, and where the edges of each lie in the ledger."""
    corrections: tuple[Correction, ...] = ()
    """Those that are counted in: none of what is excluded."""
    notes: tuple[Note, ...] = ()
    """What to know beside the numbers."""

    @property
    def running(self) -> bool:
        """Whether the rest of the period is projected."""
        return self.budget is not None and self.budget.projected

    @property
    def under(self) -> bool:
        """Whether it is under its objective so far, and met only by what is still to come."""
        if not self.running or not self.met or self.objective is None:
            return False
        return Decimal(self.bad) > (1 - self.objective) * Decimal(self.total)

    @property
    def spent(self) -> float | None:
        """The share of the budget that was spent; over 1 where the objective was missed."""
        if self.budget is None or self.budget.remaining is None:
            return None
        return self.budget.spent / self.budget.allowed

    @property
    def counted(self) -> int:
        """The seconds that the ledger holds of the period and that are not excluded."""
        held = 0 if self.booked is None else self.booked.seconds
        return held - sum(span.seconds for span in self.excluded)

    def taken_out_by(self, exclusion: Span) -> Span | None:
        """What one of the exclusions takes out, moved as `excluded` is; None: nothing.

        Where it meets others, only the outer edges of all are moved.
        """
        for span, moved in self.moved:
            if self.booked is not None and span.overlap(exclusion):
                start = moved.start if exclusion.start == span.start else exclusion.start
                end = moved.end if exclusion.end == span.end else exclusion.end
                return Span(start, end).overlap(self.booked)
        return None


@dataclass(frozen=True, slots=True)
class Case:
    """What a verdict is found from, before the readings: the SLO, a period, and its meter.

    `now` is when it is asked for; `exclusions` are all of the SLO, disjoint and in order;
    `paused` tells that nothing more will be booked, so that no rest is projected.
    """

    slo: str
    period: Span
    objective: Decimal | None
    meter: Meter | None
    now: float
    exclusions: Sequence[Span] = ()
    corrections: Sequence[Correction] = ()
    paused: bool = False
    notes: tuple[Note, ...] = ()

    @property
    def booked(self) -> Span | None:
        """The part of the period that the meter's ledger holds."""
        return None if self.meter is None else held(self.meter, self.period)

    @property
    def rest(self) -> Span | None:
        """The part of the period that is still to come; None where there is none."""
        meter = self.meter
        if self.paused or meter is None or meter.booked_to is None:
            return None
        if self.now > self.period.end + _CATCH_UP:
            return None  # The ledger stopped; nothing is known of what came after.
        end = bucket_floor(meter.booked_to, meter.bucket)
        return Span(end, self.period.end) if end < self.period.end else None

    @property
    def away(self) -> Sequence[Span]:
        """What is excluded of the period, and of the 28 days that its rest is expected from."""
        if not self.exclusions or self.booked is None:
            return ()
        first = self.period.start
        if self.rest is not None:
            first = min(first, self.booked.end - HISTORY_SECONDS)
        return overlapping(self.exclusions, Span(first, self.period.end))

    def instants(self) -> set[int]:
        """The instants of the meter's readings that `verdict_of` looks at.

        Beside them it looks at the readings around what is `away`.
        """
        meter, booked = self.meter, self.booked
        if meter is None or meter.booked_from is None or booked is None:
            return set()
        instants = {self.period.start, booked.end}
        if self.rest is not None:
            instants.add(booked.end - HISTORY_SECONDS)
        return {max(t, meter.booked_from) for t in instants}


def held(meter: Meter, period: Span) -> Span | None:
    """The part of a period that a meter's ledger holds."""
    if meter.booked_from is None or meter.booked_to is None:
        return None
    end = bucket_floor(meter.booked_to, meter.bucket)
    return period.overlap(Span(meter.booked_from, end))


def meter_for(meters: Sequence[Meter], period: Span) -> Meter | None:
    """The meter to judge a period by: no period mixes two.

    That which reaches nearest to the period's end; of several, which holds most of it;
    of several, the last given.
    """
    found: Meter | None = None
    best = (0, 0)
    for meter in meters:
        span = held(meter, period)
        if span is not None and (span.end, span.seconds) >= best:
            found, best = meter, (span.end, span.seconds)
    return found


def verdict_of(
    case: Case, readings: Mapping[int, Reading], taken_out: Mapping[Span, Span]
) -> Verdict:
    """The verdict of a case.

    `readings` holds the last reading at each of its instants and at the ledger's
    beginning, `taken_out` what is taken out of the ledger for each span that is `away`;
    the readings at their edges are among `readings`.
    """
    meter, booked, objective = case.meter, case.booked, case.objective
    if meter is None or meter.booked_from is None or booked is None or objective is None:
        return _without_ledger(case)
    begun = meter.booked_from

    def reading_at(instant: int) -> Reading | None:
        return readings.get(max(instant, begun))

    excluded = union(taken_out[span] for span in case.away)
    away = tuple(part for span in excluded if (part := span.overlap(booked)))
    # From the period's start, since a correction may lie before the ledger's beginning.
    span = Span(case.period.start, booked.end)
    late = corrections_in(net_spans(span, excluded), case.corrections)
    events = tally(span, reading_at, excluded, late)
    expected = None
    if case.rest is not None:
        history = Span(max(begun, booked.end - HISTORY_SECONDS), booked.end)
        counted = net_seconds(history, excluded)
        seconds = net_seconds(case.rest, case.away)
        seen = tally(history, reading_at, excluded, case.corrections)
        expected = expected_events(seen, counted, seconds)
    budget = budget_of(objective, events, expected)
    counted = net_seconds(booked, excluded)
    return Verdict(
        slo=case.slo,
        period=case.period,
        objective=objective,
        good=events.good,
        bad=events.bad,
        total=events.total,
        sli=events.sli,
        budget=budget,
        coverage=min(1.0, events.covered / counted) if counted else None,
        met=_is_met(objective, events, expected),
        meter=meter.id,
        booked=booked,
        excluded=away,
        moved=tuple((one, taken_out[one]) for one in case.away),
        corrections=late,
        notes=(*case.notes, *_notes(case, booked, events, readings)),
    )


def _without_ledger(case: Case) -> Verdict:
    return Verdict(
        slo=case.slo,
        period=case.period,
        objective=case.objective,
        good=NOTHING.good,
        bad=NOTHING.bad,
        total=NOTHING.total,
        sli=None,
        budget=None,
        coverage=None,
        met=None,
        notes=case.notes,
    )


def _is_met(objective: Decimal, events: Tally, expected: float | None) -> bool | None:
    """Whether the bad events are within the budget, reckoned exactly: 29 of 100 at 71 % are."""
    if events.total <= 0:
        return None
    allowed = (1 - objective) * Decimal(events.total + (expected or 0.0))
    return Decimal(events.bad) <= allowed


def _notes(case: Case, booked: Span, events: Tally, known: Mapping[int, Reading]) -> list[Note]:
    """What the numbers give rise to."""
    notes, period, meter = [], case.period, case.meter
    if booked.start > period.start:
        text = f"The ledger begins at {rfc3339(booked.start)}, inside the period."
        notes.append(Note("young", text, None, period.start, booked.start))
    if booked.end < period.end and case.rest is None:
        text = (
            f"The ledger ends at {rfc3339(booked.end)}, inside the period; what came after is"
            " not judged."
        )
        notes.append(Note("ended", text, None, booked.end, period.end))
    if events.crossed > _NOISE:
        text = "More good than total events in the period: the two metrics disagree."
        notes.append(Note("crossed", text, events.crossed, booked.start, booked.end))
    bucket = 1 if meter is None else meter.bucket
    for edge in (booked.start, booked.end):
        reading = known.get(edge)
        moved = 0 if reading is None else bucket_floor(edge, bucket) - reading.end
        if moved > 0:
            text = f"The reading at {rfc3339(edge)} is no longer kept; the one before it counts."
            notes.append(Note("compacted", text, None, edge - moved, edge))
    return notes
