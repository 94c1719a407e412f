"""Lookups: which readings a standing needs, and the ledger as seen through those found."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from slo.domain.budget import HISTORY_SECONDS, rest_of
from slo.domain.exclusion import bad_until, instants_needed, net_seconds, snapped, tally
from slo.domain.grid import Grid, grid_instants, grid_step
from slo.domain.span import Span, bucket_floor, union
from slo.domain.standing import BURN_SPANS
from slo.domain.state import NO_DATA_SECONDS
from slo.domain.window import CalendarWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slo.domain.indicator import Indicator
    from slo.domain.ledger import Correction, Exclusion, Reading, Tally
    from slo.domain.meter import Meter
    from slo.domain.slo import SLO
    from slo.domain.standing import State

_NOISE = 1e-6
"""Covered seconds that sums of floats may differ by without meaning anything."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An SLO to compute: as it is defined, with its indicator resolved and its meter.

    `now` is the clock and `lag` the source's, in seconds; both tell how fresh the
    data are.
    """

    slo: SLO
    indicator: Indicator
    meter: Meter
    now: int
    lag: int = 15
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Memo:
    """What one cycle leaves for the next.

    Its grid holds bare readings, so neither corrections nor exclusions nor a
    longer backfill make it wrong: the first two are applied, and missing points
    looked up, whenever it is used. Only another meter or spacing makes it void.
    """

    meter: int
    grid: Grid
    state: State | None = None
    last_data: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """One subject, the spans to look at, and the instants whose readings they need.

    `begun` is where the ledger begins, or `end` while it is empty.
    """

    subject: Subject
    past: bool
    begun: int
    end: int
    window: Span
    period: Span
    grid: range
    memo: Memo
    exclusions: Sequence[Exclusion]
    instants: frozenset[int]

    @property
    def calendar(self) -> bool:
        """Whether the window goes by the calendar."""
        return isinstance(self.subject.slo.window, CalendarWindow)

    @property
    def history(self) -> Span:
        """The last 28 days, as far as the ledger reaches."""
        return Span(max(self.begun, self.end - HISTORY_SECONDS), self.end)

    def rest(self) -> int | None:
        """The seconds of the window that no reading can be of; None where it is full.

        See `rest_of`; what is excluded does not count.
        """
        rest = rest_of(self.period, Span(self.begun, self.end), calendar=self.calendar)
        return None if rest is None else net_seconds(rest, union(e.span for e in self.exclusions))


def plan_of(
    subject: Subject, at: int | None, exclusions: Iterable[Exclusion], memo: Memo | None
) -> Plan:
    """The plan for a subject as of its last reading, or of the bucket that ends at `at`.

    `exclusions` are those that cover the SLO, of any time. A memo of another meter
    or spacing is left aside; for a past instant only its grid is of use.
    """
    window_of, meter = subject.slo.window, subject.meter
    booked = meter.booked_to
    end = bucket_floor(subject.now if booked is None else booked, meter.bucket)
    if at is not None:
        end = min(end, bucket_floor(at, meter.bucket))
    begun = end if meter.booked_from is None or booked is None else meter.booked_from
    window, period = window_of.span_at(end), window_of.period_at(end)
    step = grid_step(period.seconds, meter.bucket)
    fits = memo is not None and (memo.meter, memo.grid.step) == (meter.id, step)
    kept = memo if memo is not None and fits else Memo(meter.id, Grid(step))
    if at is not None:
        kept = Memo(meter.id, kept.grid)
    grid = grid_instants(Span(max(window.start, begun), end), step)
    wide = Span(min(window.start, end - HISTORY_SECONDS), max(period.end, end))
    applying = [e for e in exclusions if e.span.overlap(wide)]
    instants = {window.start, end, *(end - s for _, s in BURN_SPANS)}
    instants.update(_freshness_instants(kept, end, meter.bucket))
    if period.end > end or begun > window.start:
        instants.add(end - HISTORY_SECONDS)
    if applying:
        instants.update(instants_needed(wide, applying, meter.bucket))
    instants.update(kept.grid.missing(grid))
    return Plan(
        subject=subject,
        past=at is not None,
        begun=begun,
        end=end,
        window=window,
        period=period,
        grid=grid,
        memo=kept,
        exclusions=applying,
        instants=frozenset(max(t, begun) for t in instants),
    )


def _freshness_instants(memo: Memo, end: int, bucket: int) -> list[int]:
    """The instants that tell how old the newest covered bucket is."""
    if memo.last_data is not None:
        return [end - bucket, min(memo.last_data, end)]
    return [*(end - n * bucket for n in (1, 2, 3)), end - NO_DATA_SECONDS]


@dataclass(frozen=True, slots=True)
class View:
    """One SLO's ledger: its readings by instant, what is excluded and what is corrected."""

    plan: Plan
    known: Mapping[int, Reading | None]
    corrections: Sequence[Correction]
    excluded: Sequence[Span] = ()

    @classmethod
    def of(
        cls,
        plan: Plan,
        found: Mapping[tuple[int, int], Reading],
        corrections: Sequence[Correction],
    ) -> View:
        """The view of a plan whose instants were looked up in the meters' readings."""
        meter = plan.subject.meter
        known = {t: found.get((meter.id, t)) for t in plan.instants}
        if not plan.exclusions:
            return cls(plan, known, corrections)
        known |= {r.end: r for r in known.values() if r is not None}
        bare = cls(plan, known, corrections)
        return cls(
            plan, known, corrections, snapped(plan.exclusions, bare.reading_at, meter.bucket)
        )

    def reading_at(self, instant: int) -> Reading | None:
        """The last reading at or before one of the instants that were looked up."""
        return self.known[max(instant, self.plan.begun)]

    def tally(self, span: Span) -> Tally:
        """The events of a span, net and corrected."""
        return tally(span, self.reading_at, self.excluded, self.corrections)

    def counted_seconds(self, span: Span) -> int:
        """How many seconds of `span` the ledger holds and no exclusion takes out."""
        return net_seconds(Span(max(span.start, self.plan.begun), span.end), self.excluded)

    def grid(self) -> Grid:
        """The grid inside the window, as far as the ledger reaches."""
        return self.plan.memo.grid.over(self.plan.grid, self._bad_at)

    def bad_since_start(self, grid: Grid) -> list[tuple[int, float]]:
        """The window's bad events until each point of the grid, and until its end."""
        window, last = self.plan.window, self.reading_at(self.plan.end)
        instants = [*grid.instants, window.end]
        readings = [*grid.bad, 0.0 if last is None else last.total - last.good]
        marks = list(zip(instants, readings, strict=True))
        bad = bad_until(marks, window, self.reading_at, self.excluded, self.corrections)
        return list(zip(instants, bad, strict=True))

    def _bad_at(self, instant: int) -> float | None:
        reading = self.reading_at(instant)
        return None if reading is None else reading.total - reading.good

    def last_data(self) -> int | None:
        """The end of the newest covered bucket, to the accuracy of the readings looked up."""
        instants = sorted((t for t in self.known if t <= self.plan.end), reverse=True)
        for later, earlier in pairwise(instants):
            newer, older = self.known[later], self.known[earlier]
            if newer is not None and older is not None and newer.covered - older.covered > _NOISE:
                return newer.end
        return self.plan.memo.last_data
